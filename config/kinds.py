"""Kinds of settings: what is checked of a value, and how it is read."""

import ipaddress
import re
import zoneinfo
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationInfo

from warest import addresses
from warest.command_words import CommandWords


def variables(*names: str, default: Any, help: str, secret: bool = False) -> Any:
    """A setting that stands in the first of `names` that is set. A secret is shown nowhere."""
    return Field(default, validation_alias=AliasChoices(*names), description=help, repr=not secret)


def _hash_name(value: object) -> object:
    """The original takes 256, sha256 and sha-256 for the same thing."""
    return str(value).lower().removeprefix("sha").removeprefix("-")


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _time_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone; IANA names look like Asia/Jakarta") from None
    return name


def _locale(name: str) -> str:
    if name != "en-US":
        import babel  # a session process should not pay for it

        try:
            babel.Locale.parse(name.replace("-", "_"))
        except (babel.UnknownLocaleError, ValueError):
            raise ValueError("no such locale; their names look like en-US, id or pt-BR") from None
    return name


def header_text(value: str) -> str:
    """It goes out in a webhook header, where a line break would begin the next one."""
    if not value.isprintable():
        raise ValueError("only printable characters can stand here")
    return value


def _networks(value: str) -> str:
    for part in split(value):
        ipaddress.ip_network(part, strict=False)  # its ValueError says what is wrong
    return value


def _private_networks(value: str) -> str:
    addresses.Networks.parse(value)  # its ValueError says what is wrong
    return value


def _receivers_networks(value: str) -> str:
    return value if value == "auto" else _private_networks(value)


def _waits(value: str) -> str:
    if any(float(part) < 1 for part in split(value)):  # its ValueError, for what is no number, says what is wrong
        raise ValueError("waits are of a second or more")
    return value


def _db_client(value: object) -> object:
    return "postgres" if lower(value) in ("pg", "postgresql") else lower(value)


def _db_url(value: str, info: ValidationInfo) -> str:
    """Another client does not read it, so it may then be anything."""
    if value and info.data.get("db_client") == "postgres":
        try:
            is_ours = urlsplit(value).scheme in ("postgres", "postgresql") and urlsplit(value).port != 0
        except ValueError:  # its words would repeat a part of the URL, maybe of the password
            is_ours = False
        if not is_ours:
            raise ValueError("it has to look like postgresql://USER:PASSWORD@HOST:PORT/DATABASE, escaped as in any URL")
    return value


def _session_store(value: str, info: ValidationInfo) -> str:
    value = value.strip()
    if value == "postgres" and info.data.get("db_client") != "postgres":
        raise ValueError("`postgres` is the database of WAREST_DB_CLIENT=postgres; with another, give a URL here")
    if value not in ("files", "postgres") and not value.startswith(("postgres://", "postgresql://")):
        raise ValueError("it is `files`, `postgres` or a postgresql:// URL")
    return value


def _needed_by_server(value: str, info: ValidationInfo) -> str:
    client = info.data.get("db_client")
    if not value and (client == "mysql" or (client == "postgres" and info.data.get("db_url") == "")):
        raise ValueError(f"has to be set for WAREST_DB_CLIENT={client}")
    return value


def _commands(value: str) -> str:
    CommandWords(split(value))  # its ValueError says what is wrong
    return value


def split(value: str) -> list[str]:
    """The parts of a setting that is a list, separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


Sha2 = Annotated[Literal["224", "256", "384", "512"], BeforeValidator(_hash_name)]
CountryCode = Annotated[str, BeforeValidator(lambda value: re.sub(r"[^0-9]", "", str(value))), Field(min_length=1)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Locale = Annotated[str, AfterValidator(_locale)]
HeaderText = Annotated[str, AfterValidator(header_text)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[int, Field(ge=0)]
DbClient = Annotated[Literal["sqlite", "postgres", "mysql"], BeforeValidator(_db_client)]
DbSchema = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62})?$")]
DbUrl = Annotated[str, AfterValidator(_db_url)]
SessionStore = Annotated[str, AfterValidator(_session_store)]
NeededByServer = Annotated[str, AfterValidator(_needed_by_server), Field(validate_default=True)]
Commands = Annotated[str, AfterValidator(_commands)]
Networks = Annotated[str, AfterValidator(_networks)]
PrivateNetworks = Annotated[str, BeforeValidator(lower), AfterValidator(_private_networks)]
ReceiversNetworks = Annotated[str, BeforeValidator(lower), AfterValidator(_receivers_networks)]
Waits = Annotated[str, AfterValidator(_waits)]
# As in the original: at least a second, and 0 calls is a slip.
RateWindow = Annotated[int, AfterValidator(lambda value: max(1000, value))]
RateMax = Annotated[int, Field(ge=0), AfterValidator(lambda value: value or 120)]

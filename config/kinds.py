"""Kinds of settings: what is checked of a value, and how it is read."""

import ipaddress
import re
import zoneinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field


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


def _header_text(value: str) -> str:
    """It goes out in a webhook header, where a line break would begin the next one."""
    if not value.isprintable():
        raise ValueError("only printable characters can stand here")
    return value


def _networks(value: str) -> str:
    for part in split(value):
        ipaddress.ip_network(part, strict=False)  # its ValueError says what is wrong
    return value


def split(value: str) -> list[str]:
    """The parts of a setting that is a list, separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


Sha2 = Annotated[Literal["224", "256", "384", "512"], BeforeValidator(_hash_name)]
CountryCode = Annotated[str, BeforeValidator(lambda value: re.sub(r"[^0-9]", "", str(value))), Field(min_length=1)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
HeaderText = Annotated[str, AfterValidator(_header_text)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[int, Field(ge=0)]
Networks = Annotated[str, AfterValidator(_networks)]
# As in the original: at least a second, and 0 calls is a slip.
RateWindow = Annotated[int, AfterValidator(lambda value: max(1000, value))]
RateMax = Annotated[int, Field(ge=0), AfterValidator(lambda value: value or 120)]

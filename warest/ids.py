"""Identifiers: what each looks like, and the only places where one is made or taken apart.

WhatsApp knows one account under two names: its phone number (`628111@s.whatsapp.net`, a PN) and a hidden identity
(`123456@lid`, a LID). Neither replaces the other: both are kept wherever both are known.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

from warest.errors import InvalidInput

PN_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"
CHANNEL_SERVER = "newsletter"
KEPT_SERVERS = frozenset({PN_SERVER, LID_SERVER, GROUP_SERVER, CHANNEL_SERVER, "broadcast"})

#: Where a status goes, which those see for a day who know the account.
STATUS = "status@broadcast"

#: What a session may be called by its owner. The internal name is a ULID: this one may be `..`.
SESSION_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_RECIPIENT_BREAK = re.compile(r"[,;\n]")
_DEVICE = re.compile(r"[0-9]{0,5}")
_LATEST_MS = 2**48 - 1

#: The cursor of an event is the id of its entry in a Redis stream: epoch ms, and a number within that millisecond.
_CURSOR = re.compile(r"([0-9]{1,13})-([0-9]{1,7})")

#: Bits of that number where a cursor is one integer. More events than 2**20 in a millisecond are more than Redis takes.
_CURSOR_BITS = 20


@dataclass(frozen=True, slots=True)
class Jid:
    """An address at WhatsApp: `user@server`, or `user:device@server` for one device of an account."""

    user: str
    server: str
    device: int = 0

    @classmethod
    def parse(cls, text: str) -> "Jid":
        account, _, server = text.rpartition("@")
        user, _, device = account.partition(":")
        if not server or not user or not _DEVICE.fullmatch(device):
            raise InvalidInput(f"not a JID: {text!r}")
        return cls(user, server, int(device or 0))

    def __str__(self) -> str:
        return f"{self.user}:{self.device}@{self.server}" if self.device else f"{self.user}@{self.server}"

    @property
    def account(self) -> "Jid":
        """The account itself, whichever of its devices this names."""
        return Jid(self.user, self.server)

    @property
    def is_lid(self) -> bool:
        return self.server == LID_SERVER

    @property
    def is_group(self) -> bool:
        return self.server == GROUP_SERVER


def recipient(token: str, country_code: str) -> Jid | None:
    """One recipient as users write it; None when there is nothing to send to in it.

    Contract, endpoints.md 0.7: `08123` is a number of `country_code`, `00` an international prefix, `@c.us` an old
    name of `@s.whatsapp.net`. Unlike the original a `@lid` stays one (quirk Q33).
    """
    user, at, server = token.strip().rpartition("@")
    if at and server in KEPT_SERVERS:
        with contextlib.suppress(InvalidInput):
            return Jid.parse(token.strip())
        return None
    digits = digits_of(user if at else server)
    if not at:
        digits = digits.removeprefix("00")
        bare = digits.lstrip("0")
        digits = country_code + bare if bare != digits and bare else bare
    return Jid(digits, PN_SERVER) if digits else None


def digits_of(text: str) -> str:
    """A phone number as WhatsApp has it, however somebody has written it."""
    return re.sub(r"[^0-9]", "", text)


def recipients(tokens: Iterable[str], country_code: str) -> list[Jid]:
    """All recipients in a `to` of one or more tokens, each of which may list several, without repetition."""
    parts = (part for token in tokens for part in _listed(token))
    found = (recipient(part, country_code) for part in parts)
    return list(dict.fromkeys(jid for jid in found if jid))


def _listed(token: str) -> Iterable[str]:
    """The parts of one token: of a JSON array, or what stands between commas, semicolons and line breaks."""
    if token.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            return [str(part) for part in json.loads(token) if isinstance(part, str | int)]
    return _RECIPIENT_BREAK.split(token)


def new_ulid() -> str:
    """A ULID of now: 26 characters that sort by time (48 bits of epoch milliseconds, 80 random bits)."""
    return _ulid(time.time_ns() // 1_000_000, os.urandom(10))


def new_command_id() -> str:
    return f"cmd_{new_ulid()}"


def new_event_id() -> str:
    return f"evt_{new_ulid()}"


def event_id_for(timestamp_ms: int, *origin: str) -> str:
    """The id of an event that WhatsApp may report more than once: the same origin always has the same id."""
    return f"evt_{_ulid(timestamp_ms, hashlib.sha256(chr(0).join(origin).encode()).digest()[:10])}"


def command_id_for(origin: str, what: str) -> str:
    """The id of a command that follows from an event or a delivery: however often that comes, it is the same, and so it
    runs once. `origin` is the other one's id, which ends in a ULID."""
    return f"cmd_{origin[-26:-16]}{event_id_for(0, origin, what)[14:]}"


def cursor_number(cursor: str) -> int:
    """A cursor as an integer of 63 bits that sorts alike. Raises InvalidInput."""
    parts = _CURSOR.fullmatch(cursor)
    if parts is None or int(parts[1]) >> (63 - _CURSOR_BITS) or int(parts[2]) >> _CURSOR_BITS:
        raise InvalidInput(f"not a cursor: {cursor[:40]!r}")
    return (int(parts[1]) << _CURSOR_BITS) | int(parts[2])


def cursor_text(number: int) -> str:
    """The cursor that `cursor_number` made a number of."""
    return f"{number >> _CURSOR_BITS}-{number & (1 << _CURSOR_BITS) - 1}"


def cursor_at(ms: int) -> int:
    """The number of the first cursor there can be at that time (epoch ms)."""
    return ms << _CURSOR_BITS


def delivery_id_for(event_id: str, endpoint: str, timestamp_ms: int) -> str:
    """The id of an event's delivery to an endpoint: the same whoever makes it, and sorted by the event's time."""
    return event_id_for(timestamp_ms, event_id, endpoint).removeprefix("evt_")


def name_of_keys(session: str) -> str:
    """What the keys of a session are encrypted for, by its ULID: those of one do not open as another's."""
    return f"session/{session}"


def _ulid(timestamp_ms: int, randomness: bytes) -> str:
    # 128 bits in base32 are 26 characters when two zero bits lead; b32encode pads at the end instead, so 32 bits of
    # zeros are put in front (160 bits = 32 characters) and the first six characters dropped.
    # A time outside of ULIDs is somebody else's mistake, and must not cost an event.
    raw = bytes(4) + min(max(timestamp_ms, 0), _LATEST_MS).to_bytes(6, "big") + randomness
    return base64.b32encode(raw).translate(_CROCKFORD).decode()[6:]

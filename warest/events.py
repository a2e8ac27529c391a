"""Every fact that a session reports: `X is emitted when ...`.

An event is made once, in the process of its session, as the exact JSON that a webhook gets. From then on only that
body travels: what is signed, streamed and sent again is the same bytes.
"""

import math
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from warest import ids

SESSION_STATUS = "session_status"
MESSAGE_RECEIVED = "message_received"
MESSAGE_MEDIA = "message_media"
MESSAGE_REACTION = "message_reaction"
MESSAGE_EDITED = "message_edited"
MESSAGE_REVOKED = "message_revoked"
MESSAGE_COMMAND = "message_command"
MESSAGE_SENT = "message_sent"
MESSAGE_STATUS = "message_status"
GROUP_PARTICIPANTS = "group_participants"
GROUP_JOIN = "group_join"
GROUP_LEAVE = "group_leave"
GROUP_UPDATE = "group_update"
PRESENCE_UPDATE = "presence_update"
CREDS_UPDATE = "creds_update"
CALL = "call"
ENDPOINT_DISABLED = "endpoint_disabled"
TEST = "test"

#: Events that only endpoints get which name them: to others they would mean nothing.
ON_REQUEST = frozenset({ENDPOINT_DISABLED})

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_SURROGATE = re.compile("[\ud800-\udfff]")

#: Beyond it JavaScript rounds whole numbers.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """Who a session is: `ulid` inside the house, the rest outside it (contract, webhooks.md section 2)."""

    ulid: str
    id: str
    label: str
    registry: str
    username: str

    def envelope(self) -> dict[str, str]:
        return {"id": self.id, "label": self.label, "registry": self.registry, "username": self.username}


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `ts_ms` (epoch milliseconds) is when it was made; `body` is the JSON of the whole envelope."""

    id: str
    name: str
    ts_ms: int
    body: bytes


def make(identity: SessionIdentity, name: str, data: dict[str, Any], *, event_id: str, ts_ms: int) -> Event:
    """Build the envelope. `data.id` comes first and `data.sessionId` last, as receivers have always seen it;
    `eventId` (quirk Q6) stands beside the latter."""
    envelope = {
        "event": name,
        "data": {"id": identity.id, **data, "eventId": event_id, "sessionId": identity.id},
        "ts": ts_ms,
        "session": identity.envelope(),
    }
    return Event(event_id, name, ts_ms, as_javascript(envelope))


def as_javascript(value: Any) -> bytes:
    """JSON as JavaScript's JSON.stringify writes it, so that a receiver which re-serialises gets the signed bytes.

    orjson is compact and leaves non-ASCII alone as JavaScript does; what differs are floats, whole numbers that
    JavaScript cannot hold, the order of keys that look like array indexes, and halves of surrogate pairs, which become
    U+FFFD.
    """
    return orjson.dumps(_javascript(value))


def _javascript(value: Any) -> Any:
    if isinstance(value, dict):
        return {_javascript(key): _javascript(item) for key, item in sorted(value.items(), key=_key_order)}
    if isinstance(value, list | tuple):
        return [_javascript(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return orjson.Fragment(_number(value))
    if isinstance(value, int) and abs(value) > _EXACT:
        return _javascript(_rounded(value))
    if isinstance(value, str) and _SURROGATE.search(value):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _key_order(item: tuple[str, Any]) -> tuple[bool, int]:
    """Array indexes first, by value; the others as they were put in."""
    key = item[0]
    is_index = _INDEX.fullmatch(key) is not None and int(key) < 2**32 - 1
    return not is_index, int(key) if is_index else 0


def _rounded(value: int) -> float:
    """As JavaScript reads it: what is too large for a float is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _number(value: float) -> str:
    """ECMAScript's Number::toString. Python finds the same shortest digits, but puts the point elsewhere."""
    if value == 0:
        return "0"
    sign, parts, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, parts)).rstrip("0")
    point = len(parts) + int(exponent)  # how many digits stand in front of it
    minus = "-" * sign
    if len(digits) <= point <= 21:
        return minus + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{fraction}e{point - 1:+d}"


def make_now(identity: SessionIdentity, name: str, data: dict[str, Any], *, event_id: str) -> Event:
    return make(identity, name, data, event_id=event_id, ts_ms=time.time_ns() // 1_000_000)


def session_status(session: SessionIdentity, data: dict[str, Any]) -> Event:
    """A session_status of now, under a new id: docs/events.md lists what `data` holds."""
    return make_now(session, SESSION_STATUS, data, event_id=ids.new_event_id())

"""Every fact that a session reports: `X is emitted when ...`.

An event is made once, in the process of its session, as the exact JSON that a webhook gets. From then on only that
body travels: what is signed, streamed and sent again is the same bytes.
"""

from dataclasses import dataclass
from typing import Any

import orjson

SESSION_STATUS = "session_status"
MESSAGE_RECEIVED = "message_received"


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

    orjson is compact and leaves non-ASCII alone as JavaScript does; what differs is a float with a whole value.
    """
    return orjson.dumps(_whole_floats(value))


def _whole_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_floats(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def session_status(**data: Any) -> dict[str, Any]:
    """session_status is emitted when a session changes its state.

    `tags` (create, connecting, qr, open, reconnecting, logged_out, conflict_replaced, close, delete) says what
    happened; `status` is the contract's word where it had one. Where the original sent only one of the two, both are
    sent (quirk Q8). With tag `qr`: `qr` (PNG data URI), `qrString`, `qrDuration` (seconds). With `open`: `me`.
    """
    return data

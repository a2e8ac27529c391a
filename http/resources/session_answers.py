"""What the session routes answer."""

import time
from datetime import UTC, datetime
from typing import Any

from warest.http.operation import Result
from warest.lifecycle import STOPPED
from warest.pictures import qr_data_uri
from warest.states import SessionState
from warest.store import SessionRecord


class Configured(Result):
    registryUser: str
    sessionId: str
    webhookUrl: str
    webhookSecret: str


class Created(Configured):
    """`qrString` and `qr` are null, or left out for a session that existed, when there is no QR (quirk W6)."""

    createdAt: str | None = None
    qrString: str | None = None
    qr: str | None = None
    qrDuration: int | None = None


class Item(Result):
    """`status` is the contract's word, `state` a finer one. `reason` says why it is so, `advice` what to do.

    `until` (epoch seconds) is when a ban ends.

    `lastConn` is epoch milliseconds while the session runs, else an ISO time (quirk W5).
    """

    id: str
    status: str
    me: dict[str, Any] | None
    pushName: str | None
    lastConn: int | str | None
    state: str
    reason: str
    advice: str
    until: float | None


class SessionList(Result):
    items: list[Item]


class Deleted(Result):
    sessionId: str
    steps: dict[str, bool]


def created(record: SessionRecord, state: SessionState, is_new: bool) -> dict[str, Any]:
    qr = {
        "qrString": state.qr,
        "qr": qr_data_uri(state.qr) if state.qr else None,
        "qrDuration": state.qr_seconds(time.time()) if state.qr else 20,
    }
    return {
        "registryUser": record.owner.registry,
        "sessionId": record.id,
        **({} if is_new else {"createdAt": _iso(record.created_at)}),
        **(qr if is_new or state.qr else {}),
        "webhookUrl": record.webhook_url,
        "webhookSecret": record.webhook_secret,
    }


def item(record: SessionRecord, state: SessionState) -> Item:
    return Item(
        id=record.id,
        status=state.known.status,
        state=state.state,
        advice=state.known.advice,
        until=state.until,
        me=state.me,
        pushName=state.me["name"] or None if state.me else None,
        lastConn=_last_connection(state),
        reason=state.reason or state.known.meaning,
    )


def _last_connection(state: SessionState) -> int | str | None:
    is_down = state.known.status == STOPPED and state.connected_ms is not None
    return _iso((state.connected_ms or 0) / 1000) if is_down else state.connected_ms


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

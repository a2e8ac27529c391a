"""What the session routes answer."""

import time
from datetime import UTC, datetime
from typing import Any

from warest import ids
from warest.http.operation import Result
from warest.http.sessions import phone_of
from warest.http.times import iso
from warest.lifecycle import STOPPED
from warest.pictures import qr_data_uri
from warest.states import SessionState
from warest.store import Endpoint, SessionRecord
from warest.store.endpoints import GONE


class Configured(Result):
    registryUser: str
    sessionId: str
    webhookUrl: str
    webhookSecret: str


class Configuration(Configured):
    rejectCalls: bool
    callReply: str


class Created(Configured):
    """`qrString` and `qr` are null, or left out for a session that existed, when there is no QR (quirk W6)."""

    createdAt: str | None = None
    qrString: str | None = None
    qr: str | None = None
    qrDuration: int | None = None


class Condition(Result):
    """How a session is. `state` is finer than the contract's words; `reason` says why it is so, `advice` what to do.

    `until` (epoch seconds) is when a ban ends.
    """

    state: str
    reason: str
    advice: str
    until: float | None


class Item(Condition):
    """`status` is the contract's word for the state.

    `lastConn` is epoch milliseconds while the session runs, else an ISO time (quirk W5). `pacing` is there while
    WAREST_PACING is on: how strangers are written to.
    """

    id: str
    status: str
    me: dict[str, Any] | None
    pushName: str | None
    lastConn: int | str | None
    pacing: dict[str, Any] | None = None


class SessionList(Result):
    items: list[Item]


class LoggedOut(Result):
    sessionId: str
    steps: dict[str, bool]


class Deleted(LoggedOut):
    pass


class PairCode(Condition):
    """`pairCode` is like `ABCD-1234`, or empty while there is none yet. `status` stands in its place when the session
    is open."""

    registryUser: str
    sessionId: str
    pairCode: str | None = None
    status: str | None = None


class DeviceInfo(Condition):
    """The account: its number and its hidden identity, as digits and as JIDs; null until it is linked."""

    name: str | None
    phone: str | None
    device: str
    pn: str | None
    lid: str | None
    contactId: str | None


def shown_url(endpoint: Endpoint) -> str:
    """A receiver that has said that it is gone is none any more, though the endpoint still knows it (decision 34)."""
    return "" if endpoint.reason == GONE else endpoint.url


def created(record: SessionRecord, endpoint: Endpoint, state: SessionState, is_new: bool) -> dict[str, Any]:
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
        "webhookUrl": shown_url(endpoint),
        "webhookSecret": endpoint.secret,
    }


def item(record: SessionRecord, state: SessionState, pacing: dict[str, Any] | None) -> Item:
    return Item(
        pacing=pacing,
        id=record.id,
        status=state.known.status,
        me=state.me,
        pushName=state.me["name"] or None if state.me else None,
        lastConn=_last_connection(state),
        **_condition(state),
    )


def pair_code(record: SessionRecord, state: SessionState, code: str | None) -> dict[str, Any]:
    """`code` None: the session is open already and needs none."""
    answer = {"status": state.known.status} if code is None else {"pairCode": code}
    return {"registryUser": record.owner.registry, "sessionId": record.id, **answer, **_condition(state)}


def device_info(state: SessionState) -> DeviceInfo:
    me = state.me or {}
    pn, lid = _account(me.get("id")), _account(me.get("lid"))
    return DeviceInfo(
        name=me.get("name") or None,
        phone=phone_of(state),
        device="WARest",  # what the phone itself is, the engine does not say
        pn=pn,
        lid=lid,
        contactId=lid or pn,
        **_condition(state),
    )


def _account(jid: str | None) -> str | None:
    """Without the device: what others write to."""
    return str(ids.Jid.parse(jid).account) if jid else None


def _condition(state: SessionState) -> dict[str, Any]:
    return Condition(
        state=state.state,
        reason=state.reason or state.known.meaning,
        advice=state.known.advice,
        until=state.until,
    ).model_dump()


def _last_connection(state: SessionState) -> int | str | None:
    is_down = state.known.status == STOPPED and state.connected_ms is not None
    return _iso((state.connected_ms or 0) / 1000) if is_down else state.connected_ms


def _iso(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))

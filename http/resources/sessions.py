"""/api/v1/session: link, list, configure and delete sessions."""

import secrets
import string
import time
from datetime import UTC, datetime
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import keys
from warest.bus import Bus
from warest.commands import Logout
from warest.errors import WarestError
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, operation
from warest.http.sessions import SessionAccess, own, valid_name
from warest.pictures import qr_data_uri
from warest.states import SessionState, States
from warest.store import Account, SessionRecord, Store

#: How long a call waits for a QR, s (contract: 2.5 for a new session, 1.5 for a known one).
NEW_QR_PATIENCE, KNOWN_QR_PATIENCE = 2.5, 1.5

#: How long a call waits until a process has stopped, and for a preflight, s.
STOP_PATIENCE, PREFLIGHT_PATIENCE = 15.0, 15.0

#: WhatsApp is told of a logout if it answers within this, s; the rest of the deletion does not depend on it.
LOGOUT_PATIENCE = 5.0

#: A shorter secret never signs anything.
SHORTEST_SECRET = 6


class SessionName(Parameters):
    session_id: str | None = Field(None, validation_alias=AliasChoices("sessionId", "id", "session"))


class Config(SessionName):
    webhook_url: str | None = Field(None, alias="webhookUrl")
    webhook_secret: str | None = Field(None, alias="webhookSecret")
    preflight: bool = Field(False, validation_alias=AliasChoices("preflight", "preflightVerify"))


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
    """`status` is the contract's word; `reason` says why a session is not open."""

    id: str
    status: str
    me: dict[str, Any] | None
    pushName: str | None
    lastConn: int | None
    reason: str | None


class SessionList(Result):
    items: list[Item]


class Deleted(Result):
    sessionId: str
    steps: dict[str, bool]


class Sessions:
    """What the resources of this noun share."""

    def __init__(self, store: Store, states: States, bus: Bus, access: SessionAccess) -> None:
        self.store = store
        self.states = states
        self.bus = bus
        self.access = access

    def start(self, record: SessionRecord) -> None:
        if not record.auto_start:
            self.store.set_auto_start(record.owner, record.ulid, True)
        self.bus.send(keys.SUPERVISOR_QUEUE, "start_session", session=record.ulid)


class Create:
    """/api/v1/session/create"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Create a session, or start one again, and get its QR",
        family=Family.E1,
        parameters=SessionName,
        result=Created,
        codes=(Code.SESSION_QR_REQUIRED, Code.SESSION_OPEN, Code.SESSION_REQUIRED, Code.FORBIDDEN),
    )
    def on_get(self, request: falcon.Request, parameters: SessionName) -> Answer:
        account, name = request.context.account, valid_name(parameters.session_id)
        known = self._sessions.store.session(name)
        record = own(known, account) if known else self._sessions.store.create_session(account, name)
        state = self._sessions.states.get(record.ulid)
        if state.is_open:
            return Answer([_created(record, state, known is None)], "Session already open", Code.SESSION_OPEN)
        self._sessions.start(record)
        patience = KNOWN_QR_PATIENCE if known else NEW_QR_PATIENCE
        state = self._sessions.states.wait(record.ulid, lambda state: bool(state.qr) or state.is_open, patience)
        result = [_created(record, state, known is None)]
        if state.is_open:
            return Answer(result, "Session already open", Code.SESSION_OPEN)
        if state.qr:
            return Answer(result, "Scan the QR to continue", Code.SESSION_QR_REQUIRED)
        return Answer(result, "Session exists" if known else "Session created")

    on_post = on_get  # a GET that changes something stays for its callers (S10); this is the better way


class List:
    """/api/v1/session/list"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation("The caller's sessions and how they are", family=Family.E1, result=SessionList)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        records = self._sessions.store.sessions_of(request.context.account)
        states = self._sessions.states.get_many(record.ulid for record in records)
        items = [_item(record, state) for record, state in zip(records, states, strict=True)]
        return Answer([SessionList(items=items).model_dump()], "OK")


class Configure:
    """/api/v1/session/{sessionId}/config"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Say where the session's events go",
        family=Family.E1,
        parameters=Config,
        result=Configured,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.BAD_REQUEST),
    )
    def on_post(self, request: falcon.Request, parameters: Config, sessionId: str) -> Answer:
        account: Account = request.context.account
        record = self._sessions.access.named(account, sessionId)
        url = record.webhook_url if parameters.webhook_url is None else parameters.webhook_url.strip()
        secret = _secret(record, url, (parameters.webhook_secret or "").strip())
        if parameters.preflight and url and secret:
            self._preflight(record, url, secret)
        self._sessions.store.configure_session(account, record.ulid, webhook_url=url, webhook_secret=secret)
        configured = Configured(
            registryUser=account.registry, sessionId=record.id, webhookUrl=url, webhookSecret=secret
        )
        return Answer([configured.model_dump()], "Config updated")

    def _preflight(self, record: SessionRecord, url: str, secret: str) -> None:
        """Nothing is saved when the receiver does not answer well."""
        outcome = self._sessions.bus.order(
            keys.WEBHOOK_QUEUE, "preflight", PREFLIGHT_PATIENCE, session=record.ulid, url=url, secret=secret
        )
        if not outcome["ok"]:
            raise Refusal(Code.BAD_REQUEST, "Webhook preflight failed", results=[{"results": [outcome]}])


class Delete:
    """/api/v1/session/delete"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Unlink a session and forget everything about it",
        family=Family.E1,
        parameters=SessionName,
        result=Deleted,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN),
    )
    def on_delete(self, request: falcon.Request, parameters: SessionName) -> Answer:
        account: Account = request.context.account
        record = self._sessions.access.named(account, parameters.session_id)
        self._unlink(record)
        self._sessions.bus.order(keys.SUPERVISOR_QUEUE, "stop_session", STOP_PATIENCE, session=record.ulid, purge=True)
        self._sessions.store.delete_session(account, record.ulid)
        self._sessions.bus.broker.delete_queue(keys.command_queue(record.ulid))
        self._sessions.states.forget(record.ulid)
        deleted = Deleted(sessionId=record.id, steps={"runtime": True, "creds": True, "meta": True})
        return Answer([deleted.model_dump()], "Session deleted")

    def _unlink(self, record: SessionRecord) -> None:
        """Take the device off the phone's list, if WhatsApp can be told now."""
        if self._sessions.states.get(record.ulid).is_open:
            try:
                self._sessions.bus.call(record.ulid, Logout(), LOGOUT_PATIENCE)
            except WarestError:
                return  # the phone then shows the device until its owner removes it


def _secret(record: SessionRecord, url: str, given: str) -> str:
    """One that is given; else the one that is kept; else a new one as soon as there is a receiver (quirk Q5)."""
    if given:
        return given
    if url and len(record.webhook_secret) < SHORTEST_SECRET:
        return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24))
    return record.webhook_secret


def _created(record: SessionRecord, state: SessionState, is_new: bool) -> dict[str, Any]:
    qr = {
        "qrString": state.qr,
        "qr": qr_data_uri(state.qr) if state.qr else None,
        "qrDuration": state.qr_seconds(time.time()) if state.qr else 20,
    }
    created_at = datetime.fromtimestamp(record.created_at, UTC).isoformat(timespec="milliseconds")
    return {
        "registryUser": record.owner.registry,
        "sessionId": record.id,
        **({} if is_new else {"createdAt": created_at.replace("+00:00", "Z")}),
        **(qr if is_new or state.qr else {}),
        "webhookUrl": record.webhook_url,
        "webhookSecret": record.webhook_secret,
    }


def _item(record: SessionRecord, state: SessionState) -> Item:
    return Item(
        id=record.id,
        status=state.status,
        me=state.me,
        pushName=state.me["name"] or None if state.me else None,
        lastConn=state.connected_ms,
        reason=state.reason,
    )

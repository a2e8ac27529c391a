"""/api/v1/session: link, list, configure and delete sessions."""

from collections.abc import Callable
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import events, farewell, keys, lifecycle, webhooks
from warest.bus import Bus
from warest.commands import Logout
from warest.destinations import Directory, preflight_order, reopen
from warest.errors import Conflict, WarestError
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Flag, Parameters, Word, operation
from warest.http.resources.chats import Choice
from warest.http.resources.session_answers import Configuration, Created, Deleted, SessionList, created, item, shown_url
from warest.http.sessions import SessionAccess, own, valid_name
from warest.states import SessionState, States
from warest.store import Account, Endpoint, SessionRecord, Store
from warest.store.endpoints import DISABLED, ENABLED

#: How long a call waits for a QR, s (contract: 2.5 for a new session, 1.5 for a known one).
NEW_QR_PATIENCE, KNOWN_QR_PATIENCE = 2.5, 1.5

#: How long a call waits until a process has stopped, and for a preflight, s.
STOP_PATIENCE, PREFLIGHT_PATIENCE = 15.0, 15.0

#: WhatsApp is told of a logout if it answers within this, s; the rest of the deletion does not depend on it.
LOGOUT_PATIENCE = 5.0


class SessionName(Parameters):
    query_first = True

    session_id: Word = Field(None, validation_alias=AliasChoices("sessionId", "id", "session"))


class Config(SessionName):
    """`rejectCalls`: reject every call of a person (false); `callReply`: then write this to the caller (nothing). What
    is not given stays."""

    webhook_url: Word = Field(None, alias="webhookUrl", max_length=4096)
    webhook_secret: Word = Field(None, alias="webhookSecret", max_length=255)
    reject_calls: Choice = Field(None, alias="rejectCalls")
    call_reply: Word = Field(None, alias="callReply", max_length=1000)
    preflight: Flag = False
    preflight_verify: Flag = Field(False, alias="preflightVerify")


class Sessions:
    """What the resources of this noun share."""

    def __init__(
        self,
        store: Store,
        states: States,
        bus: Bus,
        access: SessionAccess,
        *,
        directory: Directory,
        pacing_of: Callable[[str], dict[str, Any] | None],
    ) -> None:
        """`pacing_of` tells how a session is paced, by its ULID."""
        self.directory = directory
        self.pacing_of = pacing_of
        self.store = store
        self.states = states
        self.bus = bus
        self.access = access

    def create(self, account: Account, name: str) -> SessionRecord:
        """A new session, unless another request has made it at the same moment."""
        try:
            return self.store.create_session(account, name)
        except Conflict:
            if record := self.store.session(name):
                return own(record, account)
            raise

    def known_or_new(self, account: Account, name: str) -> tuple[SessionRecord, bool]:
        """The session of this name, and whether it is new. Raises Refusal when somebody else has it."""
        known = self.store.session(name)
        return (own(known, account), False) if known else (self.create(account, name), True)

    def start(self, record: SessionRecord) -> None:
        self.keep_running(record)
        self.bus.send(keys.SUPERVISOR_QUEUE, "start_session", session=record.ulid)

    def keep_running(self, record: SessionRecord) -> None:
        """It comes back after crashes and boots."""
        if not record.auto_start:
            self.store.set_auto_start(record.owner, record.ulid, True)

    def end(self, record: SessionRecord) -> None:
        """Unlink the device, stop the process for good and forget its keys."""
        if record.auto_start:  # first of all: nobody may start it again in between
            self.store.set_auto_start(record.owner, record.ulid, False)
        self._unlink(record)
        self.bus.order_host(record.ulid, "stop_session", STOP_PATIENCE, purge=True)

    def say_farewell(self, record: SessionRecord) -> None:
        """The last event of a session that is being deleted, and where it and those before it go."""
        farewell.keep(self.bus.redis, self.store.vault, self.directory.targets(record))
        told = {"tags": "delete", "status": lifecycle.STOPPED}
        self.bus.publish(record.identity, events.session_status(record.identity, told))

    def _unlink(self, record: SessionRecord) -> None:
        """Take the device off the phone's list, if WhatsApp can be told now."""
        if self.states.get(record.ulid).is_open:
            try:
                self.bus.call(record.ulid, Logout(), LOGOUT_PATIENCE)
            except WarestError:
                return  # the phone then shows the device until its owner removes it


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
        record, is_new = self._sessions.known_or_new(account, name)
        state = self._sessions.states.get(record.ulid)
        if state.is_open:
            return Answer([self._created(record, state, is_new)], "Session already open", Code.SESSION_OPEN)
        self._sessions.start(record)
        patience = NEW_QR_PATIENCE if is_new else KNOWN_QR_PATIENCE
        state = self._sessions.states.wait(record.ulid, lambda state: bool(state.qr) or state.is_open, patience)
        result = [self._created(record, state, is_new)]
        if state.is_open:
            return Answer(result, "Session already open", Code.SESSION_OPEN)
        if state.qr:
            return Answer(result, "Scan the QR to continue", Code.SESSION_QR_REQUIRED)
        return Answer(result, "Session created" if is_new else "Session exists")

    def _created(self, record: SessionRecord, state: SessionState, is_new: bool) -> dict[str, Any]:
        return created(record, self._sessions.store.endpoints.of_config(record.ulid), state, is_new)

    on_post = on_get  # a GET that changes something stays for its callers (S10); this is the better way


class List:
    """/api/v1/session/list"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation("The caller's sessions and how they are", family=Family.E1, result=SessionList)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        records = self._sessions.store.sessions_of(request.context.account)
        states = self._sessions.states.get_many(record.ulid for record in records)
        known = zip(records, states, strict=True)
        items = [item(record, state, self._sessions.pacing_of(record.ulid)) for record, state in known]
        told = [each.model_dump(exclude=None if each.pacing else {"pacing"}) for each in items]
        return Answer([{"items": told}], "OK")


class Configure:
    """/api/v1/session/{sessionId}/config"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Say where the session's events go, and what becomes of calls",
        family=Family.E1,
        parameters=Config,
        result=Configuration,
        codes=(
            Code.SESSION_REQUIRED,
            Code.SESSION_NOT_FOUND,
            Code.FORBIDDEN,
            Code.BAD_REQUEST,
            Code.INVALID_STATE,
            Code.QUEUED,
        ),
    )
    def on_post(self, request: falcon.Request, parameters: Config, sessionId: str) -> Answer:
        account: Account = request.context.account
        record = self._sessions.access.named(account, sessionId)
        endpoint = self._sessions.store.endpoints.of_config(record.ulid)
        known = endpoint.secret
        url = shown_url(endpoint) if parameters.webhook_url is None else parameters.webhook_url.strip()
        secret = (parameters.webhook_secret or "").strip() or _secret(url, known)
        if (parameters.preflight or parameters.preflight_verify) and url and secret:
            self._preflight(record, url, secret)
        is_new = parameters.webhook_url is not None and (url != shown_url(endpoint) or endpoint.state == DISABLED)
        if is_new or secret != known:
            self._point(account, endpoint, url if is_new else None, secret)
        configured = Configuration(
            registryUser=account.registry,
            sessionId=record.id,
            webhookUrl=url,
            webhookSecret=secret,
            **self._calls(account, record, parameters),
        )
        return Answer([configured.model_dump()], "Config updated")

    def _point(self, account: Account, endpoint: Endpoint, url: str | None, secret: str) -> None:
        """To a receiver that is new, or back: what was held for it goes out."""
        is_back = url is not None and endpoint.state == DISABLED
        self._sessions.store.endpoints.change(
            account, endpoint.id, url=url, secret=secret, state=ENABLED if is_back else None
        )
        self._sessions.directory.changed()
        if url is not None:
            reopen(self._sessions.bus, endpoint.id)

    def _calls(self, account: Account, record: SessionRecord, given: Config) -> dict[str, Any]:
        """What becomes of calls, from now on."""
        reject = record.reject_calls if given.reject_calls is None else given.reject_calls
        reply = record.call_reply if given.call_reply is None else given.call_reply.strip()
        if (reject, reply) != (record.reject_calls, record.call_reply):
            self._sessions.store.configure_calls(account, record.ulid, reject=reject, reply=reply)
        return {"rejectCalls": reject, "callReply": reply}

    def _preflight(self, record: SessionRecord, url: str, secret: str) -> None:
        """Nothing is saved when the receiver does not answer well."""
        told = preflight_order(self._sessions.store.vault, record.ulid, [url], secret)
        (outcome,) = self._sessions.bus.order(keys.WEBHOOK_QUEUE, "preflight", PREFLIGHT_PATIENCE, **told)
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
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.QUEUED),
    )
    def on_delete(self, request: falcon.Request, parameters: SessionName) -> Answer:
        account: Account = request.context.account
        record = self._sessions.access.named(account, parameters.session_id)
        self._sessions.end(record)
        self._sessions.say_farewell(record)
        self._sessions.store.delete_session(account, record.ulid)
        self._sessions.directory.changed()
        self._sessions.bus.broker.delete_queue(keys.command_queue(record.ulid))
        self._sessions.bus.send(keys.MIRROR_QUEUE, "forget_files", session=record.ulid)
        self._sessions.states.forget(record.ulid)
        deleted = Deleted(sessionId=record.id, steps={"runtime": True, "creds": True, "meta": True})
        return Answer([deleted.model_dump()], "Session deleted")


def _secret(url: str, known: str) -> str:
    """The one that is kept; else a new one as soon as there is a receiver (quirk Q5)."""
    return webhooks.new_secret() if url and len(known) < webhooks.SHORTEST_SECRET else known

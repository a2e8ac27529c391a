"""/api/v1/session: pair codes, logging out, reconnecting, and the account behind a session.

Facts: contract, endpoints.md section 5. Those that change something are GETs there, and stay so beside their POST twins
(quirk S10).
"""

import time

import falcon
from pydantic import AliasChoices, Field

from warest.commands import PairPhone
from warest.errors import CommandTimeout, NotConnected
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Word, operation
from warest.http.resources.session_answers import DeviceInfo, LoggedOut, PairCode, device_info, pair_code
from warest.http.resources.sessions import SessionName, Sessions
from warest.http.sessions import valid_name
from warest.ids import digits_of
from warest.states import SessionState
from warest.store import SessionRecord

#: How long a call waits for a pair code, s. WhatsApp gets the last part of it to answer, or this long if less is left.
PAIR_PATIENCE, CODE_PATIENCE = 3.5, 2.0


class Pairing(SessionName):
    phone: Word = Field(None, validation_alias=AliasChoices("phone", "pair", "pairPhone"))


class Pair:
    """/api/v1/session/create/pair-code"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Create a session, or start one again, and get a code to type on the phone",
        family=Family.E1,
        parameters=Pairing,
        result=PairCode,
        codes=(
            Code.SESSION_LOGIN_PENDING,
            Code.SESSION_OPEN,
            Code.MISSING_PARAMETER,
            Code.SESSION_REQUIRED,
            Code.FORBIDDEN,
            Code.BAD_REQUEST,
        ),
    )
    def on_get(self, request: falcon.Request, parameters: Pairing) -> Answer:
        phone = digits_of(parameters.phone or "")
        if not phone:
            raise Refusal(Code.MISSING_PARAMETER, "phone is required")
        record, _ = self._sessions.known_or_new(request.context.account, valid_name(parameters.session_id))
        deadline = time.monotonic() + PAIR_PATIENCE
        state = self._ready(record)
        code = "" if state.is_open else self._code(record, state, phone, deadline)
        state = self._sessions.states.get(record.ulid)
        if state.is_open:
            return Answer([pair_code(record, state, None)], "Session already open", Code.SESSION_OPEN)
        result = [pair_code(record, state, code)]
        if code:
            return Answer(result, "Pair code generated")
        return Answer(result, "Pair code pending", Code.SESSION_LOGIN_PENDING)

    on_post = on_get

    def _ready(self, record: SessionRecord) -> SessionState:
        """The state as soon as a code can be asked for, or none is needed, or patience has ended."""
        state = self._sessions.states.get(record.ulid)
        if not state.is_open:
            self._sessions.start(record)
            state = self._sessions.states.wait(
                record.ulid, lambda state: state.is_open or takes_codes(state), PAIR_PATIENCE
            )
        return state

    def _code(self, record: SessionRecord, state: SessionState, phone: str, deadline: float) -> str:
        """Empty: not yet. Whoever asks again gets it then."""
        if not takes_codes(state):
            return ""
        left = max(CODE_PATIENCE, deadline - time.monotonic())
        try:
            return str(self._sessions.bus.call(record.ulid, PairPhone(phone=phone), left))
        except (CommandTimeout, NotConnected):
            return ""


def takes_codes(state: SessionState) -> bool:
    """WhatsApp hands out a code while it waits for somebody to link the session."""
    return state.state in ("qr", "pairing_code")


class Logout:
    """/api/v1/session/logout"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Unlink a session and stop it; it stays in the list",
        family=Family.E1,
        parameters=SessionName,
        result=LoggedOut,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.QUEUED),
    )
    def on_get(self, request: falcon.Request, parameters: SessionName) -> Answer:
        record = self._sessions.access.named(request.context.account, parameters.session_id)
        self._sessions.end(record)
        result = LoggedOut(sessionId=record.id, steps={"runtime": True, "creds": True})
        return Answer([result.model_dump()], "Logout success")

    on_post = on_get


class Reconnect:
    """/api/v1/session/reconnect"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "Connect a session anew",
        family=Family.E1,
        parameters=SessionName,
        codes=(
            Code.SESSION_RECONNECT_SCHEDULED,
            Code.SESSION_REQUIRED,
            Code.SESSION_NOT_FOUND,
            Code.FORBIDDEN,
        ),
    )
    def on_get(self, request: falcon.Request, parameters: SessionName) -> Answer:
        record = self._sessions.access.named(request.context.account, parameters.session_id)
        self._sessions.keep_running(record)
        self._sessions.bus.send_host(record.ulid, "restart_session")
        return Answer([], "Reconnect scheduled", Code.SESSION_RECONNECT_SCHEDULED)

    on_post = on_get


class Devices:
    """/api/v1/session/devices"""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @operation(
        "The account behind a session",
        family=Family.E1,
        parameters=SessionName,
        result=DeviceInfo,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN),
    )
    def on_get(self, request: falcon.Request, parameters: SessionName) -> Answer:
        record = self._sessions.access.named(request.context.account, parameters.session_id)
        return Answer([device_info(self._sessions.states.get(record.ulid)).model_dump()], "Device info")

"""Which session a tool of /misc asks (contract, endpoints.md 0.5, S6)."""

import falcon
from pydantic import AliasChoices, Field

from warest import ids
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Parameters, Word
from warest.http.sessions import phone_of
from warest.states import States
from warest.store import Account, SessionRecord, Store


class Choosing(Parameters):
    """`sessionId`, or the number of one in `sessionPhone`."""

    session_id: Word = Field(None, validation_alias=AliasChoices("sessionId", "session", "sid"))
    session_phone: Word = Field(
        None, validation_alias=AliasChoices("sessionPhone", "sessionNumber", "sessionMsisdn", "senderPhone")
    )


class SessionChoice:
    def __init__(self, states: States, store: Store) -> None:
        self._states = states
        self._store = store

    def of(self, request: falcon.Request, given: Choosing, *, picks: bool) -> SessionRecord:
        """One that is online. `picks`: if none is named, the caller's first."""
        account: Account = request.context.account
        if given.session_id:
            return self._named(account, given.session_id)
        if given.session_phone:
            return self._open_of(account, ids.digits_of(given.session_phone), "Matching session not found")
        if not picks:
            raise Refusal(Code.MISSING_PARAMETER, "Provide sessionId or sessionPhone")
        return self._open_of(account, "", "No active session available")

    def _named(self, account: Account, name: str) -> SessionRecord:
        if not ids.SESSION_NAME.fullmatch(name):
            raise Refusal(Code.INVALID_PARAMETER, "sessionId is invalid")
        record = self._store.session_of(account, name)
        if record is None:
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        if not self._states.get(record.ulid).is_open:
            raise Refusal(Code.SESSION_NOT_LOGGED_IN, "Session is not ready")
        return record

    def _open_of(self, account: Account, digits: str, otherwise: str) -> SessionRecord:
        """The first that is online, of this number if one is given."""
        records = self._store.sessions_of(account)
        known = zip(records, self._states.get_many(record.ulid for record in records), strict=True)
        online = ((record, state) for record, state in known if state.is_open)
        found = next((record for record, state in online if not digits or phone_of(state) == digits), None)
        if found is None:
            raise Refusal(Code.SESSION_NOT_FOUND, otherwise)
        return found

"""Whose session a request means: the one place where owners are checked.

Facts: contract, endpoints.md 0.5 (S1 to S4); decision 19 for what a stranger hears.
"""

import threading

from warest import ids, lifecycle, traces
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.states import SessionState, States
from warest.store import Account, SessionRecord, Store

#: A session that is being restarted or handed over is waited for so long, s.
BACK_PATIENCE = 5.0

#: Requests of one web process that wait so at the same time; the others are answered at once.
WAITERS = 8


class SessionAccess:
    def __init__(self, store: Store, states: States) -> None:
        self._store = store
        self._states = states
        self._waiters = threading.BoundedSemaphore(WAITERS)

    def named(self, account: Account, name: str | None) -> SessionRecord:
        """Of the session routes: says whether a session is missing or somebody else's."""
        record = self._store.session(valid_name(name))
        if record is None:
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        return own(record, account)

    def open(self, account: Account, name: str | None, phone: str | None) -> SessionRecord:
        """Of the message routes: unknown, foreign, not open and not named are all the same to the caller."""
        record = self.known(account, name, phone)
        if not self._is_open(record.ulid):
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        return record

    def linked(self, account: Account, name: str | None, phone: str | None) -> SessionRecord:
        """The same of routes that show what is stored: the session may be offline, but not without an account."""
        record = self.known(account, name, phone)
        if self._states.get(record.ulid).me is None:
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        return record

    def online(self, account: Account, name: str | None, phone: str | None) -> SessionRecord:
        """Of the routes of groups and profiles: says what is wrong with a session, too (S2, S3)."""
        if name and not ids.SESSION_NAME.fullmatch(name):
            raise Refusal(Code.INVALID_PARAMETER, "sessionId is invalid")
        record = self._store.session(name) if name else self._by_phone(account, phone)
        if record is None:
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        if not self._is_open(own(record, account).ulid):
            raise Refusal(Code.SESSION_NOT_LOGGED_IN, "Login required (scan QR or pairing)")
        return record

    def known(self, account: Account, name: str | None, phone: str | None) -> SessionRecord:
        """The same of routes that only read what is kept here: the session may be offline."""
        named = self._store.session_of(account, name) if name and ids.SESSION_NAME.fullmatch(name) else None
        record = named if name else self._by_phone(account, phone)
        if record is None:
            raise Refusal(Code.SESSION_NOT_FOUND, "Session not found")
        traces.note(session=record.ulid)
        return record

    def _is_open(self, ulid: str) -> bool:
        """Now, or in a moment: whoever sends should not notice that a process has died or a host was stopped."""
        state = self._states.get(ulid)
        if state.is_open or state.me is None or state.state not in lifecycle.BACK_SOON:
            return state.is_open
        if not self._waiters.acquire(blocking=False):
            return False
        try:
            return self._states.wait(ulid, lambda now: now.is_open or now.known.ends, BACK_PATIENCE).is_open
        finally:
            self._waiters.release()

    def _by_phone(self, account: Account, phone: str | None) -> SessionRecord | None:
        """The open session of that number (quirk Q14)."""
        digits = ids.digits_of(phone or "")
        if not digits:
            return None
        records = self._store.sessions_of(account)
        known = zip(records, self._states.get_many(record.ulid for record in records), strict=True)
        return next((record for record, state in known if state.is_open and phone_of(state) == digits), None)


def valid_name(name: str | None) -> str:
    if not name or not ids.SESSION_NAME.fullmatch(name):
        raise Refusal(Code.SESSION_REQUIRED, "sessionId is required")
    return name


def own(record: SessionRecord, account: Account) -> SessionRecord:
    if record.owner.registry != account.registry or not account.may(record.ulid):
        raise Refusal(Code.FORBIDDEN, "Forbidden")
    traces.note(session=record.ulid)
    return record


def phone_of(state: SessionState) -> str | None:
    return ids.Jid.parse(state.me["id"]).user if state.me else None

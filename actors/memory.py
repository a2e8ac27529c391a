"""How each session last was, in the database: for when Redis has lost everything.

The states in Redis are written by the session processes, which have no database. A supervisor copies those of its
sessions, seconds later; the copy is for people, nothing is decided by it but what a restart of an empty Redis shows.
"""

from collections.abc import Iterable
from typing import Any

import redis

from warest import keys, lifecycle
from warest.states import SessionState, States
from warest.store import SessionRecord, Store


class StateMemory:
    def __init__(self, client: "redis.Redis", states: States, store: Store) -> None:
        self._redis = client
        self._states = states
        self._store = store
        self._written: dict[str, dict[str, Any]] = {}

    def remember(self, ulids: Iterable[str]) -> None:
        """Copy what has changed since the last time."""
        asked = list(ulids)
        for ulid, state in zip(asked, self._states.get_many(asked), strict=True):
            copy = _copy_of(state)
            if self._written.get(ulid) != copy:
                self._store.remember_state(ulid, **copy)
                self._written[ulid] = copy

    def restore(self) -> None:
        """Give an emptied Redis the states back, once. If two do it at once, or one dies half-way, nothing is worse."""
        if self._redis.exists(keys.STATES_RESTORED):
            return
        for record in self._store.all_sessions():
            if record.state and not self._redis.exists(keys.session_state(record.ulid)):
                self._states.put(record.ulid, **_state_of(record))
        self._redis.set(keys.STATES_RESTORED, 1)


def _copy_of(state: SessionState) -> dict[str, Any]:
    """`me` is empty when the account is unlinked."""
    return {
        "state": state.state,
        "reason": state.reason,
        "until": state.until,
        "me": state.me or {},
        "connected_at": state.connected_ms / 1000 if state.connected_ms else None,
    }


def _state_of(record: SessionRecord) -> dict[str, Any]:
    """Whatever needed a process is over."""
    is_over = lifecycle.STATES[record.state].ends
    return {
        "state": record.state if is_over else "starting" if record.auto_start else "stopped",
        "reason": record.reason if is_over else None,
        "until": record.until if is_over else None,
        "me": record.me,
        "connected_ms": int(record.connected_at * 1000) if record.connected_at else None,
    }

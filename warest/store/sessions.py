"""The queries about sessions."""

import time
from typing import Any

from pony.orm import select

from warest import entities
from warest.errors import Conflict, DriverError, NotAllowed, NotFound
from warest.ids import new_ulid
from warest.proxies import LOCKED
from warest.store import fitting, sealing, sql
from warest.store.accounts import account_of
from warest.store.endpoints import Endpoints
from warest.store.events import Events
from warest.store.records import Account, SessionRecord
from warest.store.schema import transaction
from warest.vault import Vault

#: What belongs to a session, by its column `session`: that without which the others cannot be comes last.
_BELONGINGS = (
    "reactions",
    "deliveries",
    "endpoints",
    "sends",
    "files",
    "messages",
    "contacts",
    "group_members",
    "chat_groups",
    "chats",
)


class SessionQueries:
    _entities: entities.Entities
    endpoints: Endpoints
    events: Events
    vault: Vault

    def create_session(self, owner: Account, name: str, *, auto_start: bool = True) -> SessionRecord:
        """With the endpoint of its `config`, which has no URL yet.

        Raises Conflict when the name is taken, by whomever: names are global (quirk W9), and NotAllowed for a key that
        is for other sessions.
        """
        if owner.only is not None:
            raise NotAllowed("This key is for some sessions only, and a new one is none of them.")
        now = time.time()
        with transaction():
            if self._entities.Session.get(name=name):
                raise Conflict(f"session {name} exists")
            row = self._entities.Session(
                id=new_ulid(),
                name=name,
                registry=owner.registry,
                auto_start=auto_start,
                created_at=now,
                updated_at=now,
            )
            row.flush()
            self.endpoints.create(owner, row.id, url="", id=row.id)
            return self._record(row, owner)

    def session(self, name: str) -> SessionRecord | None:
        """By its public name, whoever owns it: the caller checks the owner (http/sessions.py)."""
        if "\0" in name:  # PostgreSQL would refuse the question
            return None
        with transaction():
            row = self._entities.Session.get(name=name)
            return self._with_owner(row) if row else None

    def session_of(self, owner: Account, name: str) -> SessionRecord | None:
        """By its public name; somebody else's is none."""
        if "\0" in name:
            return None
        with transaction():
            row = self._entities.Session.get(name=name, registry=owner.registry)
            return self._record(row, owner) if row and owner.may(row.id) else None

    def session_by_ulid(self, ulid: str) -> SessionRecord | None:
        if "\0" in ulid:
            return None
        with transaction():
            row = self._entities.Session.get(id=ulid)
            return self._with_owner(row) if row else None

    def sessions_of(self, owner: Account) -> list[SessionRecord]:
        with transaction():
            rows = select(row for row in self._entities.Session if row.registry == owner.registry)
            mine = [row for row in rows if owner.may(row.id)]
            return [self._record(row, owner) for row in sorted(mine, key=lambda row: row.created_at)]

    def all_sessions(self) -> list[SessionRecord]:
        """Of all owners: for the house itself."""
        with transaction():
            return [self._with_owner(row) for row in select(row for row in self._entities.Session)]

    def sessions_to_start(self) -> list[SessionRecord]:
        with transaction():
            rows = select(row for row in self._entities.Session if row.auto_start)
            return [self._with_owner(row) for row in rows]

    def configure_calls(self, owner: Account, ulid: str, *, reject: bool, reply: str) -> None:
        """Whether calls are rejected, and what (1000 characters) the caller is written then."""
        with transaction():
            row = self._owned(owner, ulid)
            row.set(reject_calls=reject, call_reply=fitting.short(reply, 1000), updated_at=time.time())

    def set_proxy(self, owner: Account, ulid: str, proxy: str) -> None:
        """Its own one: a URL of 1000 characters at most, `direct` for none, or empty for one of the pool."""
        with transaction():
            row = self._owned(owner, ulid)
            row.set(proxy=proxy and self.vault.seal(proxy, *_place(ulid)), updated_at=time.time())

    def reseal(self) -> tuple[int, int]:
        """Of endpoints and sessions, as sealing.reseal."""
        proxies = sealing.reseal(self._entities.Session, "proxy", self.vault, _place)
        secrets = self.endpoints.reseal()
        return proxies[0] + secrets[0], proxies[1] + secrets[1]

    def set_auto_start(self, owner: Account, ulid: str, auto_start: bool) -> None:
        with transaction():
            self._owned(owner, ulid).set(auto_start=auto_start, updated_at=time.time())

    def delete_session(self, owner: Account, ulid: str) -> None:
        """With all that belongs to it, in batches; what still comes in meanwhile goes with the session itself.

        Its events that are written down later, `delete` say, stay for as long as events are kept.
        """
        with transaction():
            name = self._owned(owner, ulid).name
        for table in _BELONGINGS:
            sql.erase_all(self._entities.db, table, "session = ?", [ulid])
        self.events.erase_session(owner.registry, name)
        with transaction():
            self._owned(owner, ulid).delete()

    def remember_state(
        self,
        ulid: str,
        *,
        state: str,
        reason: str | None = None,
        until: float | None = None,
        me: dict[str, Any] | None = None,
        connected_at: float | None = None,
    ) -> None:
        """Keep how a session is, in the words of states.SessionState. Without `me`, `connected_at` those stay known.

        An empty `me` is nobody: the account is unlinked. A session that has been deleted has no state.
        """
        changes: dict[str, Any] = {"state": state, "reason": reason and fitting.short(reason), "state_until": until}
        if me is not None:
            changes["me"] = fitting.dump(me) or None
        if connected_at is not None:
            changes["connected_at"] = connected_at
        with transaction():
            if row := self._entities.Session.get(id=ulid):
                row.set(**changes)

    def _owned(self, owner: Account, ulid: str) -> entities.Row:
        row = self._entities.Session.get(id=ulid, registry=owner.registry)
        if row is None or not owner.may(ulid):
            raise NotFound("Session not found")
        return row

    def _with_owner(self, row: entities.Row) -> SessionRecord:
        return self._record(row, account_of(self._entities.User.get(registry=row.registry)))

    def _record(self, row: entities.Row, owner: Account) -> SessionRecord:
        return SessionRecord(
            ulid=row.id,
            id=row.name,
            owner=owner,
            auto_start=row.auto_start,
            created_at=row.created_at,
            state=row.state,
            reason=row.reason,
            until=row.state_until,
            me=fitting.load(row.me) or None,
            connected_at=row.connected_at,
            reject_calls=row.reject_calls,
            call_reply=row.call_reply,
            proxy=self._proxy(row),
        )

    def _proxy(self, row: entities.Row) -> str:
        try:
            return self.vault.open(row.proxy, *_place(row.id))
        except DriverError:
            return LOCKED


def _place(session: str) -> tuple[str, ...]:
    """Where a session's proxy is, for the vault."""
    return "sessions", session, "proxy"

"""The queries. Every one that a user can reach takes the owner: a row of another owner is as good as none.

Plain dataclasses come back: a Pony row never leaves this folder.
"""

import time

from pony.orm import OrmError, select
from pony.orm.dbapiprovider import DBException

from warest import entities
from warest.errors import Conflict, DriverError, NotFound
from warest.ids import new_ulid
from warest.store.accounts import AccountQueries, account_of, key_hash
from warest.store.mysql import Mysql
from warest.store.postgres import Postgres
from warest.store.records import Account, SessionRecord
from warest.store.schema import Database, migrate, ping, rollback, status, transaction
from warest.store.server import Server
from warest.store.sqlite import Sqlite

__all__ = [
    "Account", "Database", "Mysql", "Postgres", "Server", "SessionRecord", "Sqlite", "Store",
    "key_hash", "migrate", "open", "ping", "rollback", "status",
]  # fmt: skip


class Store(AccountQueries):
    """All that the system remembers for good. Raises DriverError when the database is out of reach or busy."""

    def create_session(self, owner: Account, name: str) -> SessionRecord:
        """Raises Conflict when the name is taken, by whomever: names are global (quirk W9)."""
        now = time.time()
        with transaction():
            if self._entities.Session.get(name=name):
                raise Conflict(f"session {name} exists")
            row = self._entities.Session(
                id=new_ulid(),
                name=name,
                registry=owner.registry,
                auto_start=True,
                webhook_url="",
                webhook_secret="",
                created_at=now,
                updated_at=now,
            )
            return _session(row, owner)

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
            return _session(row, owner) if row else None

    def session_by_ulid(self, ulid: str) -> SessionRecord | None:
        if "\0" in ulid:
            return None
        with transaction():
            row = self._entities.Session.get(id=ulid)
            return self._with_owner(row) if row else None

    def sessions_of(self, owner: Account) -> list[SessionRecord]:
        with transaction():
            rows = select(row for row in self._entities.Session if row.registry == owner.registry)
            return [_session(row, owner) for row in sorted(rows, key=lambda row: row.created_at)]

    def sessions_to_start(self) -> list[SessionRecord]:
        with transaction():
            rows = select(row for row in self._entities.Session if row.auto_start)
            return [self._with_owner(row) for row in rows]

    def configure_session(self, owner: Account, ulid: str, *, webhook_url: str, webhook_secret: str) -> None:
        with transaction():
            self._owned(owner, ulid).set(webhook_url=webhook_url, webhook_secret=webhook_secret, updated_at=time.time())

    def set_auto_start(self, owner: Account, ulid: str, auto_start: bool) -> None:
        with transaction():
            self._owned(owner, ulid).set(auto_start=auto_start, updated_at=time.time())

    def delete_session(self, owner: Account, ulid: str) -> None:
        with transaction():
            self._owned(owner, ulid).delete()

    def _owned(self, owner: Account, ulid: str) -> entities.Row:
        row = self._entities.Session.get(id=ulid, registry=owner.registry)
        if row is None:
            raise NotFound("Session not found")
        return row

    def _with_owner(self, row: entities.Row) -> SessionRecord:
        return _session(row, account_of(self._entities.User.get(registry=row.registry)))


def open(database: Database) -> Store:
    """Raises DriverError when the database is out of reach or has not been migrated."""
    ping(database)
    defined = entities.define()
    try:
        database.bind(defined.db)
        defined.db.generate_mapping(create_tables=False)
    except (DBException, OrmError) as error:
        raise DriverError(f"{database} is not ready: run `warest db migrate` first. It said: {error}") from error
    return Store(defined)


def _session(row: entities.Row, owner: Account) -> SessionRecord:
    return SessionRecord(
        ulid=row.id,
        id=row.name,
        owner=owner,
        auto_start=row.auto_start,
        webhook_url=row.webhook_url,
        webhook_secret=row.webhook_secret,
        created_at=row.created_at,
    )

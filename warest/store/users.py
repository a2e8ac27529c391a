"""The queries about users, for admins. What a caller's own account is: store/accounts.py."""

import time
from typing import Any

from warest import entities
from warest.errors import Conflict, NotFound
from warest.ids import new_ulid
from warest.store import sql
from warest.store.account_records import UserRecord
from warest.store.api_keys import key_hash
from warest.store.noun import Noun
from warest.store.records import Page
from warest.store.schema import transaction

#: What a user leaves behind that no foreign key takes along, by its column `registry`.
_BELONGINGS = ("deliveries", "events")


class Users(Noun):
    def page(self, *, limit: int, offset: int) -> Page[UserRecord]:
        """By their names."""
        with transaction():
            users = self._entities.User.select()
            rows = users.order_by(self._entities.User.username).limit(limit, offset)
            return Page([self._record(row) for row in rows], users.count())

    def get(self, registry: str) -> UserRecord | None:
        with transaction():
            row = self._asked(self._entities.User, registry=registry)
            return self._record(row) if row else None

    def named(self, username: str) -> UserRecord | None:
        with transaction():
            row = self._asked(self._entities.User, username=username)
            return self._record(row) if row else None

    def is_first_key(self, registry: str, id: str) -> bool:
        """Whether a key of this id is the one that the user has had from the first."""
        with transaction():
            row = self._asked(self._entities.User, registry=registry)
            return row is not None and row.id == id

    def add(
        self, registry: str, username: str, password_hash: str, *, is_admin: bool = False, first_key: str
    ) -> UserRecord:
        """Raises Conflict when the name is taken."""
        now = time.time()
        with transaction():
            self._refuse_taken(username)
            row = self._entities.User(
                id=new_ulid(),
                registry=registry,
                username=username,
                password=password_hash,
                api_key=key_hash(first_key),
                is_admin=is_admin,
                is_active=True,
                created_at=now,
                updated_at=now,
            )
            row.flush()
            return self._record(row)

    def take_over(
        self, registry: str, username: str, password_hash: str, key_fingerprint: str, *, is_admin: bool
    ) -> None:
        """One that somebody has had elsewhere, with the hashes from there. Raises Conflict when one of these is
        taken."""
        now = time.time()
        with transaction():
            self._entities.User(
                id=new_ulid(),
                registry=registry,
                username=username,
                password=password_hash,
                api_key=key_fingerprint,
                is_admin=is_admin,
                is_active=True,
                created_at=now,
                updated_at=now,
            )

    def change(
        self,
        registry: str,
        *,
        username: str | None = None,
        password_hash: str | None = None,
        is_admin: bool | None = None,
        is_active: bool | None = None,
    ) -> UserRecord:
        """What is None stays. Raises NotFound, and Conflict when the new name is somebody else's."""
        given = {"username": username, "password": password_hash, "is_admin": is_admin, "is_active": is_active}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        with transaction():
            row = self._locked(registry)
            if username not in (None, row.username):
                self._refuse_taken(username or "")
            row.set(**changes, updated_at=time.time())
            row.flush()
            return self._record(row)

    def logged_in(self, registry: str) -> None:
        with transaction():
            if row := self._entities.User.get(registry=registry):
                row.last_login_at = time.time()

    def remove(self, registry: str) -> None:
        """With keys, endpoints and events. Raises NotFound, and Conflict as long as there are sessions."""
        with transaction():
            row = self._locked(registry)
            if count := self._sessions(registry):
                raise Conflict(f"There are {count} sessions of this user: delete them first.")
            row.delete()
        for table in _BELONGINGS:
            sql.erase_all(self._entities.db, table, "registry = ?", [registry])

    def _locked(self, registry: str) -> entities.Row:
        row = self._asked(self._entities.User, registry=registry, locked=True)
        if row is None:
            raise NotFound("User not found")
        return row

    def _refuse_taken(self, username: str) -> None:
        if self._asked(self._entities.User, username=username):
            raise Conflict("This name is taken.")

    def _sessions(self, registry: str) -> int:
        count: int = self._entities.Session.select(lambda row: row.registry == registry).count()
        return count

    def _record(self, row: entities.Row) -> UserRecord:
        return UserRecord(
            registry=row.registry,
            username=row.username,
            is_admin=row.is_admin,
            is_active=row.is_active,
            created_at=row.created_at,
            updated_at=row.updated_at,
            last_login_at=row.last_login_at,
            sessions=self._sessions(row.registry),
        )

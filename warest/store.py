"""The queries. Every one that a user can reach takes the owner: a row of another owner is as good as none.

Plain dataclasses come back: a Pony row never leaves this file.
"""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yoyo
from pony.orm import OrmError, TransactionIntegrityError, db_session, select
from pony.orm.dbapiprovider import DBException

from warest import entities
from warest.errors import Conflict, DriverError, NotFound
from warest.ids import new_ulid

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `registry` is the tenant that owns sessions."""

    registry: str
    username: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What was decided about a session; how it is just now stands in its state (warest/states.py).

    `ulid` is its name inside the house, `id` the one that its owner gave it.
    """

    ulid: str
    id: str
    owner: Account
    auto_start: bool
    webhook_url: str
    webhook_secret: str
    created_at: float


class Store:
    """All that the system remembers for good. Raises DriverError when the database is out of reach or busy."""

    def __init__(self, opened: entities.Entities) -> None:
        self._entities = opened

    def account_by_key(self, api_key: str) -> Account | None:
        with _transaction():
            row = self._entities.User.get(api_key=key_hash(api_key))
            return _account(row) if row else None

    def password_of(self, account: Account) -> str:
        """The hash of an account's password."""
        with _transaction():
            row = self._entities.User.get(registry=account.registry)
            return row.password if row else ""

    def put_admin(self, username: str, password_hash: str, api_key: str) -> None:
        """Make the first admin, or give it this name, password and key; a changed name keeps its sessions (Q20).

        Raises Conflict when somebody else has the name or the key, or makes the admin at the same moment.
        """
        now, fingerprint = time.time(), key_hash(api_key)
        with _transaction():
            row = self._entities.User.get(registry="admin")
            if row is None:
                self._entities.User(
                    id=new_ulid(),
                    registry="admin",
                    username=username,
                    password=password_hash,
                    api_key=fingerprint,
                    is_admin=True,
                    created_at=now,
                    updated_at=now,
                )
            else:
                row.set(username=username, password=password_hash, api_key=fingerprint, updated_at=now)

    def create_session(self, owner: Account, name: str) -> SessionRecord:
        """Raises Conflict when the name is taken, by whomever: names are global (quirk W9)."""
        now = time.time()
        with _transaction():
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
        with _transaction():
            row = self._entities.Session.get(name=name)
            return self._with_owner(row) if row else None

    def session_by_ulid(self, ulid: str) -> SessionRecord | None:
        with _transaction():
            row = self._entities.Session.get(id=ulid)
            return self._with_owner(row) if row else None

    def sessions_of(self, owner: Account) -> list[SessionRecord]:
        with _transaction():
            rows = select(row for row in self._entities.Session if row.registry == owner.registry)
            return [_session(row, owner) for row in sorted(rows, key=lambda row: row.created_at)]

    def sessions_to_start(self) -> list[SessionRecord]:
        with _transaction():
            rows = select(row for row in self._entities.Session if row.auto_start)
            return [self._with_owner(row) for row in rows]

    def configure_session(self, owner: Account, ulid: str, *, webhook_url: str, webhook_secret: str) -> None:
        with _transaction():
            self._owned(owner, ulid).set(webhook_url=webhook_url, webhook_secret=webhook_secret, updated_at=time.time())

    def set_auto_start(self, owner: Account, ulid: str, auto_start: bool) -> None:
        with _transaction():
            self._owned(owner, ulid).set(auto_start=auto_start, updated_at=time.time())

    def delete_session(self, owner: Account, ulid: str) -> None:
        with _transaction():
            self._owned(owner, ulid).delete()

    def _owned(self, owner: Account, ulid: str) -> entities.Row:
        row = self._entities.Session.get(id=ulid, registry=owner.registry)
        if row is None:
            raise NotFound("Session not found")
        return row

    def _with_owner(self, row: entities.Row) -> SessionRecord:
        return _session(row, _account(self._entities.User.get(registry=row.registry)))


@contextmanager
def _transaction() -> Iterator[None]:
    try:
        with db_session:
            yield
    except TransactionIntegrityError as error:
        raise Conflict(f"It exists already: {error}") from error
    except (DBException, OrmError) as error:
        raise DriverError(f"The database said: {error}") from error


def open_sqlite(path: Path) -> Store:
    """Raises DriverError when the file has not been migrated."""
    if not path.exists():
        raise DriverError(f"There is no database at {path}: run `warest db migrate` first.")
    return Store(entities.open_sqlite(path))


def migrate_sqlite(path: Path) -> int:
    """Bring the schema up to date; returns how many migrations ran. Safe to run twice and at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        backend = yoyo.get_backend(f"sqlite:///{path.resolve()}")
        try:
            pending = backend.to_apply(yoyo.read_migrations(str(MIGRATIONS)))
            backend.apply_migrations(pending)
            return len(pending)
        finally:
            backend.connection.close()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time. yoyo has a lock, but makes the table for it without one."""
    with path.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def key_hash(api_key: str) -> str:
    """How a key is stored: SHA-256, hex. Keys are long and random, so no salt and no slow hash is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def _account(row: entities.Row) -> Account:
    return Account(row.registry, row.username, row.is_admin)


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

"""The queries about users and their keys."""

import hashlib
import time

from pony.orm import desc

from warest import entities
from warest.ids import new_ulid
from warest.store.records import Account
from warest.store.schema import transaction


class AccountQueries:
    def __init__(self, opened: entities.Entities) -> None:
        self._entities = opened

    def account(self, registry: str) -> Account | None:
        with transaction():
            row = self._entities.User.get(registry=registry)
            return account_of(row) if row else None

    def account_by_key(self, api_key: str) -> Account | None:
        """By the key that the user has had from the first, or by one that was made later and has not expired."""
        fingerprint = key_hash(api_key)
        with transaction():
            row = self._entities.User.get(api_key=fingerprint) or self._owner_of_key(fingerprint)
            return account_of(row) if row else None

    def account_by_name(self, username: str) -> Account | None:
        """By the exact name; whatever else somebody types, however long, is nobody's."""
        if "\0" in username:  # PostgreSQL would refuse the question
            return None
        with transaction():
            row = self._entities.User.select(lambda row: row.username == username).first()
            return account_of(row) if row else None

    def password_of(self, account: Account) -> str:
        """The hash of an account's password."""
        with transaction():
            row = self._entities.User.get(registry=account.registry)
            return row.password if row else ""

    def set_password(self, account: Account, password_hash: str) -> None:
        with transaction():
            if row := self._entities.User.get(registry=account.registry):
                row.set(password=password_hash, updated_at=time.time())

    def put_admin(self, username: str, password_hash: str, api_key: str) -> None:
        """Make the first admin, or give it this name, password and key; a changed name keeps its sessions (Q20).

        Raises Conflict when somebody else has the name or the key, or makes the admin at the same moment.
        """
        now, fingerprint = time.time(), key_hash(api_key)
        with transaction():
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

    def add_account(
        self, registry: str, username: str, password_hash: str, key_fingerprint: str, *, is_admin: bool
    ) -> None:
        """One that somebody has had elsewhere, with its hashes. Raises Conflict when one of these is taken."""
        now = time.time()
        with transaction():
            self._entities.User(
                id=new_ulid(),
                registry=registry,
                username=username,
                password=password_hash,
                api_key=key_fingerprint,
                is_admin=is_admin,
                created_at=now,
                updated_at=now,
            )

    def add_key(self, owner: Account, api_key: str, *, name: str, expires_at: float, keep: int) -> None:
        """One more key for a user, until `expires_at` (epoch s). The newest `keep` stay, and none that has expired."""
        now = time.time()
        with transaction():
            self._entities.User.get_for_update(registry=owner.registry)  # its other logins wait here
            self._entities.ApiKey(
                id=new_ulid(),
                registry=owner.registry,
                name=name,
                hash=key_hash(api_key),
                created_at=now,
                expires_at=expires_at,
            )
            self._entities.db.flush()
            keys = self._entities.ApiKey
            keys.select(lambda row: row.registry == owner.registry and row.expires_at <= now).delete(bulk=True)
            newest_first = keys.select(lambda row: row.registry == owner.registry).order_by(
                lambda row: (desc(row.created_at), desc(row.id))
            )
            if surplus := [row.id for row in newest_first[:][keep:]]:
                keys.select(lambda row: row.id in surplus).delete(bulk=True)

    def _owner_of_key(self, fingerprint: str) -> entities.Row | None:
        key = self._entities.ApiKey.get(hash=fingerprint)
        if key is None or key.expires_at <= time.time():
            return None
        return self._entities.User.get(registry=key.registry)


def key_hash(api_key: str) -> str:
    """How a key is stored: SHA-256, hex. Keys are long and random, so no salt and no slow hash is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def account_of(row: entities.Row) -> Account:
    return Account(row.registry, row.username, row.is_admin)

"""The queries about whoever calls: his account and his password. For those about users as such: store/users.py."""

import time

from warest import entities
from warest.ids import new_ulid
from warest.store.api_keys import ApiKeys, key_hash
from warest.store.records import Account
from warest.store.schema import transaction


class AccountQueries:
    api_keys: ApiKeys

    def __init__(self, opened: entities.Entities) -> None:
        self._entities = opened

    def account(self, registry: str) -> Account | None:
        """None also of one that is not active."""
        with transaction():
            row = self._entities.User.get(registry=registry, is_active=True)
            return account_of(row) if row else None

    def account_by_key(self, api_key: str) -> Account | None:
        holder = self.api_keys.holder(api_key)
        return holder.owner if holder else None

    def account_by_name(self, username: str) -> Account | None:
        """By the exact name; whatever else somebody types, however long, is nobody's, nor is one that is not active."""
        if "\0" in username:  # PostgreSQL would refuse the question
            return None
        with transaction():
            row = self._entities.User.select(lambda row: row.username == username and row.is_active).first()
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


def account_of(row: entities.Row) -> Account:
    return Account(row.registry, row.username, row.is_admin)

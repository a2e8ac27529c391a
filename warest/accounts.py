"""Users and their passwords."""

import argon2

from warest.errors import Conflict
from warest.store import Store

_HASHER = argon2.PasswordHasher()


def seed_admin(store: Store, username: str, password: str, api_key: str) -> None:
    """Make sure that the first admin exists with these. Safe to run at every boot of every process, also at once."""
    if not _is_seeded(store, username, password, api_key):
        try:
            store.put_admin(username, _HASHER.hash(password), api_key)
        except Conflict:
            if not _is_seeded(store, username, password, api_key):
                raise


def _is_seeded(store: Store, username: str, password: str, api_key: str) -> bool:
    known = store.account_by_key(api_key)
    return bool(known and known.username == username and is_password_of(store.password_of(known), password))


def is_password_of(kept: str, password: str) -> bool:
    """Whether the hash that is kept was made of this password."""
    try:
        return _HASHER.verify(kept, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False

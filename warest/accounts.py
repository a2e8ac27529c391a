"""Users and their passwords."""

import argon2

from warest.store import Store


def seed_admin(store: Store, username: str, password: str, api_key: str) -> None:
    """Make sure that the first admin exists with these. Safe to run at every boot of every process."""
    known = store.account_by_key(api_key)
    if known is None or known.username != username:
        store.put_admin(username, argon2.PasswordHasher().hash(password), api_key)

"""Passwords, and the keys that logins make."""

import hashlib
import secrets
import time
from pathlib import Path

import pytest

from warest import accounts, store
from warest.store import Account, Store

USER = Account("TENANT", "user", False)


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    """A seeded admin, and a user whose password is still the original's hash."""
    path = tmp_path / "warest.sqlite"
    store.migrate(store.Sqlite(path))
    opened = store.open(store.Sqlite(path))
    accounts.seed_admin(opened, "boss", "a password", "fixed key")
    opened.users.add("TENANT", "user", node_hash("pass", as_text=False), first_key="user key")
    return opened


def node_hash(password: str, *, as_text: bool) -> str:
    """As Node programs write it: `scryptSync(password, salt, 64)`, the salt given as bytes or as hex text."""
    salt = secrets.token_bytes(16)
    given = salt.hex().encode() if as_text else salt
    made = hashlib.scrypt(password.encode(), salt=given, n=16384, r=8, p=1, dklen=64)
    return f"scrypt:{salt.hex()}:{made.hex()}"


@pytest.mark.parametrize("as_text", [True, False])
def test_hashes_of_the_original(as_text: bool) -> None:
    """They are read, whichever way the salt was given; nothing else passes for one."""
    kept = node_hash("pässword", as_text=as_text)
    assert accounts.is_password_of(kept, "pässword") and not accounts.is_password_of(kept, "password")
    for broken in (kept[:-1], kept[:-2], kept.replace("scrypt:", "", 1), "scrypt:", "scrypt::", "scrypt:zz:zz", ""):
        assert not accounts.is_password_of(broken, "pässword")


def test_logging_in(opened: Store) -> None:
    """Name and password must be right, the name in its case."""
    assert accounts.log_in(opened, "boss", "a password") == Account("admin", "boss", True)
    assert accounts.log_in(opened, "user", "pass") == USER
    for name, password in (
        ("boss", "pass"),
        ("Boss", "a password"),
        ("nobody", "x"),
        ("user", ""),
        ("", ""),
        (" boss", "a password"),
        ("x" * 500, "x"),
        ("\0", "x"),
    ):
        assert accounts.log_in(opened, name, password) is None


def test_an_old_hash_is_replaced(opened: Store) -> None:
    """By the first login that is right, and by no other."""
    old = opened.password_of(USER)
    accounts.log_in(opened, "user", "wrong")
    assert opened.password_of(USER) == old
    accounts.log_in(opened, "user", "pass")
    new = opened.password_of(USER)
    assert new.startswith("$argon2id$") and accounts.is_password_of(new, "pass")
    accounts.log_in(opened, "user", "pass")
    assert opened.password_of(USER) == new


def test_time_tells_nobody_who_exists(opened: Store) -> None:
    """A name that is unknown, one with a new hash and one with an old hash take alike (quirk S14)."""

    def quickest(name: str) -> float:
        def once() -> float:
            began = time.perf_counter()
            assert accounts.log_in(opened, name, "wrong") is None
            return time.perf_counter() - began

        return min(once() for _ in range(4))

    accounts.log_in(opened, "nobody", "x")
    times = {name: quickest(name) for name in ("boss", "user", "nobody")}
    assert max(times.values()) < 2 * min(times.values()), times


def test_the_seeded_admin_gets_its_fixed_key(opened: Store) -> None:
    """As long as it is the one that is valid: another data folder may hold another."""
    admin = Account("admin", "boss", True)
    assert accounts.key_after_login(opened, admin, "fixed key", name="login", days=1) == "fixed key"
    made = accounts.key_after_login(opened, admin, "of another folder", name="login", days=1)
    assert made.startswith("admin_") and opened.account_by_key(made) == opened.account_by_key("fixed key") == admin


def test_others_get_one_more_key(opened: Store) -> None:
    """The ones before stay valid (quirk S12), the oldest goes in the end; a key is never theirs who named it."""
    made = [
        accounts.key_after_login(opened, USER, "user key", name="login", days=1) for _ in range(accounts.KEYS_KEPT + 1)
    ]
    assert made[-1].startswith("user_") and len(set(made)) == len(made)
    assert [opened.account_by_key(key) for key in made] == [None, *[USER] * accounts.KEYS_KEPT]
    assert opened.account_by_key("user key") == USER

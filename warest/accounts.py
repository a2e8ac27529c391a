"""Users, their passwords and the keys they get."""

import functools
import hashlib
import hmac
import secrets
import string
import threading
import time

import argon2

from warest.errors import Conflict, InvalidInput
from warest.ids import new_ulid
from warest.store import Account, ApiKeyRecord, Store, UserRecord

#: The registry of the admin that the settings make.
SEEDED = "admin"

#: Characters of a password.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1000

#: Letters of a registry, as the original derives them.
_REGISTRY = 10

#: So many keys that logins have made stay valid beside each other; the oldest goes.
KEYS_KEPT = 20

#: Passwords looked at at the same time by one process: each takes 64 MB.
_AT_ONCE = threading.BoundedSemaphore(4)

_HASHER = argon2.PasswordHasher()

#: What a password is held against where there is nothing to hold it against: that takes as long.
_no_argon2 = functools.cache(lambda: _HASHER.hash(secrets.token_hex()))
_NO_SCRYPT = f"scrypt:{secrets.token_hex(16)}:{secrets.token_hex(64)}"


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


def log_in(store: Store, username: str, password: str) -> Account | None:
    """The user of this name, if the password is right. As slow for a user who does not exist (quirk S14)."""
    account = store.account_by_name(username)
    kept = store.password_of(account) if account else ""
    is_right = is_password_of(kept, password)
    if account is None or not is_right:
        return None
    if not kept.startswith("$argon2") or _HASHER.check_needs_rehash(kept):
        store.set_password(account, _HASHER.hash(password))
    store.users.logged_in(account.registry)
    return account


def add_user(store: Store, username: str, password: str, *, is_admin: bool = False) -> UserRecord:
    """One more tenant. He has no first key, as the original's users have: his keys are made. Raises Conflict when the
    name is taken."""
    registry = "".join(secrets.choice(string.ascii_uppercase) for _ in range(_REGISTRY))
    return store.users.add(registry, username, hashed(password), is_admin=is_admin, first_key=secrets.token_hex())


def hashed(password: str) -> str:
    """How a password is stored. Raises InvalidInput for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    with _AT_ONCE:
        return _HASHER.hash(password)


def new_password() -> str:
    """24 characters, for whoever has not chosen one."""
    return secrets.token_urlsafe(18)


def revoke_key(store: Store, owner: Account, id: str) -> ApiKeyRecord | None:
    """It opens nothing from now on; None: he has no such key. Raises Conflict for the one that the settings make."""
    if owner.registry == SEEDED and store.users.is_first_key(owner.registry, id):
        raise Conflict("This key comes from the settings: change WAREST_ADMIN_APIKEY there.")
    return store.api_keys.revoke(owner.registry, id, instead=secrets.token_hex())


def new_key(account: Account) -> str:
    """`admin_ULID_HEX` or `user_ULID_HEX`, as the original's, with 128 random bits."""
    return f"{'admin' if account.is_admin else 'user'}_{new_ulid()}_{secrets.token_hex(16)}"


def is_password_of(kept: str, password: str) -> bool:
    """Whether the hash that is kept was made of this password: ours, or one of the original's.

    Both kinds are computed each time, so that how long it takes says nothing about what is kept.
    """
    with _AT_ONCE:
        nothing = _no_argon2()
        is_argon2, is_scrypt = kept.startswith("$argon2"), kept.startswith("scrypt:")
        right = _is_argon2_of(kept if is_argon2 else nothing, password)
        right_in_scrypt = _is_scrypt_of(kept if is_scrypt else _NO_SCRYPT, password)
    return (is_argon2 and right) or (is_scrypt and right_in_scrypt)


def _is_argon2_of(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _is_scrypt_of(kept: str, password: str) -> bool:
    """`scrypt:SALT:HASH` with Node's defaults. Node programs give the salt as bytes or as its hex text: take both."""
    _, _, rest = kept.partition(":")
    salt, _, wanted = rest.partition(":")
    try:
        salts = (bytes.fromhex(salt), salt.encode())
        expected = bytes.fromhex(wanted)
    except ValueError:
        return False
    made = [hashlib.scrypt(password.encode(), salt=each, n=16384, r=8, p=1, dklen=64) for each in salts]
    return any(hmac.compare_digest(one, expected) for one in made)


def key_after_login(store: Store, account: Account, fixed_key: str, *, name: str, days: float) -> str:
    """The API key that a login answers: the seeded admin's fixed one, else a new one (decision 28).

    The ones before it stay valid until they expire: nobody's integration ends because somebody logs in (quirk S12).
    """
    if account.registry == SEEDED and store.account_by_key(fixed_key) == account:
        return fixed_key
    made = new_key(account)
    store.api_keys.add_login(account, made, name=name, expires_at=time.time() + days * 86400, keep=KEYS_KEPT)
    return made

"""Logging in on a page: who may try again when, and the sessions of those who are in. Both live in Redis.

Unlike other limits, these fail closed: without Redis nobody logs in.
"""

import math
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from warest import keys
from warest.errors import DriverError
from warest.limits import digest

#: After every so many failures an attempt is the last one for a while.
FAILURES = 5

#: Failures are counted for this long from the first on, s; a lock begins the time anew.
FAILURE_WINDOW = 600

#: How long the first, second and every further lock lasts, s.
LOCKS = (120, 300, 600)

#: How long a UI session lasts, s.
UI_SESSION = 14 * 24 * 3600

#: Failures of an address, whatever names it tries, count for this long, s.
ADDRESS_WINDOW = 60

_ATTEMPT = """
-- KEYS: failures, lock, failures of the address.
-- ARGV: how many make a lock, most of an address, its window (s), window of failures (s), locks (s)...
-- An attempt counts as failed until it has succeeded: those that run at once cannot be more than those one by one.
local locked = redis.call('PTTL', KEYS[2])
if locked > 0 then return {0, locked} end
local tried = redis.call('INCR', KEYS[3])
if tried == 1 then redis.call('EXPIRE', KEYS[3], ARGV[3]) end
if tried > tonumber(ARGV[2]) then return {0, redis.call('PTTL', KEYS[3])} end
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[4]) end
if count % ARGV[1] ~= 0 then return {1, 0} end
local lock = ARGV[math.min(4 + count / ARGV[1], #ARGV)]
redis.call('SET', KEYS[2], '1', 'EX', lock)
redis.call('EXPIRE', KEYS[1], ARGV[4] + lock)
return {1, lock * 1000}
"""

_CLEAR = """
-- KEYS: failures, lock, failures of the address.
redis.call('DEL', KEYS[1], KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('DECR', KEYS[3]) end
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whether a password may be tried, and how many seconds to wait after it has failed."""

    is_allowed: bool
    wait: int


class Lockout:
    """Of each pair of client address and user name, and of addresses that try too many names."""

    def __init__(
        self, client: "redis.Redis", most: int, *, window: int = FAILURE_WINDOW, locks: Sequence[int] = LOCKS
    ) -> None:
        """`most`: failures that an address may have in a minute."""
        self._attempt = client.register_script(_ATTEMPT)
        self._clear = client.register_script(_CLEAR)
        self._arguments = [FAILURES, most, ADDRESS_WINDOW, window, *locks]

    def attempt(self, address: str, username: str) -> Attempt:
        with _driver_errors():
            allowed, left_ms = self._attempt(keys=_held(address, username), args=self._arguments)
        return Attempt(bool(allowed), math.ceil(left_ms / 1000))

    def clear(self, address: str, username: str) -> None:
        """The attempt has succeeded."""
        with _driver_errors():
            self._clear(keys=_held(address, username))


def _held(address: str, username: str) -> list[str]:
    who = digest(address, username.lower())
    return [
        keys.limit("login-failures", who),
        keys.limit("login-lock", who),
        keys.limit("login-address", digest(address)),
    ]


class UiSessions:
    """Opaque tokens for cookies: nothing in them, and worth nothing after a logout (quirk S13)."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def begin(self, registry: str) -> str:
        token = secrets.token_urlsafe(32)
        with _driver_errors():
            self._redis.set(keys.ui_session(digest(token)), f"{self._era(registry)} {registry}", ex=UI_SESSION)
        return token

    def registry_of(self, token: str) -> str | None:
        with _driver_errors():
            found = self._redis.get(keys.ui_session(digest(token)))
            if not isinstance(found, bytes):
                return None
            era, _, registry = found.decode().partition(" ")
            return registry if era == self._era(registry) else None

    def end_all(self, registry: str) -> None:
        """Those of a user, wherever he has logged in: a new era begins, and what is from the one before is void."""
        with _driver_errors():
            self._redis.incr(keys.ui_era(registry))

    def _era(self, registry: str) -> str:
        found = self._redis.get(keys.ui_era(registry))
        return found.decode() if isinstance(found, bytes) else "0"

    def end(self, token: str) -> None:
        with _driver_errors():
            self._redis.delete(keys.ui_session(digest(token)))


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The logins are out of reach, Redis said: {error}") from error

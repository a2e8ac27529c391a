"""How often somebody may do something: fixed windows, counted in Redis, right across processes.

Every decision is one Lua script and takes its time from Redis. When Redis is away or slow, limits fail open: they guard
against too much, and a gateway that cannot count should still serve. Logging in is the exception (see Lockout).
"""

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from warest import keys

log = logging.getLogger(__name__)

#: A key that has opened something from an address goes on doing so for this long, whoever else guesses there, s.
KNOWN_FOR = 3600

#: Guesses are counted for this long from the first on, ms.
GUESS_WINDOW_MS = 60_000

#: Addresses of which a process remembers that they have guessed too often.
SHUT_KEPT = 10_000

#: `take(key, window)`: one more; returns the count and the milliseconds until the window ends.
_TAKE = """
local function take(key, window)
  local count, left = redis.call('INCR', key), redis.call('PTTL', key)
  if left < 0 or left > tonumber(window) then
    redis.call('PEXPIRE', key, window)
    left = tonumber(window)
  end
  return count, left
end
local function window_of(key, window)
  local now, count, left = redis.call('TIME'), take(key, window)
  return {count, math.ceil(now[1] + (now[2] / 1000 + left) / 1000)}
end
"""

_ENTER = (
    _TAKE
    + """
-- KEYS: guesses of the address, this key there, calls of the key. ARGV: most guesses, known for (s),
-- window (ms, 0: nothing is counted).
if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 0 then
  return {redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[2], '1', 'EX', ARGV[2])
if ARGV[3] == '0' then return {0} end
local calls = window_of(KEYS[3], ARGV[3])
return {0, calls[1], calls[2]}
"""
)

_GUESS = (
    _TAKE
    + """
-- KEYS: guesses of the address. ARGV: most guesses, window (ms).
local count, left = take(KEYS[1], ARGV[2])
return count > tonumber(ARGV[1]) and left or 0
"""
)

_SPEND = (
    _TAKE
    + """
-- KEYS: quota, cooldown. ARGV: quota's window (ms), cooldown (ms, 0: none).
if ARGV[2] ~= '0' and not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then
  return {redis.call('PTTL', KEYS[2])}
end
local spent = window_of(KEYS[1], ARGV[1])
return {0, spent[1], spent[2]}
"""
)


@dataclass(frozen=True, slots=True)
class Window:
    """So many in so many milliseconds."""

    limit: int
    ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a call. `wait`: not now, but after so many seconds. `count`: the calls of this window, this one
    included, of `limit`; `reset`: when it ends, epoch seconds. None: nothing was counted."""

    wait: int = 0
    count: int | None = None
    limit: int = 0
    reset: int = 0

    @property
    def is_over(self) -> bool:
        return self.count is not None and self.count > self.limit

    @property
    def remaining(self) -> int:
        return max(0, self.limit - (self.count or 0))


class Limits:
    def __init__(self, client: "redis.Redis") -> None:
        """`client` should give up soon: every request waits for it."""
        self._redis = client
        self._shut: dict[str, float] = {}  # addresses that have guessed too often, until when (monotonic)
        self._enter = client.register_script(_ENTER)
        self._guess = client.register_script(_GUESS)
        self._spend = client.register_script(_SPEND)

    def enter(self, address: str, api_key: str, most_guesses: int, rate: Window | None) -> Verdict:
        """A call with a key that is right. It waits where too many wrong ones came from, unless it is known there:
        else a stranger behind the same address could shut everybody else out."""
        held = [
            keys.limit("guess", digest(address)),
            keys.limit("known", digest(address, api_key)),
            keys.limit("rate", digest(api_key)),
        ]
        window = rate or Window(0, 0)
        return _verdict(window, lambda: self._enter(keys=held, args=[most_guesses, KNOWN_FOR, window.ms]))

    def guess(self, address: str, most: int) -> int:
        """A key was wrong. Returns how many seconds its address must wait, if it has guessed too often."""
        held = [keys.limit("guess", digest(address))]
        wait = _verdict(Window(0, 0), lambda: [self._guess(keys=held, args=[most, GUESS_WINDOW_MS])]).wait
        if wait:
            if len(self._shut) >= SHUT_KEPT:
                self._shut.clear()
            self._shut[address] = time.monotonic() + wait
        return wait

    def shut_out(self, address: str, api_key: str) -> int:
        """How many seconds a call must wait before anybody looks at its key: it comes from where too many wrong ones
        came from, and was not right there lately. So whoever floods us costs as little as can be."""
        left = self._shut.get(address, 0.0) - time.monotonic()
        if left <= 0:
            self._shut.pop(address, None)
            return 0
        try:
            is_known = self._redis.exists(keys.limit("known", digest(address, api_key)))
        except redis.RedisError:
            return 0
        return 0 if is_known else math.ceil(left)

    def spend(self, api_key: str, to: str | None, quota: Window, cooldown_ms: int) -> Verdict:
        """A call that costs quota. With `to` it is a send; one to the same recipient too soon waits, and costs none."""
        held = [keys.limit("quota", digest(api_key)), keys.limit("cooldown", digest(api_key, to or ""))]
        cooldown = cooldown_ms if to is not None else 0
        return _verdict(quota, lambda: self._spend(keys=held, args=[quota.ms, cooldown]))


def _verdict(window: Window, ask: Callable[[], Any]) -> Verdict:
    try:
        left_ms, *counted = ask()
    except redis.RedisError as error:
        log.warning("limits are not applied, Redis said: %s", error)
        return Verdict()
    if not counted:
        return Verdict(wait=math.ceil(left_ms / 1000))
    count, reset = counted
    return Verdict(count=count, limit=window.limit, reset=reset)


def digest(*parts: str) -> str:
    """What stands for a key or an address in Redis."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]

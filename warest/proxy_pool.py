"""How the proxies of the pool are, and which session has which: in Redis, so that all processes agree.

Connections and checks tell what became of them. A proxy that has failed often enough in a row is left alone for a while
(proxies.Rules). A connection that succeeds takes back what has been counted. A check does when the last one had failed,
or when all that is a while ago: a proxy that answers checks and loses connections is not made good by them.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from warest import keys, proxies
from warest.errors import DriverError
from warest.proxies import Condition, Proxy, Rules

#: What is known of a proxy that nobody has used for so long is forgotten, s.
KEPT = 30 * 86_400

#: Most characters of the reason of a failure.
_REASON = 200

_FAIL = """
-- KEYS: proxy. ARGV: now, failures until it is left alone, cool-off in s, multiplier, reason, ttl in s.
-- The failures in a row with this one. The cool-off is proxies.Rules.left_alone.
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HINCRBY', KEYS[1], 'failed', 1)
redis.call('HSET', KEYS[1], 'error', ARGV[5], 'failed_at', ARGV[1])
if failures >= tonumber(ARGV[2]) then
  local seconds = tonumber(ARGV[3]) * math.min(tonumber(ARGV[4]), failures)
  redis.call('HSET', KEYS[1], 'until', tostring(tonumber(ARGV[1]) + seconds))
end
redis.call('EXPIRE', KEYS[1], ARGV[6])
return failures
"""

_PASS = """
-- KEYS: proxy. ARGV: now, latency in ms, ttl in s, longest cool-off in s.
local failed_at = tonumber(redis.call('HGET', KEYS[1], 'failed_at') or '0')
if redis.call('HGET', KEYS[1], 'is_down') == '1' or tonumber(ARGV[1]) > failed_at + tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'failures', 0)
end
redis.call('HSET', KEYS[1], 'is_down', 0, 'checked', ARGV[1], 'latency_ms', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


@dataclass(frozen=True)
class Seen:
    """A proxy of the pool as it is now."""

    proxy: Proxy
    condition: Condition


class ProxyPool:
    """Raises DriverError when Redis is out of reach."""

    def __init__(self, client: "redis.Redis", pool: Sequence[Proxy], rules: Rules) -> None:
        self.rules = rules
        self._redis = client
        self._pool = pool
        self._by_id = {proxy.id: proxy for proxy in pool}
        self._fail = client.register_script(_FAIL)
        self._pass = client.register_script(_PASS)

    def __len__(self) -> int:
        return len(self._pool)

    def __iter__(self) -> Iterator[Proxy]:
        return iter(self._pool)

    def take(self, session: str) -> Proxy:
        """The one through which a session connects now. The pool must not be empty."""
        now = time.time()
        with _driver_errors():
            before: Any = self._redis.get(keys.session_proxy(session))
            turn: Any = self._redis.incr(keys.PROXY_TURNS)
        conditions = self._conditions()
        current = before.decode() if before else None
        chosen = proxies.choose(self._pool, conditions, self.rules, now=now, turn=int(turn) - 1, current=current)
        has_left = current in conditions and current != chosen.id and conditions[current].failures > 0
        with _driver_errors(), self._redis.pipeline() as pipe:
            pipe.set(keys.session_proxy(session), chosen.id)
            if has_left and current:
                pipe.hincrby(keys.proxy(current), "left", 1)
            pipe.execute()
        return chosen

    def leave(self, session: str) -> None:
        """It uses none of the pool."""
        with _driver_errors():
            self._redis.delete(keys.session_proxy(session))

    def of(self, session: str) -> Proxy | None:
        """The one that it took last; None: it has taken none, or that one is no longer in the pool."""
        return self.of_many([session])[0]

    def of_many(self, sessions: Iterable[str]) -> list[Proxy | None]:
        names = [keys.session_proxy(session) for session in sessions]
        with _driver_errors():
            found: Any = self._redis.mget(names) if names else []
        return [self._by_id.get(id.decode()) if id else None for id in found]

    def failed(self, proxy: Proxy, why: str) -> None:
        """It did not lead anywhere, or no longer does. `why` holds no credentials."""
        rules = self.rules
        told: list[Any] = [time.time(), rules.rotate_after, rules.cooloff, rules.multiplier, why[:_REASON], KEPT]
        with _driver_errors():
            self._fail(keys=[keys.proxy(proxy.id)], args=told)

    def succeeded(self, proxy: Proxy) -> None:
        """A session has reached WhatsApp through it: it is as good as new."""
        with _driver_errors(), self._redis.pipeline() as pipe:
            pipe.hset(keys.proxy(proxy.id), mapping={"failures": 0, "until": 0, "is_down": 0, "error": ""})
            pipe.expire(keys.proxy(proxy.id), KEPT)
            pipe.execute()

    def check_failed(self, proxy: Proxy, why: str) -> bool:
        """Whether that is news."""
        self.failed(proxy, why)
        with _driver_errors():
            before: Any = self._redis.hget(keys.proxy(proxy.id), "is_down")
            self._redis.hset(keys.proxy(proxy.id), mapping={"is_down": 1, "checked": time.time(), "latency_ms": 0})
        return bool(before != b"1")

    def check_passed(self, proxy: Proxy, latency_ms: float) -> None:
        with _driver_errors():
            self._pass(keys=[keys.proxy(proxy.id)], args=[time.time(), latency_ms, KEPT, self.rules.longest])

    def is_worth_leaving(self, proxy: Proxy) -> bool:
        """Its check has failed, it is left alone by now, and there is another that is not."""
        now, conditions = time.time(), self._conditions()
        found = conditions.get(proxy.id)
        if found is None or not found.is_down or not found.is_cooling(now):
            return False
        return any(not other.is_cooling(now) and not other.is_down for other in conditions.values())

    @contextmanager
    def look(self, longest: float) -> Iterator[bool]:
        """Whether it is ours to check them now: one does at a time, who may take so many seconds."""
        with _driver_errors():
            is_ours = bool(self._redis.set(keys.PROXIES_LOOK, 1, nx=True, px=max(1, int(longest * 1000))))
            if is_ours:
                self._redis.set(keys.PROXIES_LOOKED_AT, time.time())
        try:
            yield is_ours
        finally:
            if is_ours:
                with _driver_errors():
                    self._redis.delete(keys.PROXIES_LOOK)

    def has_looked_since(self, moment: float) -> bool:
        """Somebody has begun to check them after this moment (epoch s)."""
        with _driver_errors():
            began: Any = self._redis.get(keys.PROXIES_LOOKED_AT)
        return float(began or 0) >= moment

    def seen(self) -> list[Seen]:
        conditions = self._conditions()
        return [Seen(proxy, conditions[proxy.id]) for proxy in self._pool]

    def _conditions(self) -> dict[str, Condition]:
        with _driver_errors(), self._redis.pipeline(transaction=False) as pipe:
            for proxy in self._pool:
                pipe.hgetall(keys.proxy(proxy.id))
            answers = pipe.execute()
        return {proxy.id: _condition(said) for proxy, said in zip(self._pool, answers, strict=True)}


def _condition(said: dict[bytes, bytes]) -> Condition:
    def number(name: bytes) -> float:
        return float(said.get(name, b"0"))

    return Condition(
        failures=int(number(b"failures")),
        until=number(b"until"),
        is_down=number(b"is_down") == 1,
        checked=number(b"checked"),
        latency_ms=number(b"latency_ms"),
        error=said.get(b"error", b"").decode(errors="replace"),
        failed=int(number(b"failed")),
        left=int(number(b"left")),
    )


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"What is known of the proxies is out of reach, Redis said: {error}") from error

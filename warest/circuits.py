"""Whether an endpoint is worth knocking at: a circuit breaker for each, in Redis, for all processes.

An endpoint that has failed several times in a row is left alone for a while; whatever is for it waits. Then one try
is let through, and that decides. Should Redis lose it, an endpoint has to fail a few times more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from warest import keys

#: Failures in a row that open a circuit, and how long it stays open (contract, webhooks.md section 5), s.
FAILURES, PAUSE = 5, 60.0

#: After 401 or 403 somebody has to mend something: it stays open for longer, s.
REFUSED_PAUSE = 900.0

#: What is known of an endpoint that has not been tried for so long is forgotten, s: longer than the longest schedule.
_KEPT_FOR = 10 * 24 * 3600

_FAILED = """
-- KEYS: circuit. ARGV: now, open until if it is enough, at once if so, failures that are enough, ttl.
redis.call('HSETNX', KEYS[1], 'since', ARGV[1])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures >= tonumber(ARGV[4]) or ARGV[3] == '1' then
  local known = tonumber(redis.call('HGET', KEYS[1], 'open_until') or '0')
  if tonumber(ARGV[2]) > known then redis.call('HSET', KEYS[1], 'open_until', ARGV[2]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return redis.call('HMGET', KEYS[1], 'failures', 'since', 'open_until')
"""


@dataclass(frozen=True, slots=True)
class Circuit:
    """How an endpoint does: `failures` in a row since then, and until when it is left alone (epoch s, 0: it is not)."""

    failures: int = 0
    since: float = 0.0
    open_until: float = 0.0

    @property
    def is_open(self) -> bool:
        return self.open_until > time.time()


class Circuits:
    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._failed: Callable[..., Any] = client.register_script(_FAILED)

    def get(self, endpoint: str) -> Circuit:
        found: Any = self._redis.hmget(keys.circuit(endpoint), ["failures", "since", "open_until"])
        return _circuit(found)

    def get_many(self, endpoints: list[str]) -> list[Circuit]:
        with self._redis.pipeline(transaction=False) as asked:
            for endpoint in endpoints:
                asked.hmget(keys.circuit(endpoint), ["failures", "since", "open_until"])
            return [_circuit(found) for found in asked.execute()]

    def failed(self, endpoint: str, *, pause: float = PAUSE, at_once: bool = False) -> Circuit:
        """One more failure. With `at_once` the circuit opens whatever came before, for `pause` seconds."""
        now = time.time()
        args = [now, now + pause, int(at_once), FAILURES, _KEPT_FOR]
        return _circuit(self._failed(keys=[keys.circuit(endpoint)], args=args))

    def forget(self, endpoint: str) -> bool:
        """It answers, or begins anew; whether it had failed."""
        return bool(self._redis.delete(keys.circuit(endpoint)))


def _circuit(found: list[bytes | None]) -> Circuit:
    failures, since, open_until = found
    return Circuit(int(failures or 0), float(since or 0), float(open_until or 0))

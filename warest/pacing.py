"""How fast a session writes to people who have never written to it: what gets accounts banned is that, and only that.

Whoever has written to the session is answered at once. Others are written to with a pause in between, so many new ones
a day, and not at all for a while after WhatsApp has refused one (error 463). All processes share what is known, in
Redis.
"""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from warest import keys
from warest.errors import DriverError, RateLimited
from warest.ids import STATUS

_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`gap` and `jitter` in seconds: the least pause, and what is added to it at random. `new_chats` a day, 0: no
    limit. `types`: they see us typing before."""

    gap: float
    jitter: float
    new_chats: int
    types: bool = True


#: By how long an account has been in use, and how many people answer it.
PRESETS = {
    "new": Rules(gap=20.0, jitter=20.0, new_chats=20),
    "warm": Rules(gap=8.0, jitter=8.0, new_chats=60),
    "trusted": Rules(gap=2.0, jitter=4.0, new_chats=200),
}

#: After a 463 nobody new is written to for so long, s; each one in a row doubles it. Our estimate: WhatsApp does not
#: say how long (decision 42).
FIRST_PAUSE, LONGEST_PAUSE = 900, _DAY

_TAKE = """
-- KEYS: next, new chats of today. ARGV: now, pause, new chats allowed, day in s, chats...
-- Seconds to wait; 0: the turn is taken; -1: there are enough new chats today.
local next = tonumber(redis.call('GET', KEYS[1]) or '0')
if next > tonumber(ARGV[1]) then return tostring(next - tonumber(ARGV[1])) end
local fresh = 0
for i = 5, #ARGV do fresh = fresh + 1 - redis.call('SISMEMBER', KEYS[2], ARGV[i]) end
if tonumber(ARGV[3]) > 0 and redis.call('SCARD', KEYS[2]) + fresh > tonumber(ARGV[3]) then return '-1' end
redis.call('SADD', KEYS[2], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('SET', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[2]), 'EX', 3600)
return '0'
"""


class Pacing:
    def __init__(self, client: "redis.Redis", session: str, rules: Rules) -> None:
        self._redis = client
        self._session = session
        self.rules = rules
        self._take = client.register_script(_TAKE)

    def knows(self, chats: Iterable[str]) -> None:
        """Somebody has written, from these addresses of his."""
        if named := list(chats):
            with _driver_errors():
                self._redis.sadd(keys.answered_chats(self._session), *named)

    def strangers(self, chats: Iterable[str]) -> list[str]:
        """Those who have never written; groups are nobody's first contact, nor are channels and
        the status."""
        people = [chat for chat in chats if not chat.endswith(("@g.us", "@newsletter", STATUS))]
        if not people:
            return []
        with _driver_errors():
            known: Any = self._redis.smismember(keys.answered_chats(self._session), people)
        return [chat for chat, is_known in zip(people, known, strict=True) if not is_known]

    def wait(self, strangers: list[str]) -> float:
        """Seconds until they may be written to; 0: now, and the turn is taken.

        Raises RateLimited when nobody new may be written to today, or WhatsApp has just refused it.
        """
        if (left := self._paused_for()) > 0:
            raise RateLimited(
                "WhatsApp has refused to take messages for people who have never written to this session; it is left"
                " alone for a while (our estimate).",
                retry_after=left,
            )
        now = time.time()
        pause = (self.rules.gap + random.uniform(0, self.rules.jitter)) * len(strangers)
        held = [keys.paced_until(self._session), keys.new_chats(self._session, int(now // _DAY))]
        with _driver_errors():
            waits = float(self._take(keys=held, args=[now, pause, self.rules.new_chats, _DAY, *strangers]))
        if waits < 0:
            raise RateLimited(
                f"{self.rules.new_chats} people who never wrote to this session have got messages today: that is the"
                " limit of WAREST_PACING.",
                retry_after=int(_DAY - now % _DAY) + 1,
            )
        return waits

    def refused(self) -> int:
        """WhatsApp has said 463. How long nobody new is written to, s."""
        count: Any = self._redis.incr(keys.refusals(self._session))
        self._redis.expire(keys.refusals(self._session), 2 * LONGEST_PAUSE)
        seconds: int = min(FIRST_PAUSE * 2 ** (int(count) - 1), LONGEST_PAUSE)
        self._redis.set(keys.paused_for_strangers(self._session), "1", ex=seconds)
        return seconds

    def shown(self) -> dict[str, Any]:
        """How it is now, for whoever owns the session; times in epoch seconds."""
        now = time.time()
        today: Any = self._redis.scard(keys.new_chats(self._session, int(now // _DAY)))
        paused = self._paused_for()
        return {
            "gapSeconds": self.rules.gap,
            "newChatsToday": today,
            "newChatsPerDay": self.rules.new_chats or None,
            "pausedUntil": int(now) + paused if paused else None,
        }

    def _paused_for(self) -> int:
        with _driver_errors():
            left: int = self._redis.ttl(keys.paused_for_strangers(self._session))
        return max(0, left)


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"What is known of pacing is out of reach, Redis said: {error}") from error

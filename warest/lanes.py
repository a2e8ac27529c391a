"""Work that is done in order: each lane is a Redis stream that one process at a time empties.

Whoever fills a lane orders a Dramatiq message that empties it; of many orders at once one is enough. The lock makes
sure that nobody overtakes: it expires when its holder dies, and then the rest is done by another.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import redis

from warest import keys
from warest.ids import new_ulid

Entry = tuple[bytes, dict[bytes, bytes]]

#: Does what it is given, in order, and says of each when it is done, by its id.
Worker = Callable[[list[Entry]], Iterable[bytes]]

#: Entries that are looked at together.
BATCH = 100

_RELEASE_IF_EMPTY = """
-- KEYS: stream, lock. ARGV: token. Between the last look and the release nothing can come in unseen.
if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
"""

_RELEASE = """
-- KEYS: lock. ARGV: token.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

_DONE = """
-- KEYS: stream, lock. ARGV: token, entry, lock ms. One entry is dealt with; still ours?
redis.call('XDEL', KEYS[1], ARGV[2])
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
"""


class Lanes:
    def __init__(self, client: "redis.Redis", *, lock_ms: int) -> None:
        """`lock_ms` outlives the work on any one entry."""
        self._redis = client
        self._lock_ms = lock_ms
        self._release_if_empty = client.register_script(_RELEASE_IF_EMPTY)
        self._release = client.register_script(_RELEASE)
        self._done = client.register_script(_DONE)

    def empty(self, lane: str, work: Worker) -> bool:
        """Do what waits in the lane; False: somebody else is at it. What `work` raises goes on to the caller.

        A crash leaves the rest there, with the entry in hand: it is done again.
        """
        token = new_ulid()
        if not self._redis.set(keys.lane_lock(lane), token, nx=True, px=self._lock_ms):
            return False
        try:
            for entry in self._worked_off(lane, token, work):
                if not self._done(keys=[lane, keys.lane_lock(lane)], args=[token, entry, self._lock_ms]):
                    return True  # it took too long, and another one goes on
        except Exception:
            self._release(keys=[keys.lane_lock(lane)], args=[token])
            raise
        return True

    def _worked_off(self, lane: str, token: str, work: Worker) -> Iterator[bytes]:
        while True:
            # First the mark, then the look: what comes in between orders another emptying.
            self._redis.delete(keys.lane_nudged(lane))
            entries: Any = self._redis.xrange(lane, count=BATCH)
            if entries:
                yield from work(entries)
            elif self._release_if_empty(keys=[lane, keys.lane_lock(lane)], args=[token]):
                return

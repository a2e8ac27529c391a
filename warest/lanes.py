"""Work that is done in order: each lane is a Redis stream that one process at a time empties.

Whoever fills a lane orders a Dramatiq message that empties it; of many orders at once one is enough. The lock makes
sure that nobody overtakes: it expires when its holder dies, and then the rest is done by another.
"""

import math
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import redis

from warest import keys
from warest.ids import new_ulid

Entry = tuple[bytes, dict[bytes, bytes]]

#: Does what it is given, in order, and says by their ids which of it is done, as soon as it is.
Worker = Callable[[list[Entry]], Iterable[list[bytes]]]

#: Entries that are looked at together.
BATCH = 100

_LOOK = """
-- KEYS: stream, lock, nudged. ARGV: token, lock ms, count.
-- The first entries, if the lane is ours or nobody's; else nil. An empty lane is let go, and with it the mark that
-- somebody is on the way: between this look and that nothing can come in unseen.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return false end
local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])
if #entries > 0 then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
end
return entries
"""

#: Let a lock go, if it is still one's own.
RELEASE = """
-- KEYS: lock. ARGV: token.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

_DONE = """
-- KEYS: stream, lock. ARGV: token, lock ms, entries... These are dealt with; is the lane still ours?
redis.call('XDEL', KEYS[1], unpack(ARGV, 3))
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""


#: Put entries into a lane, and order that it is emptied, unless that is ordered already or the nudge is empty. 0: the
#: lane is full, and nothing was put in.
FILL = """
-- KEYS: lane, nudged, queue of the nudge. ARGV: lane limit, nudge ttl, nudge, strings of an entry, entries...
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
local size = tonumber(ARGV[4])
for first = 5, #ARGV, size do redis.call('XADD', KEYS[1], '*', unpack(ARGV, first, first + size - 1)) end
if ARGV[3] ~= '' and redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then
  redis.call('XADD', KEYS[3], '*', 'message', ARGV[3])
end
return 1
"""

#: After this long a lane is ordered to be emptied anew, should the Dramatiq message have been lost, s.
NUDGE_TTL = 60


class Left(Enum):
    """What is left in a lane when one has emptied it."""

    NOTHING = "nothing"
    MORE = "more"  # the time was up
    TAKEN = "taken"  # somebody else is at it


class Lanes:
    def __init__(self, client: "redis.Redis", *, lock_ms: int, linger: float = 0.0) -> None:
        """`lock_ms` outlives the work on whatever is said to be done at once. With `linger`, the next look comes so
        many seconds after the work, so that what comes meanwhile is done together and needs no order of its own."""
        self._redis = client
        self._lock_ms = lock_ms
        self._linger = linger
        self._look: Callable[..., Any] = client.register_script(_LOOK)
        self._release = client.register_script(RELEASE)
        self._done = client.register_script(_DONE)

    def nudge(self, lane: str) -> bool:
        """Whether an order to empty the lane is the caller's to give: there is none on its way."""
        return bool(self._redis.set(keys.lane_nudged(lane), 1, nx=True, ex=NUDGE_TTL))

    def empty(self, lane: str, work: Worker, *, seconds: float = math.inf) -> Left:
        """Do what waits in the lane, for about `seconds`. What `work` raises goes on to the caller.

        A crash leaves the rest there, with the entry in hand: it is done again.
        """
        token, until = new_ulid(), time.monotonic() + seconds
        entries = self._first(lane, token)
        if entries is None:
            return Left.TAKEN
        try:
            while entries and self._worked_off(lane, token, work, entries):
                if time.monotonic() > until:
                    self._release(keys=[keys.lane_lock(lane)], args=[token])
                    return Left.MORE
                time.sleep(self._linger)
                entries = self._first(lane, token)
        except Exception:
            self._release(keys=[keys.lane_lock(lane)], args=[token])
            raise
        return Left.NOTHING

    def _first(self, lane: str, token: str) -> list[Entry] | None:
        held = [lane, keys.lane_lock(lane), keys.lane_nudged(lane)]
        found: list[tuple[bytes, list[bytes]]] | None = self._look(keys=held, args=[token, self._lock_ms, BATCH])
        if found is None:
            return None
        return [(id, dict(zip(told[::2], told[1::2], strict=True))) for id, told in found]

    def _worked_off(self, lane: str, token: str, work: Worker, entries: list[Entry]) -> bool:
        """False: it took too long, and another one goes on."""
        held = [lane, keys.lane_lock(lane)]
        return all(self._done(keys=held, args=[token, self._lock_ms, *done]) for done in work(entries))

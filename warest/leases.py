"""The right to own a session's connection: in Redis, with an expiry and a fencing number.

Whoever holds the lease of a session may connect it; two connections of one account throw each other out. A holder that
froze or lost Redis past the expiry has lost the lease, even if it does not know yet: what it writes carries the number
of its lease, and is refused once a higher one exists.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from warest import keys
from warest.errors import LeaseLost

_ACQUIRE = """
-- KEYS: lease, number. ARGV: owner, ttl in ms.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local number = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], number .. ':' .. ARGV[1], 'PX', ARGV[2])
return number
"""

#: Puts `mine` at the head of any script: is ARGV[1] the number of the lease in KEYS[1]?
MINE = """
local function mine()
  local lease = redis.call('GET', KEYS[1])
  return lease and string.match(lease, '^(%d+):') == ARGV[1]
end
"""

_RENEW = (
    MINE
    + """
-- KEYS: lease, newest number. ARGV: number, ttl in ms, owner.
-- One that has run out, but that nobody has taken since, may go on: Redis was away, not the holder.
if mine() then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[3], 'PX', ARGV[2])
return 1
"""
)

_RELEASE = (
    MINE
    + """
-- KEYS: lease. ARGV: number.
return mine() and redis.call('DEL', KEYS[1]) or 0
"""
)


_BREAK = """
-- KEYS: lease. ARGV: owner.
local lease = redis.call('GET', KEYS[1])
return lease and string.match(lease, '^%d+:(.*)$') == ARGV[1] and redis.call('DEL', KEYS[1]) or 0
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's right to one session."""

    session: str
    owner: str
    number: int


class Leases:
    def __init__(self, client: "redis.Redis", *, ttl: float) -> None:
        """`ttl`: seconds that a lease lasts without renewal."""
        self.ttl = ttl
        self._redis = client
        self._acquire = client.register_script(_ACQUIRE)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)
        self._break = client.register_script(_BREAK)

    def acquire(self, session: str, owner: str) -> Lease | None:
        """None: somebody holds it."""
        number = self._acquire(
            keys=[keys.lease(session), keys.lease_number(session)], args=[owner, int(self.ttl * 1000)]
        )
        return Lease(session, owner, int(number)) if number else None

    def renew(self, lease: Lease) -> None:
        """Raises LeaseLost when somebody else has taken it since."""
        held = [keys.lease(lease.session), keys.lease_number(lease.session)]
        if not self._renew(keys=held, args=[lease.number, int(self.ttl * 1000), lease.owner]):
            raise LeaseLost(f"the lease of session {lease.session} is lost")

    def release(self, lease: Lease) -> None:
        """Nothing happens when it is lost already."""
        self._release(keys=[keys.lease(lease.session)], args=[lease.number])

    def take_from_the_dead(self, session: str, owner: str) -> None:
        """End a lease whose owner is known to be dead, without waiting until it runs out."""
        self._break(keys=[keys.lease(session)], args=[owner])

    def owner_of(self, session: str) -> str | None:
        return self.owners_of([session])[0]

    def owners_of(self, sessions: Sequence[str]) -> list[str | None]:
        """Who holds each of them; None: nobody."""
        found: Any = self._redis.mget([keys.lease(session) for session in sessions]) if sessions else []
        return [lease.decode().partition(":")[2] if lease else None for lease in found]


class Supervisors:
    """Which supervisors live: how many share the sessions."""

    def __init__(self, client: "redis.Redis", *, ttl: float) -> None:
        """`ttl`: seconds after its last sign of life until a supervisor counts as dead."""
        self._ttl_ms = int(ttl * 1000)
        self._redis = client

    def beat(self, supervisor: str) -> int:
        """A sign of life; returns how many live, this one included."""
        now = time.time_ns() // 1_000_000
        with self._redis.pipeline() as pipe:
            pipe.zadd(keys.SUPERVISORS, {supervisor: now})
            pipe.zremrangebyscore(keys.SUPERVISORS, 0, now - self._ttl_ms)
            pipe.zcard(keys.SUPERVISORS)
            return int(pipe.execute()[-1])

    def living(self) -> list[str]:
        since = time.time_ns() // 1_000_000 - self._ttl_ms
        found: Any = self._redis.zrangebyscore(keys.SUPERVISORS, since, "+inf")
        return [supervisor.decode() for supervisor in found]

    def leave(self, supervisor: str) -> None:
        self._redis.zrem(keys.SUPERVISORS, supervisor)

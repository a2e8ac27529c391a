"""The right to own a session, in a real Redis."""

import pytest

from support.waiting import eventually
from warest import keys
from warest.config.house import House
from warest.errors import LeaseLost
from warest.leases import Leases, Supervisors


def test_one_holder_at_a_time(parts: House) -> None:
    """Whoever comes second gets nothing, until the first lets go; each lease has a higher number."""
    first = parts.leases.acquire("01A", "host-1")
    assert first is not None and parts.leases.acquire("01A", "host-2") is None
    assert parts.leases.owners_of(["01A", "01B"]) == ["host-1", None]
    parts.leases.release(first)
    second = parts.leases.acquire("01A", "host-2")
    assert second is not None and second.number > first.number
    assert parts.leases.owner_of("01A") == "host-2"


def test_a_lease_runs_out(parts: House) -> None:
    """A holder that gives no sign of life is followed by another, and then its own renewal fails."""
    short = Leases(parts.redis, ttl=0.05)
    first = short.acquire("01A", "host-1")
    second = eventually(lambda: short.acquire("01A", "host-2"))
    assert first and second
    with pytest.raises(LeaseLost):
        short.renew(first)
    short.release(first)
    assert parts.redis.exists(keys.lease("01A")) or short.acquire("01A", "host-3")


def test_a_lease_is_taken_from_the_dead_only(parts: House) -> None:
    """Only that of the owner who is named."""
    lease = parts.leases.acquire("01A", "host/1/x")
    parts.leases.take_from_the_dead("01A", "host/2/y")
    assert lease and parts.leases.owner_of("01A") == "host/1/x"
    parts.leases.take_from_the_dead("01A", "host/1/x")
    assert parts.leases.owner_of("01A") is None


def test_renewal_keeps_it(parts: House) -> None:
    """A renewed lease lasts anew."""
    lease = parts.leases.acquire("01A", "host-1")
    assert lease
    parts.redis.pexpire(keys.lease("01A"), 50)
    parts.leases.renew(lease)
    assert parts.redis.pttl(keys.lease("01A")) > 1_000


def test_a_lease_that_nobody_took_goes_on(parts: House) -> None:
    """Redis was away for longer than the lease; its holder need not start again."""
    lease = parts.leases.acquire("01A", "host-1")
    assert lease
    parts.redis.delete(keys.lease("01A"))
    parts.leases.renew(lease)
    assert parts.leases.owner_of("01A") == "host-1"


def test_writes_of_a_former_holder_are_refused(parts: House) -> None:
    """The number of the lease fences the state."""
    former = parts.leases.acquire("01A", "host-1")
    assert former
    parts.leases.release(former)
    current = parts.leases.acquire("01A", "host-2")
    parts.states.put("01A", lease=current, state="open")
    with pytest.raises(LeaseLost):
        parts.states.put("01A", lease=former, state="crashed")
    assert parts.states.get("01A").is_open


def test_the_living_are_counted(parts: House) -> None:
    """A supervisor that leaves or falls silent no longer counts."""
    peers = Supervisors(parts.redis, ttl=30)
    assert [peers.beat("a"), peers.beat("b"), peers.beat("a")] == [1, 2, 2]
    peers.leave("a")
    assert peers.living() == ["b"]
    silent = Supervisors(parts.redis, ttl=0.05)
    eventually(lambda: silent.living() == [])
    assert silent.beat("c") == 1

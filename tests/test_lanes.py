"""Work that is done in order, by one at a time, in a real Redis."""

import time
from collections.abc import Iterator

import pytest

from support.waiting import eventually
from warest import keys
from warest.config.house import House
from warest.lanes import Entry, Lanes, Left

LANE = "warest:tests:lane"


def fill(parts: House, *words: str) -> None:
    parts.redis.set(keys.lane_nudged(LANE), "1")
    for word in words:
        parts.redis.xadd(LANE, {"word": word})


def one_by_one(done: list[bytes], entries: list[Entry]) -> Iterator[list[bytes]]:
    for id, fields in entries:
        done.append(fields[b"word"])
        yield [id]


def left(parts: House) -> int:
    """Keys of the lane, with its lock and its mark."""
    return int(parts.redis.exists(LANE, keys.lane_lock(LANE), keys.lane_nudged(LANE)))


def test_in_order_and_nothing_stays(parts: House) -> None:
    """Also more than is looked at together; what comes during the work needs no order of its own."""
    done: list[bytes] = []
    lanes = Lanes(parts.redis, lock_ms=1_000)

    def work(entries: list[Entry]) -> Iterator[list[bytes]]:
        if not done:
            fill(parts, "late")
            assert parts.redis.exists(keys.lane_nudged(LANE))
        yield from one_by_one(done, entries)

    words = [str(number) for number in range(250)]
    fill(parts, *words)
    assert lanes.empty(LANE, work) is Left.NOTHING
    assert done == [word.encode() for word in [*words, "late"]] and left(parts) == 0
    assert lanes.empty(LANE, work) is Left.NOTHING and left(parts) == 0


def test_one_at_a_time(parts: House) -> None:
    """Whoever comes second has nothing to do; a holder that was too slow stops, and the other goes on."""
    done: list[bytes] = []
    lanes = Lanes(parts.redis, lock_ms=50)

    def work(entries: list[Entry]) -> Iterator[list[bytes]]:
        assert lanes.empty(LANE, lambda entries: one_by_one(done, entries)) is Left.TAKEN
        eventually(lambda: not parts.redis.exists(keys.lane_lock(LANE)))
        parts.redis.set(keys.lane_lock(LANE), "another")
        yield from one_by_one(done, entries)

    fill(parts, "1", "2")
    assert lanes.empty(LANE, work) is Left.NOTHING
    assert done == [b"1"] and parts.redis.xlen(LANE) == 1


def test_work_that_fails(parts: House) -> None:
    """What is done is done; the rest stays, and is free at once."""
    done: list[bytes] = []
    lanes = Lanes(parts.redis, lock_ms=60_000)

    def work(entries: list[Entry]) -> Iterator[list[bytes]]:
        yield [entries[0][0]]
        raise ValueError

    fill(parts, "1", "2")
    with pytest.raises(ValueError):
        lanes.empty(LANE, work)
    assert lanes.empty(LANE, lambda entries: one_by_one(done, entries)) and done == [b"2"]


def test_what_comes_soon_is_gathered(parts: House) -> None:
    """With a linger the second look comes later, and finds all that came meanwhile."""
    seen: list[int] = []
    lanes = Lanes(parts.redis, lock_ms=60_000, linger=0.05)

    def work(entries: list[Entry]) -> Iterator[list[bytes]]:
        seen.append(len(entries))
        if len(seen) == 1:
            fill(parts, "2", "3")
        yield [id for id, _ in entries]

    fill(parts, "1")
    began = time.monotonic()
    assert lanes.empty(LANE, work) is Left.NOTHING
    assert seen == [1, 2] and time.monotonic() - began >= 0.1

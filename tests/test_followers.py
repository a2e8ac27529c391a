"""A stream is followed in its order, by one at a time, whatever dies or is away meanwhile."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from support.waiting import eventually
from warest import followers, keys
from warest.config.house import House
from warest.errors import DriverError
from warest.followers import Entry, Follower
from warest.ids import new_ulid

STREAM = "warest:test"

Start = Callable[..., Follower]


class Record:
    """Writes down what it is given; it can be away, and one entry can be poison to it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.batches: list[int] = []
        self.away = False
        self.poison = b""

    def work(self, entries: list[Entry]) -> None:
        if self.away:
            raise DriverError("away")
        if any(fields[b"n"] == self.poison for _, fields in entries):
            raise ValueError("poison")
        self.batches.append(len(entries))
        self.entries += entries

    def last(self) -> str:
        return self.entries[-1][0] if self.entries else "0-0"

    @property
    def numbers(self) -> list[int]:
        return [int(fields[b"n"]) for _, fields in self.entries]


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def start(parts: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(followers, "PAUSE", 0.05)
    monkeypatch.setattr(followers, "BLOCK_MS", 50)
    running: list[Follower] = []

    def one(record: Record, *, keeps: bool = True) -> Follower:
        follower = Follower(parts.redis, STREAM, record.work, since=record.last if keeps else None)
        follower.start()
        running.append(follower)
        return follower

    yield one
    for follower in running:
        follower.stop(5_000)


def tell(parts: House, *numbers: int) -> None:
    with parts.redis.pipeline(transaction=False) as pipe:
        for number in numbers:
            pipe.xadd(STREAM, {"n": number})
        pipe.execute()


def seen(record: Record, count: int) -> list[int]:
    eventually(lambda: len(record.entries) >= count, what=f"{count} entries")
    return record.numbers


def test_everything_in_order(parts: House, record: Record, start: Start) -> None:
    """What was there before and what comes, many at a time."""
    tell(parts, *range(1_200))
    start(record)
    assert seen(record, 1_200) == list(range(1_200)) and record.batches == [500, 500, 200]
    tell(parts, 1_200, 1_201)
    assert seen(record, 1_202)[-2:] == [1_200, 1_201] and parts.redis.xlen(STREAM) == 1_202


def test_entries_that_are_done_with(parts: House, record: Record, start: Start) -> None:
    """Are deleted, where nobody else reads them."""
    tell(parts, 1, 2)
    start(record, keeps=False)
    seen(record, 2)
    tell(parts, 3)
    assert seen(record, 3) == [1, 2, 3]
    eventually(lambda: parts.redis.xlen(STREAM) == 0)


def test_one_of_many_is_at_it(parts: House, record: Record, start: Start) -> None:
    """Another goes on as soon as it has stopped."""
    first, *_ = [start(record) for _ in range(4)]
    tell(parts, *range(50))
    seen(record, 50)
    first.stop(5_000)
    tell(parts, *range(50, 100))
    assert seen(record, 100) == list(range(100))


def test_a_holder_that_died(parts: House, record: Record, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is waited for as long as its lock lasts."""
    parts.redis.set(keys.follower(STREAM), new_ulid(), px=300)
    tell(parts, 1)
    start(record)
    assert not record.entries and seen(record, 1) == [1]


def test_a_holder_that_was_frozen(parts: House, record: Record, start: Start) -> None:
    """Notices that another one has taken its turn, and waits for its own."""
    numbers = iter(range(1_000))

    def leaves_it() -> bool:
        tell(parts, number := next(numbers))
        with contextlib.suppress(AssertionError):
            return not eventually(lambda: number in record.numbers, within=0.3)
        return True

    start(record)
    assert not leaves_it()
    parts.redis.set(keys.follower(STREAM), new_ulid())
    eventually(leaves_it)
    parts.redis.delete(keys.follower(STREAM))
    last = next(numbers)
    tell(parts, last)
    assert seen(record, last + 1) == list(range(last + 1))


def test_a_record_that_is_away(parts: House, record: Record, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Everything waits, and goes on by itself; the log says why."""
    record.away = True
    start(record)
    tell(parts, 1, 2)
    eventually(lambda: caplog.text.count("not written down") >= 2)
    tell(parts, 3)
    record.away = False
    assert seen(record, 3) == [1, 2, 3]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_poisonous_entry(parts: House, record: Record, start: Start, keeps: bool) -> None:
    """Is passed over, and holds nobody up."""
    record.poison = b"2"
    tell(parts, 1, 2, 3)
    start(record, keeps=keeps)
    assert seen(record, 2) == [1, 3]
    tell(parts, 4)
    assert seen(record, 3) == [1, 3, 4]


def test_a_record_that_goes_back(parts: House, record: Record, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """As a database does that is restored: after any trouble the record itself says what it has."""
    tell(parts, 1, 2, 3)
    start(record)
    seen(record, 3)
    record.away = True
    tell(parts, 4)
    eventually(lambda: "not written down" in caplog.text)
    del record.entries[1:]
    record.away = False
    assert seen(record, 4) == [1, 2, 3, 4]


def test_a_redis_that_was_emptied(parts: House, record: Record, start: Start) -> None:
    """What comes then is written down; ids are not given out twice, also when the clock is behind."""
    ahead = "9000000000000-5"
    parts.redis.xadd(STREAM, {"n": 1}, id=ahead)
    start(record)
    seen(record, 1)
    parts.redis.flushdb()
    eventually(lambda: parts.redis.exists(STREAM), what="the stream to go on")
    assert parts.redis.xlen(STREAM) == 0
    tell(parts, 2)
    assert seen(record, 2) == [1, 2] and record.entries[-1][0] > ahead


def test_a_connection_that_breaks(parts: House, record: Record, start: Start) -> None:
    """Nothing is lost, nothing comes twice."""
    start(record)
    tell(parts, 1)
    seen(record, 1)
    parts.redis.client_kill_filter(skipme=True)
    tell(parts, 2)
    assert seen(record, 2) == [1, 2]


def test_it_stops_soon(parts: House, record: Record, start: Start) -> None:
    """Also when nothing comes; then its turn is free."""
    follower = start(record)
    eventually(lambda: parts.redis.exists(keys.follower(STREAM)))
    follower.stop(2_000)
    assert not [thread for thread in threading.enumerate() if thread.name == f"follower of {STREAM}"]
    assert not parts.redis.exists(keys.follower(STREAM))


def test_an_idle_one_asks_rarely(parts: House, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands for each wait in one."""
    follower = Follower(parts.redis, STREAM, record.work, since=record.last)
    follower.start()
    eventually(lambda: parts.redis.exists(keys.follower(STREAM)))
    before = commands(parts.redis)
    eventually(lambda: reads(parts.redis) >= 3)
    follower.stop(5_000)
    assert commands(parts.redis) - before < 60


def commands(client: "redis.Redis") -> int:
    told: Any = client.info("stats")
    return int(told["total_commands_processed"])


def reads(client: "redis.Redis") -> int:
    told: Any = client.info("commandstats")
    return int(told.get("cmdstat_xread", {}).get("calls", 0))

"""Whoever reads page by page gets everything once and in order, wherever it lies and whatever happens meanwhile."""

import threading
from collections.abc import Iterator

import pytest

from support.waiting import eventually
from warest import bus as buses
from warest import chronicle as chronicles
from warest import events, followers, ids, keys
from warest.actors import event_log
from warest.chronicle import Chronicle, Found, Wanted
from warest.config.house import House
from warest.errors import DriverError
from warest.followers import Follower
from warest.store import Store

ALL = Wanted("admin")


@pytest.fixture
def chronicle(parts: House, opened: Store) -> Chronicle:
    return Chronicle(parts.redis, opened.events)


@pytest.fixture
def following(parts: House, opened: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    """Events are written down, at once."""
    for name, value in (("BLOCK_MS", 50), ("PAUSE", 0.05), ("LINGER", 0)):
        monkeypatch.setattr(followers, name, value)
    follower = event_log.follower(parts, opened)
    follower.start()
    yield follower
    follower.stop(5_000)


def publish(parts: House, *numbers: int, who: str = "admin", session: str = "s", kept: int = 100_000) -> None:
    bus = buses.Bus(parts.broker, parts.redis, parts.leases, events_kept=kept)
    identity = events.SessionIdentity(f"01{session}", session, session, who, who)
    for number in numbers:
        name = events.CALL if number % 2 else events.CREDS_UPDATE
        event = events.make(identity, name, {"n": number}, event_id=f"evt_{number}", ts_ms=number)
        assert bus.publish(identity, event)


def told(found: Found) -> list[int]:
    return [row.ts_ms for row in found.rows]


def everything(chronicle: Chronicle, wanted: Wanted = ALL, *, limit: int = 7, cursor: int = 0) -> list[int]:
    """All pages."""
    numbers: list[int] = []
    while True:
        found = chronicle.after(cursor, wanted, limit)
        assert len(found.rows) <= limit and found.reached >= cursor
        numbers, cursor = numbers + told(found), found.reached
        if not found.has_more:
            return numbers


def written(opened: Store, parts: House) -> None:
    """All that was published is in the database."""
    newest = parts.redis.xrevrange(keys.EVENTS, count=1)[0][0].decode()  # type: ignore[index,union-attr]
    eventually(lambda: opened.events.last() == ids.cursor_number(newest))


def test_nothing_has_happened(chronicle: Chronicle) -> None:
    assert chronicle.after(0, ALL, 9) == Found([], 0, False) and chronicle.end() == 0
    assert chronicle.get("admin", "evt_1") is None


def test_from_the_stream_alone(parts: House, chronicle: Chronicle) -> None:
    """At once, also when nothing has been written down."""
    publish(parts, *range(20))
    assert everything(chronicle) == list(range(20))
    first = chronicle.after(0, ALL, 1)
    assert first.has_more and first.rows[0].event_id == "evt_0"
    assert everything(chronicle, cursor=first.reached) == list(range(1, 20))
    assert everything(chronicle, cursor=chronicle.end()) == []
    publish(parts, 20)
    assert everything(chronicle, cursor=chronicle.after(0, ALL, 20).reached) == [20]


def test_a_full_page_at_the_end(parts: House, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has nothing more; one that ends with a step may have."""
    publish(parts, *range(4))
    assert not chronicle.after(0, ALL, 4).has_more and chronicle.after(0, ALL, 3).has_more
    monkeypatch.setattr(chronicles, "STEP", 4)
    found = chronicle.after(0, ALL, 4)
    assert found.has_more and chronicle.after(found.reached, ALL, 4) == Found([], found.reached, False)


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("gone", [1, 5, 19, 20])
def test_across_the_seam(parts: House, opened: Store, chronicle: Chronicle, gone: int) -> None:
    """Older ones from the database, whatever the stream has left; by the same cursors."""
    publish(parts, *range(20))
    cursors = [row.id for row in chronicle.after(0, ALL, 20).rows]
    written(opened, parts)
    parts.redis.xtrim(keys.EVENTS, maxlen=20 - gone, approximate=False)
    assert everything(chronicle, limit=3) == everything(chronicle, limit=500) == list(range(20))
    for number, cursor in enumerate(cursors):
        assert everything(chronicle, cursor=cursor) == list(range(number + 1, 20))
    assert chronicle.end() == cursors[-1]


@pytest.mark.usefixtures("following")
def test_a_redis_that_was_emptied(parts: House, opened: Store, chronicle: Chronicle) -> None:
    """What was written down is there, and what comes then follows it."""
    publish(parts, *range(5))
    written(opened, parts)
    end = chronicle.end()
    parts.redis.flushdb()
    assert everything(chronicle) == list(range(5)) and chronicle.end() == end
    assert chronicle.after(end, ALL, 9) == Found([], end, False)
    publish(parts, *range(5, 8))
    assert everything(chronicle) == list(range(8)) and everything(chronicle, cursor=end) == [5, 6, 7]


@pytest.mark.usefixtures("following")
def test_while_events_flow(parts: House, opened: Store, chronicle: Chronicle) -> None:
    """And the stream is cut behind the reader, who sometimes sleeps: no gap, and nothing twice."""
    writer = threading.Thread(target=lambda: publish(parts, *range(4_000), kept=1_000))
    writer.start()
    slow: list[int] = []
    cursor = 0
    while len(slow) < 4_000:
        found = chronicle.after(cursor, ALL, 11)
        slow, cursor = slow + told(found), found.reached
        assert slow[-11:] == list(range(len(slow)))[-11:]
    writer.join()
    assert slow == list(range(4_000)) and int(parts.redis.xlen(keys.EVENTS)) < 2_000
    written(opened, parts)
    assert everything(chronicle, limit=500) == slow


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("trimmed", [False, True])
def test_what_is_wanted(parts: House, opened: Store, chronicle: Chronicle, trimmed: bool) -> None:
    """Own events, of some sessions, of some types; where they lie makes no difference."""
    publish(parts, 1, 2, session="one")
    publish(parts, 3, 4, who="other", session="two")
    publish(parts, 5, 6, session="three")
    written(opened, parts)
    if trimmed:
        parts.redis.xtrim(keys.EVENTS, maxlen=0)
    assert everything(chronicle) == [1, 2, 5, 6] and everything(chronicle, Wanted("other")) == [3, 4]
    assert everything(chronicle, Wanted("admin", frozenset({"one", "two"}))) == [1, 2]
    assert everything(chronicle, Wanted("admin", types=frozenset({events.CALL}))) == [1, 5]
    assert everything(chronicle, Wanted("nobody")) == []
    found = chronicle.get("admin", "evt_1")
    assert found and found.session == "one" and chronicle.get("other", "evt_1") is None


def test_a_search_in_vain(parts: House, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at so many events at a time, and moves on."""
    monkeypatch.setattr(chronicles, "STEP", 5)
    monkeypatch.setattr(chronicles, "LOOKED_AT", 10)
    publish(parts, *range(0, 50, 2), 51)
    wanted = Wanted("admin", types=frozenset({events.CALL}))
    first = chronicle.after(0, wanted, 9)
    assert (first.rows, first.has_more) == ([], True) and first.reached > 0
    assert everything(chronicle, wanted) == [51]


def test_one_that_is_not_written_down_yet(parts: House, chronicle: Chronicle) -> None:
    """Is found all the same."""
    publish(parts, 1, 2)
    found = chronicle.get("admin", "evt_2")
    assert found and found.ts_ms == 2 and chronicle.get("other", "evt_2") is None


def test_waiting(parts: House, chronicle: Chronicle) -> None:
    """Ends with the next event."""
    threading.Timer(0.1, lambda: publish(parts, 1)).start()
    chronicle.wait(0, 20_000)
    assert told(chronicle.after(0, ALL, 9)) == [1]
    chronicle.wait(chronicle.end(), 10)


def test_out_of_reach(parts: House, opened: Store) -> None:
    """One kind of error, whatever is away."""
    parts.redis.set(keys.EVENTS, "in the way")
    with pytest.raises(DriverError):
        Chronicle(parts.redis, opened.events).after(0, ALL, 1)

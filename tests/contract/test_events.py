"""The record of all events, the same on every database."""

import time
from typing import Any

import pytest

from support import databases
from support.threads import at_once
from warest import ids, store
from warest.store import Account, EventRecord, Store
from warest.store import events as events_module


def record(number: int, **changes: Any) -> EventRecord:
    told: dict[str, Any] = {
        "id": number,
        "event_id": f"evt_{number}",
        "session": "session",
        "registry": "admin",
        "event": "message_received",
        "ts_ms": number % 1_000,
        "body": f'{{"number":{number}}}',
    }
    return EventRecord(**told | changes)


def numbers(opened: Store, registry: str = "admin", **wanted: Any) -> list[int]:
    return [row.id for row in opened.events.page(registry, **{"after": 0, "limit": 9_999} | wanted).rows]


def test_what_was_written_down(opened: Store) -> None:
    """Comes back as it was, the first time and the second; the newest id is known."""
    assert opened.events.last() == 0
    rows = [record(2**62 + 1, body='{"text":"\U0001f600 é"}'), record(2**62 + 5)]
    for _ in range(2):
        opened.events.add(rows)
    opened.events.add([])
    assert opened.events.page("admin", after=0, limit=9).rows == rows
    assert opened.events.get("admin", rows[0].event_id) == rows[0]
    assert opened.events.body_of(rows[1].id) == rows[1].body and opened.events.body_of(1) is None
    assert opened.events.last() == 2**62 + 5


def test_only_what_follows_is_added(opened: Store) -> None:
    """A holder of the turn that had been frozen brings nothing back that has been deleted since."""
    opened.events.add([record(5), record(6)])
    opened.events.erase_session("admin", "session")
    opened.events.add([record(5), record(6), record(7)])
    assert numbers(opened) == [7] and opened.events.last() == 7


def test_a_cursor_that_is_lost(opened: Store, database: store.Database) -> None:
    """Whoever empties that table by hand begins anew."""
    databases.execute(database, "delete from stream_cursors")
    assert opened.events.last() == 0
    opened.events.add([record(5)])
    assert numbers(opened) == [5] and opened.events.last() == 5


def test_many_writers(opened: Store) -> None:
    """Take turns; nothing is there twice."""
    rows = [record(number) for number in range(1, 1_200)]
    assert at_once(lambda: opened.events.add(rows)) == [None] * 8
    assert numbers(opened) == list(range(1, 1_200))


def test_large_bodies(opened: Store) -> None:
    """More than a database takes in one statement."""
    rows = [record(number, body="\U0001f600" * 900_000) for number in range(1, 9)]
    opened.events.add(rows)
    assert opened.events.body_of(8) == rows[-1].body and numbers(opened) == list(range(1, 9))


def test_what_no_column_can_hold(opened: Store) -> None:
    """Costs nobody anything."""
    opened.events.add([record(1, body="\0", ts_ms=2**63), record(2, ts_ms=-1)])
    assert [row.ts_ms for row in opened.events.page("admin", after=0, limit=9).rows] == [2**53, 0]


def test_pages(opened: Store) -> None:
    """One after the other, each says where to go on."""
    opened.events.add([record(number) for number in range(1, 8)])
    seen: list[int] = []
    reached: int | None = 0
    while reached is not None:
        scan = opened.events.page("admin", after=reached, limit=3)
        seen += [row.id for row in scan.rows]
        reached = scan.reached
    assert seen == list(range(1, 8))
    assert numbers(opened, after=2, before=5) == [3, 4]


def test_filters(opened: Store) -> None:
    """Own events only; of some sessions, of some types."""
    for number in range(1, 13):
        session, event = ("one", "two", "three")[number % 3], ("call", "open")[number % 2]
        opened.events.add([record(number, session=session, event=event, registry="admin" if number < 11 else "other")])
    assert numbers(opened, "other") == [11, 12] and numbers(opened, "nobody") == []
    assert numbers(opened, sessions=["one"]) == [3, 6, 9]
    assert numbers(opened, sessions=["one", "two"], types=["call"]) == [4, 6, 10]
    assert numbers(opened, sessions=["ONE"]) == numbers(opened, types=["x" * 5_000, "\0"]) == []
    assert opened.events.get("other", "evt_1") is None and opened.events.get("admin", "\0" * 999) is None


def test_what_is_rare_is_looked_for_in_steps(opened: Store) -> None:
    """A page looks at so many events of the owner; the next one goes on there."""
    opened.events.add([record(number, event="rare" if number == 25 else "often") for number in range(1, 31)])
    first = opened.events.page("admin", after=0, limit=9, types=["rare"], budget=10)
    assert (first.rows, first.reached) == ([], 10)
    third = opened.events.page("admin", after=20, limit=9, types=["rare"], budget=10)
    assert [row.id for row in third.rows] == [25] and third.reached == 30
    assert opened.events.page("admin", after=30, limit=9, types=["rare"], budget=10).reached is None


def test_pruning(opened: Store) -> None:
    """By the time in the id, some at a time; the newest id stays known."""
    now = time.time_ns() // 1_000_000
    opened.events.add([record(ids.cursor_at(now - 10_000) + number) for number in range(5)])
    opened.events.add([record(ids.cursor_at(now))])
    assert opened.events.prune(now - 10_000) == 0
    assert [opened.events.prune(now, 3) for _ in range(3)] == [3, 2, 0]
    assert numbers(opened) == [ids.cursor_at(now)]
    opened.events.prune(now + 1)
    assert opened.events.last() == ids.cursor_at(now) and numbers(opened) == []


def test_a_deleted_session_leaves_none(opened: Store, admin: Account, session: str) -> None:
    """Of its own; another owner's of the same name, from before, stay."""
    opened.events.add([record(1), record(2, session="else"), record(3, registry="other")])
    opened.delete_session(admin, session)
    assert numbers(opened) == [2] and numbers(opened, "other") == [3]


def test_an_insert_that_fails(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is there, and it can be done again."""
    rows = [record(number, body="x" * 600_000) for number in range(1, 4)]
    with monkeypatch.context() as patched:
        portions = iter([[rows[0]]])

        def broken(_: object) -> Any:
            yield next(portions)
            raise RuntimeError

        patched.setattr(events_module, "_portions", broken)
        with pytest.raises(RuntimeError):
            opened.events.add(rows)
    assert numbers(opened) == [] and opened.events.last() == 0
    opened.events.add(rows)
    assert numbers(opened) == [1, 2, 3]

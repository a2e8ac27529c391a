"""Every event of the public stream is in the database before long, as it was published, and old ones go."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from support.waiting import eventually
from warest import events, followers, ids, keys
from warest.actors import event_log, maintenance
from warest.config.house import House
from warest.config.settings import Settings
from warest.ids import new_ulid
from warest.store import EventRecord, Store

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my.session", "admin", "admin")


@pytest.fixture
def following(parts: House, opened: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[followers.Follower]:
    monkeypatch.setattr(followers, "BLOCK_MS", 50)
    monkeypatch.setattr(followers, "PAUSE", 0.05)
    follower = event_log.follower(parts, opened)
    follower.start()
    yield follower
    follower.stop(5_000)


def publish(parts: House, *numbers: int) -> None:
    for number in numbers:
        event = events.make(IDENTITY, events.CALL, {"n": number}, event_id=f"evt_{number}", ts_ms=number)
        assert parts.bus.publish(IDENTITY, event)


def entries(parts: House) -> Any:
    return parts.redis.xrange(keys.EVENTS)


def recorded(opened: Store) -> list[EventRecord]:
    return opened.events.page("admin", after=0, limit=99_999).rows


@pytest.mark.usefixtures("following")
def test_an_event_is_recorded_as_it_was_published(parts: House, opened: Store) -> None:
    """With its cursor, its owner and the very bytes of its body."""
    publish(parts, 1)
    (row,) = eventually(lambda: recorded(opened))
    [(cursor, fields)] = entries(parts)
    assert ids.cursor_text(row.id) == cursor.decode() and row.body.encode() == fields[b"body"]
    assert (row.event_id, row.session, row.registry, row.event, row.ts_ms) == (
        "evt_1",
        "my.session",
        "admin",
        "call",
        1,
    )


@pytest.mark.usefixtures("following")
def test_a_locked_database_is_waited_for(parts: House, opened: Store, settings: Settings) -> None:
    """Everything is there afterwards, in order and once."""
    publish(parts, *range(20))
    with closing(sqlite3.connect(settings.sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        publish(parts, *range(20, 40))
        assert len(recorded(opened)) < 40
    eventually(lambda: len(recorded(opened)) == 40)
    assert [row.event_id for row in recorded(opened)] == [f"evt_{number}" for number in range(40)]


@pytest.mark.usefixtures("following")
def test_an_entry_of_somebody_else(parts: House, opened: Store) -> None:
    """Is passed over; one without an owner is nobody's."""
    odd = {"id": "evt_x", "event": "call", "session": "s", "ts": 1, "body": "{}"}
    parts.redis.xadd(keys.EVENTS, odd, id="9-9999999")  # type: ignore[arg-type]
    parts.redis.xadd(keys.EVENTS, {"what": "is this"})
    parts.redis.xadd(keys.EVENTS, {"id": "evt_0", "event": "call", "session": "s", "ts": 1, "body": "{}"})
    publish(parts, 1)
    assert [row.event_id for row in eventually(lambda: recorded(opened))] == ["evt_1"]
    assert opened.events.get("", "evt_0")


def test_old_events_go(parts: House, opened: Store, files: object) -> None:
    """All of them in one round; those that are younger stay."""
    now, day = time.time_ns() // 1_000_000, 86_400_000
    ages = [*range(2_500, 0, -1), -day]
    rows = [_record(ids.cursor_at(now - 2 * day - age) + 1) for age in ages]
    opened.events.add(rows)
    maintenance.declare(parts, event_log.OldEvents(opened, days=2))
    parts.broker.get_actor("sweep_spool").fn(new_ulid())
    assert [row.id for row in recorded(opened)] == [rows[-1].id]


def _record(id: int) -> EventRecord:
    return EventRecord(id=id, event_id="e", session="s", registry="admin", event="call", ts_ms=0, body="{}")

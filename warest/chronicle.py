"""All that has happened, in its order: the recent part from the Redis stream, what lies before that from the database.

A cursor is the id of an entry of the stream, in both: here as a number (ids.cursor_number). Whoever goes on from the
cursor that he was given last misses nothing and gets nothing twice, as long as events are kept: the stream is asked for
its beginning and for what follows in one transaction, so that nothing can fall out of it in between, and what lies
before its beginning has long been written down (actors/event_log.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from warest import ids, keys
from warest.errors import DriverError
from warest.store.events import EventRecord, Events

#: Entries of the stream that are fetched together, and that one page looks at, wanted or not.
STEP, LOOKED_AT = 100, 2_000

Fields = dict[bytes, bytes]

#: The number of a cursor, and what stands there.
Entry = tuple[int, Fields]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose events, and which of them: no sessions, or no types, are all of them."""

    registry: str
    sessions: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def fits(self, fields: Fields) -> bool:
        return (
            fields.get(b"registry", b"").decode() == self.registry
            and (not self.sessions or fields[b"session"].decode() in self.sessions)
            and (not self.types or fields[b"event"].decode() in self.types)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Events, the oldest first. `reached` is where to go on; `has_more`: at once, for there may be more already."""

    rows: list[EventRecord]
    reached: int
    has_more: bool


class Chronicle:
    """Raises DriverError when Redis or the database is out of reach."""

    def __init__(self, client: "redis.Redis", events: Events) -> None:
        self._redis = client
        self._events = events

    def end(self) -> int:
        """The cursor of the newest event."""
        newest = self._asked(lambda: self._redis.xrevrange(keys.EVENTS, count=1))
        return max([self._events.last(), *(_number(entry) for entry, _ in newest)])

    def after(self, cursor: int, wanted: Wanted, limit: int) -> Found:
        """The next events after a cursor. Without any, `reached` has moved on past those that were not wanted."""
        rows: list[EventRecord] = []
        looked_at = 0
        while True:
            begin, entries = self._recent(cursor)
            if begin is None or cursor < begin - 1:
                part = self._older(cursor, begin, wanted, limit - len(rows))
                is_enough = begin is None or part.has_more
            else:
                part = _chosen(entries, cursor, wanted, limit - len(rows))
                looked_at += len(entries)
                is_enough = not part.has_more or looked_at >= LOOKED_AT
            rows, cursor = rows + part.rows, part.reached
            if is_enough or len(rows) == limit:
                return Found(rows, cursor, part.has_more)

    def wait(self, cursor: int, ms: int) -> None:
        """Until anything at all has happened after the cursor, but not longer."""
        self._asked(lambda: self._redis.xread({keys.EVENTS: ids.cursor_text(cursor)}, count=1, block=ms))

    def get(self, registry: str, event_id: str) -> EventRecord | None:
        """One event by its eventId."""
        return self._events.get(registry, event_id) or next(self._unwritten(registry, event_id), None)

    def _unwritten(self, registry: str, event_id: str) -> Iterator[EventRecord]:
        found = self.after(self._events.last(), Wanted(registry), LOOKED_AT)
        return (row for row in found.rows if row.event_id == event_id)

    def _older(self, cursor: int, begin: int | None, wanted: Wanted, limit: int) -> Found:
        """What lies before the beginning of the stream. Of a stream that is empty, that is all."""
        end = self._events.last() + 1 if begin is None else begin
        asked: dict[str, Any] = {"sessions": wanted.sessions, "types": wanted.types, "limit": limit}
        scan = self._events.page(wanted.registry, after=cursor, before=end, **asked)
        reached = max(cursor, end - 1) if scan.reached is None else scan.reached
        return Found(scan.rows, reached, scan.reached is not None)

    def _recent(self, cursor: int) -> tuple[int | None, list[Entry]]:
        """The oldest id in the stream, and the entries that follow the cursor."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrange(keys.EVENTS, count=1)
            pipe.xrange(keys.EVENTS, f"({ids.cursor_text(cursor)}", count=STEP)
            first, entries = self._asked(pipe.execute)
        return (_number(first[0][0]) if first else None), [(_number(id), fields) for id, fields in entries]

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except redis.RedisError as error:
            raise DriverError(f"The events are out of reach, Redis said: {error}") from error


def record_of(id: int, fields: Fields) -> EventRecord:
    """An entry of the stream. What was published before its owner stood in it is nobody's."""
    return EventRecord(
        id=id,
        event_id=fields[b"id"].decode(),
        session=fields[b"session"].decode(),
        registry=fields.get(b"registry", b"").decode(),
        event=fields[b"event"].decode(),
        ts_ms=int(fields[b"ts"]),
        body=fields[b"body"].decode(),
    )


def _chosen(entries: list[Entry], cursor: int, wanted: Wanted, limit: int) -> Found:
    """Those that are wanted; a step that is full, or was not needed to its end, has more behind it."""
    rows: list[EventRecord] = []
    for at, (cursor, fields) in enumerate(entries, 1):
        if wanted.fits(fields):
            rows.append(record_of(cursor, fields))
        if len(rows) == limit:
            return Found(rows, cursor, at < len(entries) or at == STEP)
    return Found(rows, cursor, len(entries) == STEP)


def _number(entry: bytes) -> int:
    return ids.cursor_number(entry.decode())

"""The queries about events: the record of all that happened, under the ids of the Redis stream that had it first."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pony.orm import desc, select

from warest import entities, ids, keys
from warest.store import fitting, sql
from warest.store.noun import Noun
from warest.store.schema import transaction

#: Events that one page looks at, wanted or not, so that a rare word does not read the whole record.
LOOKED_AT = 10_000

#: Characters of the bodies in one INSERT. MySQL takes 4 MB at least, in which each may become four bytes.
_LARGEST = 1_000_000

_COLUMNS = ("id", "event_id", "session", "registry", "event", "ts_ms", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event. `id` is its cursor as a number (ids.cursor_number), `session` the public id, `body` the JSON that
    a webhook gets."""

    id: int
    event_id: str
    session: str
    registry: str
    event: str
    ts_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found, oldest first. `reached` is up to where, if there is more to look at; None: nothing is."""

    rows: list[EventRecord]
    reached: int | None


class Events(Noun):
    def add(self, rows: Sequence[EventRecord]) -> None:
        """Write down what follows, in the order of the ids. What lies behind the newest id is known, and passed over.

        Whoever writes at the same time waits: there is never a gap below the newest id.
        """
        with transaction():
            cursor = self._entities.StreamCursor.get_for_update(stream=keys.EVENTS)
            cursor = cursor or self._entities.StreamCursor(stream=keys.EVENTS, id=0)
            new = [row for row in rows if row.id > cursor.id]
            for some in _portions(new):
                sql.insert(self._entities.db, "events", [_columns(row) for row in some])
            if new:
                cursor.id = new[-1].id

    def last(self) -> int:
        """The newest id that was ever written down, though that event may have been deleted since; 0: none."""
        with transaction():
            cursor = self._entities.StreamCursor.get(stream=keys.EVENTS)
            return cursor.id if cursor else 0

    def page(
        self,
        registry: str,
        *,
        after: int,
        limit: int,
        before: int | None = None,
        sessions: Collection[str] = (),
        types: Collection[str] = (),
        budget: int = LOOKED_AT,
    ) -> Scan:
        """The events of an owner between two ids, of some sessions and types or all."""
        with transaction():
            rows = self._entities.Event.select(lambda row: row.registry == registry and row.id > after)
            if before is not None:
                rows = rows.filter(lambda row: row.id < before)
            last = next(iter(select(row.id for row in rows).order_by(1)[budget - 1 : budget]), None)
            if last is not None:
                rows = rows.filter(lambda row: row.id <= last)
            found = self._page(rows, sessions, types, limit)
        return Scan(found, found[-1].id if len(found) == limit else last)

    def _page(self, rows: Any, sessions: Collection[str], types: Collection[str], limit: int) -> list[EventRecord]:
        if sessions:
            named = [fitting.key(name) for name in sessions]
            rows = rows.filter(lambda row: row.session in named)
        if types:
            wanted = [fitting.key(name) for name in types]
            rows = rows.filter(lambda row: row.event in wanted)
        return [_record(row) for row in rows.order_by(self._entities.Event.id).limit(limit)]

    def get(self, registry: str, event_id: str) -> EventRecord | None:
        """By its eventId; of two the newer."""
        with transaction():
            rows = self._entities.Event.select(lambda row: row.registry == registry)
            sought = fitting.key(event_id)
            row = rows.filter(lambda row: row.event_id == sought).order_by(lambda row: desc(row.id)).first()
            return _record(row) if row else None

    def body_of(self, id: int) -> str | None:
        """For the house itself; None: it has not been written down yet, or is no longer kept."""
        with transaction():
            row = self._entities.Event.get(id=id)
            return row.body if row else None

    def prune(self, before_ms: int, limit: int = sql.BATCH) -> int:
        """Delete some of those from before then (epoch ms); returns how many, fewer than `limit`: none are left."""
        return sql.erase(self._entities.db, "events", "id < ?", [ids.cursor_at(before_ms)], limit)

    def erase_session(self, registry: str, session: str) -> None:
        """Delete all that a session has ever told."""
        sql.erase_all(self._entities.db, "events", "registry = ? AND session = ?", [registry, session])


def _portions(rows: Sequence[EventRecord]) -> Iterator[list[EventRecord]]:
    """None is too large for one statement."""
    portion: list[EventRecord] = []
    size = 0
    for row in rows:
        if portion and size + len(row.body) > _LARGEST:
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += len(row.body)
    yield portion


def _columns(row: EventRecord) -> dict[str, Any]:
    fit = {"ts_ms": fitting.seconds(row.ts_ms), "body": fitting.text(row.body)}
    return {name: getattr(row, name) for name in _COLUMNS} | fit


def _record(row: entities.Row) -> EventRecord:
    return EventRecord(**{name: getattr(row, name) for name in _COLUMNS})

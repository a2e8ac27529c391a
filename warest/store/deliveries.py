"""The queries about deliveries and their attempts: the log of what went where, and what is sent again from it."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from pony.orm import desc

from warest import entities
from warest.errors import NotFound
from warest.store import fitting, sql
from warest.store.endpoints import ENABLED
from warest.store.noun import Noun, of_owner, where
from warest.store.records import Account, Log
from warest.store.schema import transaction
from warest.store.webhook_records import Attempt, DeliveryRecord, Note

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"

#: What an attempt changes of its delivery.
_CHANGING = ("state", "tries", "next_attempt_at", "status_code", "error", "updated_at")

#: How much of an answer is kept, characters.
EXCERPT = 1_000


class Deliveries(Noun):
    def write(self, notes: Sequence[Note]) -> None:
        """Keep what has happened, in its order, all or nothing.

        Told again, it is known: an attempt counts once, and what has been noted before is not undone by a note without
        one.
        """
        with transaction():
            ids = {note.delivery for note in notes}
            known = self._known(ids)
            attempts = self._numbers(known)
            rows = dict(known)
            for note in notes:
                if note.delivery not in rows:
                    rows[note.delivery] = _new(note)
                elif note.attempt is None or (note.delivery, note.attempt.number) in attempts:
                    continue
                if note.attempt:
                    attempts[note.delivery, note.attempt.number] = _attempt_row(note.delivery, note.attempt)
                    rows[note.delivery] = _after(rows[note.delivery], note, note.attempt)
            self._keep(rows, known)
            sql.insert(self._entities.db, "attempts", [row for row in attempts.values() if row])

    def get(self, owner: Account, id: str) -> DeliveryRecord | None:
        with transaction():
            row = self._mine(self._entities.Delivery, owner, id)
            return _delivery(row) if row else None

    def pending(self, id: str) -> DeliveryRecord | None:
        """One that waits for an attempt, whoever asks."""
        with transaction():
            row = self._entities.Delivery.get(id=id, state=PENDING)
            return _delivery(row) if row else None

    def attempts(self, owner: Account, id: str) -> list[Attempt]:
        """In their order."""
        with transaction():
            if self._mine(self._entities.Delivery, owner, id) is None:
                return []
            rows = self._entities.Attempt.select(lambda row: row.delivery == id)
            return [_attempt(row) for row in rows.order_by(self._entities.Attempt.number)]

    def log(
        self,
        owner: Account,
        *,
        session: str | None = None,
        endpoint: str | None = None,
        event: str | None = None,
        event_id: str | None = None,
        state: str | None = None,
        since: float | None = None,
        until: float | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Log[DeliveryRecord]:
        """The newest first. Dead letters are those whose `state` is dead."""
        wanted = {"session": session, "endpoint": endpoint, "event": event, "event_id": event_id, "state": state}
        with transaction():
            query = of_owner(self._entities.Delivery.select(), owner)
            for name, value in wanted.items():
                query = query if value is None else where(query, name, value)
            if since is not None:
                query = query.filter(lambda row: row.created_at >= since)
            if until is not None:
                query = query.filter(lambda row: row.created_at <= until)
            return log_of(query, self._entities.Delivery.id, cursor, limit, _delivery)

    def order(self, notes: Sequence[Note]) -> None:
        """Have these go out now, whether they ever did or not."""
        self.write(notes)
        for portion in fitting.portions(notes):
            self._set_due([each.delivery for each in portion], time.time())

    def redrive(self, owner: Account, id: str) -> DeliveryRecord:
        """Make it pending again, to go out at once. Raises NotFound when it is not the owner's."""
        with transaction():
            row = self._mine(self._entities.Delivery, owner, id, locked=True)
            if row is None:
                raise NotFound("Delivery not found")
            now = time.time()
            row.set(state=PENDING, next_attempt_at=now, updated_at=now)
            return _delivery(row)

    def redrive_all(
        self, owner: Account, endpoint: str, *, states: Iterable[str], event: str | None, since: float, until: float
    ) -> int:
        """The same for all deliveries of an endpoint that fit, a batch at a time; returns how many."""
        now, states = time.time(), list(states)
        if not states:
            return 0
        query = "SELECT id FROM deliveries WHERE registry = ? AND endpoint = ? AND created_at >= ? AND created_at <= ?"
        query += f" AND state IN ({', '.join('?' * len(states))})"
        values = [owner.registry, fitting.key(endpoint), since, until, *states]
        if event is not None:
            query, values = f"{query} AND event = ?", [*values, event]
        with transaction():
            ids = [row[0] for row in sql.query(self._entities.db, query, values)]
        for portion in fitting.portions(ids):
            self._set_due(portion, now)
        return len(ids)

    def release(self, endpoint: str) -> int:
        """Have all that waits for an endpoint go out now, since it answers again; returns how many."""
        now = time.time()
        with transaction():
            return sql.execute(
                self._entities.db,
                "UPDATE deliveries SET next_attempt_at = ? WHERE endpoint = ? AND state = ?"
                " AND (next_attempt_at IS NULL OR next_attempt_at > ?)",
                [now, endpoint, PENDING, now],
            )

    def hold(self, id: str, *, state: str) -> None:
        """Have one wait until its endpoint is enabled; or it is dead, since that will never be."""
        with transaction():
            if row := self._entities.Delivery.get_for_update(id=id):
                row.set(state=state, next_attempt_at=None, updated_at=time.time())

    def release_forgotten(self, *, has_default: bool) -> int:
        """Have all go out that is held for endpoints which are enabled, and lead somewhere; returns how many."""
        somewhere = "" if has_default else " AND url <> ''"
        with transaction():
            return sql.execute(
                self._entities.db,
                "UPDATE deliveries SET next_attempt_at = ? WHERE state = ? AND next_attempt_at IS NULL"
                f" AND endpoint IN (SELECT id FROM endpoints WHERE state = ?{somewhere})",
                [time.time(), PENDING, ENABLED],
            )

    def put_off(self, endpoint: str, ids: Sequence[str], until: float | None) -> None:
        """Have these, and all else that is due at their endpoint, wait until then (epoch s), or until it is enabled."""
        self._set_due(ids, until)
        with transaction():
            sql.execute(
                self._entities.db,
                "UPDATE deliveries SET next_attempt_at = ? WHERE endpoint = ? AND state = ? AND next_attempt_at <= ?",
                [until, endpoint, PENDING, time.time()],
            )

    def undelivered(self) -> dict[str, int]:
        """How many wait, and how many are dead, of all owners."""
        with transaction():
            return {state: where(self._entities.Delivery.select(), "state", state).count() for state in (PENDING, DEAD)}

    def claim(self, limit: int, *, lease: float) -> list[DeliveryRecord]:
        """Pending ones whose time has come, the longest due first, for the caller alone for `lease` seconds."""
        now = time.time()
        with transaction():
            rows = self._entities.Delivery.select(lambda row: row.state == PENDING and row.next_attempt_at <= now)
            rows = rows.order_by(lambda row: (row.next_attempt_at, row.id)).limit(limit)
            due = [_delivery(row) for row in rows]
        if due:
            self._set_due([each.id for each in due], now + lease)
        return due

    def prune(self, before: float, limit: int = sql.BATCH) -> int:
        """Delete some of those from before then, with their attempts; returns how many, fewer than `limit`: none are
        left."""
        return sql.erase(self._entities.db, "deliveries", "created_at < ?", [before], limit)

    def _set_due(self, ids: Sequence[str], at: float | None) -> None:
        marks = ", ".join("?" * len(ids))
        with transaction():
            sql.execute(
                self._entities.db,
                f"UPDATE deliveries SET state = ?, next_attempt_at = ? WHERE id IN ({marks})",
                [PENDING, at, *ids],
            )

    def _known(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        sought = fitting.padded(ids)
        rows = self._entities.Delivery.select(lambda row: row.id in sought) if sought else ()
        return {row.id: row.to_dict() for row in rows}

    def _numbers(self, known: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any] | None]:
        """The attempts that are noted already."""
        sought = fitting.padded(known) if known else []
        rows = self._entities.Attempt.select(lambda row: row.delivery in sought) if sought else ()
        return {(row.delivery, row.number): None for row in rows}

    def _keep(self, rows: dict[str, dict[str, Any]], known: dict[str, dict[str, Any]]) -> None:
        sql.insert(self._entities.db, "deliveries", [row for id, row in rows.items() if id not in known])
        for id, row in rows.items():
            if id in known and row is not known[id]:
                changes = ", ".join(f"{name} = ?" for name in _CHANGING)
                values = [row[name] for name in _CHANGING]
                sql.execute(self._entities.db, f"UPDATE deliveries SET {changes} WHERE id = ?", [*values, id])


def log_of(query: Any, id: Any, cursor: str | None, limit: int, record: Any) -> Log[Any]:
    """The newest rows, by ids that sort by time; one more than wanted tells whether there are others."""
    if cursor is not None:
        before = fitting.key(cursor)
        query = query.filter(lambda row: row.id < before)
    rows = query.order_by(desc(id)).limit(limit + 1)[:]
    return Log([record(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)


def _new(note: Note) -> dict[str, Any]:
    return {
        "id": note.delivery,
        "event_id": note.event_id,
        "endpoint": note.endpoint,
        "session": note.session,
        "registry": note.registry,
        "event": note.event,
        "state": note.state,
        "tries": 0,
        "next_attempt_at": note.next_attempt_at,
        "status_code": None,
        "error": "",
        "created_at": note.created_at,
        "updated_at": time.time(),
    }


def _after(row: dict[str, Any], note: Note, attempt: Attempt) -> dict[str, Any]:
    return row | {
        "state": note.state,
        "tries": max(row["tries"], attempt.number),
        "next_attempt_at": note.next_attempt_at,
        "status_code": attempt.status_code,
        "error": fitting.short(attempt.error, EXCERPT),
        "updated_at": time.time(),
    }


def _attempt_row(delivery: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "number": attempt.number,
        "at": attempt.at,
        "url": fitting.text(attempt.url),
        "status_code": attempt.status_code,
        "latency_ms": attempt.latency_ms,
        "excerpt": fitting.short(attempt.excerpt, EXCERPT),
        "error": fitting.short(attempt.error, EXCERPT),
    }


def _delivery(row: entities.Row) -> DeliveryRecord:
    return DeliveryRecord(**row.to_dict())


def _attempt(row: entities.Row) -> Attempt:
    return Attempt(
        number=row.number,
        at=row.at,
        url=row.url,
        status_code=row.status_code,
        latency_ms=row.latency_ms,
        excerpt=row.excerpt,
        error=row.error,
    )

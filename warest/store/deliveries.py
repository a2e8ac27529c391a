"""The queries about deliveries and their attempts: the log of what went where."""

import time
from collections.abc import Sequence
from typing import Any

from pony.orm import desc

from warest import entities
from warest.errors import Conflict, NotFound
from warest.ids import new_ulid
from warest.store import fitting, sql
from warest.store.noun import Noun, where
from warest.store.records import Account, Log
from warest.store.schema import transaction
from warest.store.webhook_records import Attempt, DeliveryRecord, Endpoint

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"

#: How much of an answer is kept, characters.
EXCERPT = 1_000


class Deliveries(Noun):
    def put(
        self, session: str, endpoints: Sequence[Endpoint], *, event_id: str, event: str, body: str
    ) -> list[DeliveryRecord]:
        """Order an event for each endpoint; the same event again, and only the first order counts."""
        try:
            return self._put(session, endpoints, event_id=event_id, event=event, body=body)
        except Conflict:  # somebody else ordered the same at the same time
            return self._put(session, endpoints, event_id=event_id, event=event, body=body)

    def get(self, owner: Account, id: str) -> DeliveryRecord | None:
        with transaction():
            row = self._owned(owner, id)
            return _delivery(row) if row else None

    def body(self, owner: Account, id: str) -> str | None:
        with transaction():
            row = self._owned(owner, id)
            return row.body if row else None

    def attempts(self, owner: Account, id: str) -> list[Attempt]:
        """In their order."""
        with transaction():
            if self._owned(owner, id) is None:
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
        state: str | None = None,
        since: float | None = None,
        until: float | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Log[DeliveryRecord]:
        """The newest first. Dead letters are those whose `state` is dead."""
        wanted = {"session": session, "endpoint": endpoint, "event": event, "state": state}
        with transaction():
            query = self._entities.Delivery.select(lambda row: row.registry == owner.registry)
            for name, value in wanted.items():
                query = query if value is None else where(query, name, value)
            if since is not None:
                query = query.filter(lambda row: row.created_at >= since)
            if until is not None:
                query = query.filter(lambda row: row.created_at <= until)
            return log_of(query, self._entities.Delivery.id, cursor, limit, _delivery)

    def note(self, id: str, attempt: Attempt, *, state: str, next_attempt_at: float | None = None) -> bool:
        """Keep an attempt, and what follows from it. False: it is noted already, or the delivery has been deleted."""
        with transaction():
            row = self._entities.Delivery.get_for_update(id=id)
            if row is None or self._entities.Attempt.exists(delivery=id, number=attempt.number):
                return False
            self._entities.Attempt(
                delivery=id,
                number=attempt.number,
                at=attempt.at,
                status_code=attempt.status_code,
                latency_ms=attempt.latency_ms,
                excerpt=fitting.short(attempt.excerpt, EXCERPT),
                error=fitting.short(attempt.error, EXCERPT),
            )
            row.set(state=state, tries=row.tries + 1, next_attempt_at=next_attempt_at)
            return True

    def redrive(self, owner: Account, id: str) -> DeliveryRecord:
        """Make it pending again, to go out at once. Raises NotFound when it is not the owner's."""
        with transaction():
            row = self._asked(self._entities.Delivery, locked=True, id=id, registry=owner.registry)
            if row is None:
                raise NotFound("Delivery not found")
            row.set(state=PENDING, next_attempt_at=time.time())
            return _delivery(row)

    def due(self, limit: int = 100) -> list[DeliveryRecord]:
        """Pending ones whose time has come, the longest due first."""
        now = time.time()
        with transaction():
            rows = self._entities.Delivery.select(lambda row: row.state == PENDING and row.next_attempt_at <= now)
            return [_delivery(row) for row in rows.order_by(self._entities.Delivery.next_attempt_at).limit(limit)]

    def prune(self, before: float) -> int:
        """Delete some of those from before then, with their attempts; returns how many, 0: none are left."""
        return sql.erase(self._entities.db, "deliveries", "created_at < ?", [before])

    def _put(
        self, session: str, endpoints: Sequence[Endpoint], *, event_id: str, event: str, body: str
    ) -> list[DeliveryRecord]:
        now = time.time()
        with transaction():
            rows = self._entities.Delivery.select(lambda row: row.event_id == event_id)
            known = {row.endpoint: row for row in rows}
            for endpoint in endpoints:
                if endpoint.id not in known:
                    known[endpoint.id] = self._entities.Delivery(
                        id=new_ulid(),
                        event_id=event_id,
                        endpoint=endpoint.id,
                        session=session,
                        registry=endpoint.registry,
                        event=event,
                        body=fitting.text(body),
                        state=PENDING,
                        tries=0,
                        next_attempt_at=now,
                        created_at=now,
                    )
            return [_delivery(known[endpoint.id]) for endpoint in endpoints]

    def _owned(self, owner: Account, id: str) -> entities.Row | None:
        return self._asked(self._entities.Delivery, id=id, registry=owner.registry)


def log_of(query: Any, id: Any, cursor: str | None, limit: int, record: Any) -> Log[Any]:
    """The newest rows, by ids that sort by time; one more than wanted tells whether there are others."""
    if cursor is not None:
        before = fitting.key(cursor)
        query = query.filter(lambda row: row.id < before)
    rows = query.order_by(desc(id)).limit(limit + 1)[:]
    return Log([record(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)


def _delivery(row: entities.Row) -> DeliveryRecord:
    return DeliveryRecord(
        id=row.id,
        event_id=row.event_id,
        endpoint=row.endpoint,
        session=row.session,
        registry=row.registry,
        event=row.event,
        state=row.state,
        tries=row.tries,
        next_attempt_at=row.next_attempt_at,
        created_at=row.created_at,
    )


def _attempt(row: entities.Row) -> Attempt:
    return Attempt(
        number=row.number,
        at=row.at,
        status_code=row.status_code,
        latency_ms=row.latency_ms,
        excerpt=row.excerpt,
        error=row.error,
    )

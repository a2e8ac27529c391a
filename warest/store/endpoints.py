"""The queries about endpoints: where events go."""

import time
from typing import Any

from warest import entities
from warest.errors import NotFound
from warest.ids import new_ulid
from warest.store import fitting, sql
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction
from warest.store.webhook_records import Endpoint

#: Deliveries go to it; they wait, as its owner wants; there are none, since it has failed for too long.
ENABLED, PAUSED, DISABLED = "enabled", "paused", "disabled"


class Endpoints(Noun):
    def create(
        self,
        owner: Account,
        session: str | None,
        *,
        url: str,
        events: tuple[str, ...] = (),
        secret: str = "",
        standard_secret: str = "",
    ) -> Endpoint:
        """For one session, or for all of the owner's. Raises NotFound when the session is not the owner's."""
        now = time.time()
        with transaction():
            if session is not None and not self._owns(owner, session):
                raise NotFound("Session not found")
            row = self._entities.Endpoint(
                id=new_ulid(),
                registry=owner.registry,
                session=session,
                url=fitting.text(url),
                events=fitting.dump(events),
                secret=fitting.text(secret),
                standard_secret=fitting.text(standard_secret),
                state=ENABLED,
                failures=0,
                created_at=now,
                updated_at=now,
            )
            return _endpoint(row)

    def get(self, owner: Account, id: str) -> Endpoint | None:
        with transaction():
            row = self._asked(self._entities.Endpoint, id=id, registry=owner.registry)
            return _endpoint(row) if row else None

    def of(self, owner: Account, session: str | None = None) -> list[Endpoint]:
        """All of the owner's, or those that the events of one session go to; the oldest first."""
        with transaction():
            query = self._entities.Endpoint.select(lambda row: row.registry == owner.registry)
            if session is not None:
                if not self._owns(owner, session):
                    return []
                query = query.filter(lambda row: row.session is None or row.session == session)
            return [_endpoint(row) for row in query.order_by(lambda row: (row.created_at, row.id))]

    def of_session(self, session: str) -> list[Endpoint]:
        """The enabled ones that the events of a session go to, whoever asks; the oldest first."""
        with transaction():
            found = self._entities.Session.get(id=session)
            if found is None:
                return []
            registry = found.registry
            query = self._entities.Endpoint.select(
                lambda row: (
                    row.registry == registry
                    and row.state == ENABLED
                    and (row.session is None or row.session == session)
                )
            )
            return [_endpoint(row) for row in query.order_by(lambda row: (row.created_at, row.id))]

    def change(
        self,
        owner: Account,
        id: str,
        *,
        url: str | None = None,
        events: tuple[str, ...] | None = None,
        secret: str | None = None,
        standard_secret: str | None = None,
        state: str | None = None,
    ) -> Endpoint:
        """What is None stays. A new state ends the count of failures. Raises NotFound when it is not the owner's."""
        texts = {"url": url, "secret": secret, "standard_secret": standard_secret}
        changes: dict[str, Any] = {name: fitting.text(value) for name, value in texts.items() if value is not None}
        if events is not None:
            changes["events"] = fitting.dump(events)
        if state is not None:
            changes |= {"state": state, "reason": "", "failures": 0, "first_failure_at": None}
        with transaction():
            row = self._asked(self._entities.Endpoint, locked=True, id=id, registry=owner.registry)
            if row is None:
                raise NotFound("Endpoint not found")
            row.set(**changes, updated_at=time.time())
            return _endpoint(row)

    def delete(self, owner: Account, id: str) -> None:
        """With its deliveries. Raises NotFound when it is not the owner's."""
        if self.get(owner, id) is None:
            raise NotFound("Endpoint not found")
        sql.erase_all(self._entities.db, "deliveries", "endpoint = ?", [id])
        sql.erase(self._entities.db, "endpoints", "id = ? AND registry = ?", [id, owner.registry])

    def failed(self, id: str) -> Endpoint | None:
        """Count one more failure; None: it has been deleted."""
        now = time.time()
        with transaction():
            row = self._entities.Endpoint.get_for_update(id=id)
            if row is None:
                return None
            row.set(failures=row.failures + 1, first_failure_at=row.first_failure_at or now, updated_at=now)
            return _endpoint(row)

    def answered(self, id: str) -> None:
        """The count of failures ends."""
        with transaction():
            row = self._entities.Endpoint.get(id=id)
            is_failing = row is not None and row.failures > 0
        if is_failing:  # seldom: nothing is locked for the others
            with transaction():
                if row := self._entities.Endpoint.get_for_update(id=id):
                    row.set(failures=0, first_failure_at=None, updated_at=time.time())

    def disable(self, id: str, reason: str) -> None:
        """By the house, with everything kept, until the owner enables it again."""
        with transaction():
            if row := self._entities.Endpoint.get_for_update(id=id):
                row.set(state=DISABLED, reason=fitting.text(reason), updated_at=time.time())


def _endpoint(row: entities.Row) -> Endpoint:
    return Endpoint(
        id=row.id,
        registry=row.registry,
        session=row.session,
        url=row.url,
        events=tuple(fitting.load(row.events)),
        secret=row.secret,
        standard_secret=row.standard_secret,
        state=row.state,
        reason=row.reason,
        failures=row.failures,
        first_failure_at=row.first_failure_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

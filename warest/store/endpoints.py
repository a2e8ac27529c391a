"""The queries about endpoints: where events go."""

import dataclasses
import time
from typing import Any

from warest import entities, webhooks
from warest.errors import NotAllowed, NotFound
from warest.ids import new_ulid
from warest.store import fitting, sql
from warest.store.noun import Noun, of_owner
from warest.store.records import Account
from warest.store.schema import transaction
from warest.store.webhook_records import Endpoint, Secrets

#: Deliveries go to it; they wait, as its owner wants; they wait, since it is gone or has failed for too long.
ENABLED, PAUSED, DISABLED = "enabled", "paused", "disabled"

#: Why we have disabled one: it said that it is gone (404, 410), or has failed for too long.
GONE, FAILING = "gone", "failing"

#: Secrets that sign at once, at most.
LIVE_SECRETS = 10


class Endpoints(Noun):
    def create(
        self,
        owner: Account,
        session: str | None,
        *,
        url: str,
        events: tuple[str, ...] = (),
        secret: str = "",
        id: str = "",
    ) -> Endpoint:
        """For one session, or for all of the owner's. Raises NotFound when the session is not the owner's, and
        NotAllowed when his key is for some sessions only and the endpoint would be for all."""
        if session is None and owner.only is not None:
            raise NotAllowed("This key is for some sessions only: say for which the endpoint is.")
        now = time.time()
        with transaction():
            if session is not None and not self._owns(owner, session):
                raise NotFound("Session not found")
            row = self._entities.Endpoint(
                id=id or new_ulid(),
                registry=owner.registry,
                session=session,
                url=fitting.text(url),
                events=fitting.dump(events),
                secrets=_dumped((Secrets(secret=fitting.text(secret), standard=webhooks.new_standard_secret()),)),
                state=ENABLED,
                created_at=now,
                updated_at=now,
            )
            return _endpoint(row)

    def get(self, owner: Account, id: str) -> Endpoint | None:
        with transaction():
            row = self._mine(self._entities.Endpoint, owner, id)
            return _endpoint(row) if row else None

    def of_config(self, session: str) -> Endpoint:
        """The one that the contract's `config` is about. Raises NotFound when the session has been deleted."""
        with transaction():
            row = self._entities.Endpoint.get(id=session)
            if row is None:
                raise NotFound("Session not found")
            return _endpoint(row)

    def of(self, owner: Account, session: str | None = None) -> list[Endpoint]:
        """All of the owner's, or those that the events of one session go to; the oldest first."""
        with transaction():
            query = of_owner(self._entities.Endpoint.select(), owner)
            if session is not None:
                if not self._owns(owner, session):
                    return []
                query = query.filter(lambda row: row.session is None or row.session == session)
            return [_endpoint(row) for row in query.order_by(lambda row: (row.created_at, row.id))]

    def of_session(self, session: str) -> list[Endpoint]:
        """Those that the events of a session go to, or wait for, whoever asks; the oldest first."""
        with transaction():
            found = self._entities.Session.get(id=session)
            if found is None:
                return []
            registry = found.registry
            query = self._entities.Endpoint.select(
                lambda row: row.registry == registry and (row.session is None or row.session == session)
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
        state: str | None = None,
    ) -> Endpoint:
        """What is None stays. A secret takes the place of the newest. Raises NotFound when it is not the owner's."""
        changes: dict[str, Any] = {} if url is None else {"url": fitting.text(url)}
        if events is not None:
            changes["events"] = fitting.dump(events)
        if state is not None:
            changes |= {"state": state, "reason": ""}
        with transaction():
            row = self._changing(owner, id)
            if secret is not None:
                newest, *others = _endpoint(row).secrets
                changes["secrets"] = _dumped((dataclasses.replace(newest, secret=fitting.text(secret)), *others))
            row.set(**changes, updated_at=time.time())
            return _endpoint(row)

    def rotate(self, owner: Account, id: str, secret: str, *, overlap: float) -> Endpoint:
        """New secrets, beside which the former ones sign for `overlap` seconds more."""
        now = time.time()
        with transaction():
            row = self._changing(owner, id)
            former = [_ending(each, now + overlap) for each in _endpoint(row).secrets]
            alive = [each for each in former if (each.until or 0) > now]
            new = Secrets(secret=fitting.text(secret), standard=webhooks.new_standard_secret())
            row.set(secrets=_dumped((new, *alive[: LIVE_SECRETS - 1])), updated_at=now)
            return _endpoint(row)

    def delete(self, owner: Account, id: str) -> None:
        """With its deliveries. Raises NotFound when it is not the owner's."""
        if self.get(owner, id) is None:
            raise NotFound("Endpoint not found")
        sql.erase_all(self._entities.db, "deliveries", "endpoint = ?", [id])
        sql.erase(self._entities.db, "endpoints", "id = ? AND registry = ?", [id, owner.registry])

    def disable(self, id: str, reason: str, *, url: str) -> Endpoint | None:
        """By the house, with everything kept, until the owner enables it again.

        None: it is not enabled, or has another `url` by now, of which that reason does not hold.
        """
        with transaction():
            row = self._entities.Endpoint.get_for_update(id=id)
            if row is None or (row.state, row.url) != (ENABLED, url):
                return None
            row.set(state=DISABLED, reason=reason, updated_at=time.time())
            return _endpoint(row)

    def _changing(self, owner: Account, id: str) -> entities.Row:
        row = self._mine(self._entities.Endpoint, owner, id, locked=True)
        if row is None:
            raise NotFound("Endpoint not found")
        return row


def _ending(secrets: Secrets, until: float) -> Secrets:
    return dataclasses.replace(secrets, until=min(until, secrets.until or until))


def _dumped(secrets: tuple[Secrets, ...]) -> str:
    return fitting.dump([dataclasses.asdict(each) for each in secrets])


def _endpoint(row: entities.Row) -> Endpoint:
    return Endpoint(
        id=row.id,
        registry=row.registry,
        session=row.session,
        url=row.url,
        events=tuple(fitting.load(row.events)),
        secrets=tuple(Secrets(**each) for each in fitting.load(row.secrets)),
        state=row.state,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

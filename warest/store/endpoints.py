"""The queries about endpoints: where events go.

Their secrets are encrypted here on their way in and decrypted on their way out, each for its row. An endpoint whose key
is missing is as good as disabled, and the others go on; what is for it waits.
"""

import dataclasses
import functools
import logging
import time
from collections.abc import Iterable
from typing import Any

from warest import entities, webhooks
from warest.errors import Conflict, DriverError, NotAllowed, NotFound
from warest.ids import new_ulid
from warest.store import fitting, sealing, sql
from warest.store.noun import Noun, of_owner
from warest.store.records import Account
from warest.store.schema import transaction
from warest.store.webhook_records import Endpoint, Secrets
from warest.vault import Vault

log = logging.getLogger(__name__)

#: Deliveries go to it; they wait, as its owner wants; they wait, since it is gone or has failed for too long.
ENABLED, PAUSED, DISABLED = "enabled", "paused", "disabled"

#: Why we have disabled one: it said that it is gone (404, 410), has failed for too long, or its secrets cannot be read.
GONE, FAILING, LOCKED = "gone", "failing", "locked"

#: Secrets that sign at once, at most.
LIVE_SECRETS = 10


class Endpoints(Noun):
    def __init__(self, opened: entities.Entities, vault: Vault) -> None:
        super().__init__(opened)
        self._vault = vault

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
        now, id = time.time(), id or new_ulid()
        with transaction():
            if session is not None and not self._owns(owner, session):
                raise NotFound("Session not found")
            row = self._entities.Endpoint(
                id=id,
                registry=owner.registry,
                session=session,
                url=fitting.text(url),
                events=fitting.dump(events),
                secrets=self._sealed(
                    id, (Secrets(secret=fitting.text(secret), standard=webhooks.new_standard_secret()),)
                ),
                state=ENABLED,
                created_at=now,
                updated_at=now,
            )
            return self._endpoint(row)

    def get(self, owner: Account, id: str) -> Endpoint | None:
        with transaction():
            row = self._mine(self._entities.Endpoint, owner, id)
            return self._endpoint(row) if row else None

    def of_config(self, session: str) -> Endpoint:
        """The one that the contract's `config` is about. Raises NotFound when the session has been deleted."""
        with transaction():
            row = self._entities.Endpoint.get(id=session)
            if row is None:
                raise NotFound("Session not found")
            return self._endpoint(row)

    def of(self, owner: Account, session: str | None = None) -> list[Endpoint]:
        """All of the owner's, or those that the events of one session go to; the oldest first."""
        with transaction():
            query = of_owner(self._entities.Endpoint.select(), owner)
            if session is not None:
                if not self._owns(owner, session):
                    return []
                query = query.filter(lambda row: row.session is None or row.session == session)
            return [self._endpoint(row) for row in query.order_by(lambda row: (row.created_at, row.id))]

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
            return [self._endpoint(row) for row in query.order_by(lambda row: (row.created_at, row.id))]

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
        """What is None stays. A secret takes the place of the newest. Raises NotFound when it is not the owner's,
        Conflict when there are secrets that cannot be read, whose place only `rotate` takes."""
        changes: dict[str, Any] = {} if url is None else {"url": fitting.text(url)}
        if events is not None:
            changes["events"] = fitting.dump(events)
        if state is not None:
            changes |= {"state": state, "reason": ""}
        with transaction():
            row = self._changing(owner, id)
            if secret is not None:
                newest, *others = self._readable(row)
                changed = dataclasses.replace(newest, secret=fitting.text(secret))
                changes["secrets"] = self._sealed(id, (changed, *others))
            row.set(**changes, updated_at=time.time())
            return self._endpoint(row)

    def rotate(self, owner: Account, id: str, secret: str, *, overlap: float) -> Endpoint:
        """New secrets, beside which the former ones, if they can be read, sign for `overlap` seconds more."""
        now = time.time()
        with transaction():
            row = self._changing(owner, id)
            former = [_ending(each, now + overlap) for each in self._endpoint(row).secrets]
            alive = [each for each in former if (each.until or 0) > now]
            new = Secrets(secret=fitting.text(secret), standard=webhooks.new_standard_secret())
            row.set(secrets=self._sealed(id, (new, *alive[: LIVE_SECRETS - 1])), updated_at=now)
            return self._endpoint(row)

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
            return self._endpoint(row)

    def restore(self, owner: Account, session: str, told: Iterable[Endpoint]) -> None:
        """Those of a session that comes from another installation: the one of its `config` in place of the one that it
        has, the others under new ids. Run twice, the latter are there twice."""
        with transaction():
            for endpoint in told:
                row = self._changing(owner, session) if endpoint.is_of_config else None
                row = row or self._entities.Endpoint.get(id=self.create(owner, session, url="").id)
                row.set(
                    url=fitting.text(endpoint.url),
                    events=fitting.dump(endpoint.events),
                    secrets=self._sealed(row.id, endpoint.secrets),
                    state=endpoint.state,
                    reason=fitting.short(endpoint.reason),
                )

    def reseal(self) -> tuple[int, int]:
        """As sealing.reseal."""
        return sealing.reseal(self._entities.Endpoint, "secrets", self._vault, _place)

    def _changing(self, owner: Account, id: str) -> entities.Row:
        row = self._mine(self._entities.Endpoint, owner, id, locked=True)
        if row is None:
            raise NotFound("Endpoint not found")
        return row

    def _sealed(self, id: str, secrets: tuple[Secrets, ...]) -> str:
        return self._vault.seal(fitting.dump([dataclasses.asdict(each) for each in secrets]), *_place(id))

    def _readable(self, row: entities.Row) -> tuple[Secrets, ...]:
        """Raises Conflict."""
        try:
            text = self._vault.open(row.secrets, *_place(row.id))
        except DriverError as error:
            raise Conflict(
                f"The secrets of endpoint {row.id} cannot be read. {error} Or rotate its secrets."
            ) from error
        return tuple(Secrets(**each) for each in fitting.load(text))

    def _endpoint(self, row: entities.Row) -> Endpoint:
        try:
            secrets, state, reason = self._readable(row), row.state, row.reason
        except Conflict as error:
            _complain(error.message)
            secrets, state, reason = (), DISABLED, LOCKED
        return Endpoint(
            id=row.id,
            registry=row.registry,
            session=row.session,
            url=row.url,
            events=tuple(fitting.load(row.events)),
            secrets=secrets,
            state=state,
            reason=reason,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@functools.lru_cache(1000)
def _complain(message: str) -> None:
    """Once, not whenever it is looked up."""
    log.error("%s Its events wait.", message)


def _place(id: str) -> tuple[str, ...]:
    return "endpoints", id, "secrets"


def _ending(secrets: Secrets, until: float) -> Secrets:
    return dataclasses.replace(secrets, until=min(until, secrets.until or until))

"""What waits in the database goes out: long retries, what was held, what somebody wants to have again."""

import logging
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from warest import ids, keys
from warest.actors.couriers import Couriers
from warest.circuits import Circuits
from warest.config.house import House
from warest.destinations import Directory
from warest.errors import WarestError
from warest.store import DeliveryRecord, Endpoint, EventRecord, Note, Store
from warest.store.deliveries import DEAD, PENDING
from warest.webhooks import Delivery

log = logging.getLogger(__name__)

#: Deliveries that one round orders, and the pause between two of them, ms: what is new must not wait for what is old.
AT_ONCE, APART_MS = 200, 10

#: Events that a replay goes through at once.
PORTION = 500

#: What was ordered, and of which nothing is heard, is ordered again after this long, s.
LEASE = 600.0

#: What is not in the database yet is waited for so long, before it is looked for again, s.
PAUSE = 0.2


class Redelivery:
    def __init__(self, house: House, store: Store, directory: Directory, couriers: Couriers) -> None:
        self._house = house
        self._store = store
        self._directory = directory
        self._couriers = couriers
        self._circuits = Circuits(house.redis)

    def order_due(self) -> None:
        """What cannot go out now is put off together with all else that is due at the same endpoint."""
        wanted: list[str] = []
        try:
            due = self._store.deliveries.claim(AT_ONCE, lease=LEASE)
            for endpoint, some in groupby(sorted(due, key=_endpoint), _endpoint):
                wanted += self._wanted(endpoint, list(some))
        except WarestError as error:
            log.warning("what waits in the database goes out in a later round: %s", error.message)
        for number, id in enumerate(wanted):
            self._again(id, number * APART_MS)

    def _wanted(self, endpoint: str, records: list[DeliveryRecord]) -> list[str]:
        """Those that may go out."""
        targets = {each.id: self._directory.of(each.session).at(endpoint) for each in records}
        for record in records:
            if targets[record.id] is None:  # it has no URL now, or its session is gone
                is_over = self._directory.of(record.session).is_deleted
                self._store.deliveries.hold(record.id, state=DEAD if is_over else PENDING)
        known = {id: target for id, target in targets.items() if target}
        circuit = self._circuits.get(endpoint)
        is_enabled = all(target.is_enabled for target in known.values())
        if known and (circuit.is_open or not is_enabled):
            self._store.deliveries.put_off(endpoint, list(known), circuit.open_until if is_enabled else None)
            return []
        return list(known)

    def bring(self, id: str) -> None:
        """Unless it is done meanwhile. An event that is not in the database yet comes with a later order."""
        record = self._store.deliveries.pending(id)
        event = self._store.events.get(record.registry, record.event_id) if record else None
        if record and event:
            delivery, number = _delivery(record, event.body), record.tries + 1
            self._couriers.retry(
                record.session, record.endpoint, delivery, number, lambda ms: self._again(id, ms), afresh=True
            )

    def release(self, endpoint: str, upto: str) -> None:
        """It answers again, or is enabled. What the log has of it up to now, or an entry, is written down first."""
        oldest: Any = self._house.redis.xrange(keys.DELIVERY_LOG, count=1)
        newest: Any = self._house.redis.xrevrange(keys.DELIVERY_LOG, count=1)
        upto = upto or (newest[0][0].decode() if newest else "")
        if upto and oldest and ids.cursor_number(oldest[0][0].decode()) <= ids.cursor_number(upto):
            told = {"endpoint": endpoint, "upto": upto}
            self._house.bus.send_later(keys.WEBHOOK_QUEUE, "release_deliveries", PAUSE, **told)
            return
        count = self._store.deliveries.release(endpoint)
        log.info("endpoint %s answers again: %d deliveries that waited go out", endpoint, count)

    def release_forgotten(self) -> None:
        """What was held in the very moment in which its endpoint was enabled."""
        has_default = bool(self._house.settings.webhook_default_url)
        if count := self._store.deliveries.release_forgotten(has_default=has_default):
            log.info("%d deliveries that nothing held any more go out", count)

    def replay(self, endpoint: str, registry: str, since: float, until: float, after: int) -> None:
        """Have the events of that time go to an endpoint, behind the cursor `after`, a portion at a time."""
        told = {"endpoint": endpoint, "registry": registry, "since": since, "until": until}
        if not self._is_written_down(until):
            self._house.bus.send_later(keys.WEBHOOK_QUEUE, "replay_events", PAUSE, after=after, **told)
            return
        account = self._store.account(registry)
        found = self._store.endpoints.get(account, endpoint) if account else None
        if account is None or found is None:
            return
        ulids = {record.id: record.ulid for record in self._store.sessions_of(account)}
        wanted = [name for name, ulid in ulids.items() if found.session in (None, ulid)]
        begin = max(after, ids.cursor_at(int(since * 1000)) - 1)
        page = self._store.events.page(
            registry,
            after=begin,
            before=ids.cursor_at(int(until * 1000) + 1000),
            sessions=wanted,
            types=found.events,
            limit=PORTION,
        )
        self._store.deliveries.order([_ordered(found, each, ulids) for each in page.rows if each.session in ulids])
        log.info("endpoint %s: %d events go out again", endpoint, len(page.rows))
        if page.reached is not None:
            self._house.bus.send(keys.WEBHOOK_QUEUE, "replay_events", after=page.reached, **told)

    def _is_written_down(self, until: float) -> bool:
        """Whether the database has all that has happened up to then: it may be a moment behind."""
        newest: Any = self._house.redis.xrevrange(keys.EVENTS, max=int(until * 1000) + 1000, count=1)
        return not newest or self._store.events.last() >= ids.cursor_number(newest[0][0].decode())

    def _again(self, id: str, delay_ms: int) -> Any:
        message = self._house.bus.message(keys.WEBHOOK_QUEUE, "redeliver", delivery=id)
        return self._house.broker.enqueue(message, delay=delay_ms)


def _ordered(endpoint: Endpoint, event: EventRecord, ulids: Mapping[str, str]) -> Note:
    return Note(
        delivery=ids.delivery_id_for(event.event_id, endpoint.id, event.ts_ms),
        event_id=event.event_id,
        endpoint=endpoint.id,
        session=ulids[event.session],
        registry=event.registry,
        event=event.event,
        created_at=event.ts_ms / 1000,
        state=PENDING,
    )


def _endpoint(record: DeliveryRecord) -> str:
    return record.endpoint


def _delivery(record: DeliveryRecord, body: str) -> Delivery:
    made_ms = round(record.created_at * 1000)
    return Delivery(record.event_id, record.event, made_ms, body.encode(), made_ms)

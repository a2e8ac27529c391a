"""Deliveries of events to the sessions' receivers.

First attempts go out in the order of the events: whoever holds the lock of a session's outbox sends them one after
the other. What failed leaves the outbox for a Dramatiq message of its own and blocks nobody (decision 33).
"""

import logging
import time
from collections.abc import Iterator
from typing import Any

import dramatiq

from warest import farewell, keys, webhooks
from warest.actors.receivers import Receivers
from warest.bus import answered, refused
from warest.config.house import House
from warest.errors import DeliveryError, NotFound
from warest.farewell import Receiver
from warest.lanes import Entry, Lanes
from warest.store import Store

log = logging.getLogger(__name__)

#: The lock outlives any attempt by this, ms; a drainer that died holds the outbox up no longer.
LOCK_MARGIN_MS = 2_000

#: When another process drains the outbox, look again after this long, ms.
LOOK_AGAIN_MS = 250


class Webhooks:
    def __init__(self, house: House, store: Store, default_secret: str) -> None:
        """`default_secret` signs for sessions without one of their own."""
        self._house = house
        self._store = store
        self._default_secret = default_secret
        self._receivers = Receivers(house.settings)
        self._lanes = Lanes(house.redis, lock_ms=house.settings.webhook_timeout_ms + LOCK_MARGIN_MS)
        self._schedule = webhooks.Schedule(
            retries=house.settings.webhook_retries,
            backoff=house.settings.webhook_backoff_ms / 1000,
            jitter=house.settings.webhook_jitter_ms / 1000,
        )

    def drain(self, session: str) -> None:
        """Send what waits in the outbox."""
        if not self._lanes.empty(keys.outbox(session), lambda entries: self._first_attempts(session, entries)):
            again = self._house.bus.message(keys.WEBHOOK_QUEUE, "deliver_outbox", session=session)
            self._house.broker.enqueue(again, delay=LOOK_AGAIN_MS)

    def _first_attempts(self, session: str, entries: list[Entry]) -> Iterator[list[bytes]]:
        receiver = self._receiver_of(session)
        for entry, fields in entries:
            if receiver:
                self._try(receiver, _delivery(fields), 1)
            yield [entry]

    def attempt(self, session: str, delivery: webhooks.Delivery, attempt: int) -> None:
        """One try after the first."""
        if not self._schedule.is_fast(attempt):
            delivery = delivery.restamped(time.time_ns() // 1_000_000)
        if receiver := self._receiver_of(session):
            self._try(receiver, delivery, attempt)

    def preflight(self, session: str, url: str, secret: str) -> dict[str, Any]:
        """Ask a receiver whether it would accept, before it is configured."""
        record = self._store.session_by_ulid(session)
        if record is None:
            return refused(NotFound("Session not found"))
        return answered(self._receivers.preflight(url, secret, record.identity))

    def _receiver_of(self, session: str) -> Receiver | None:
        """As it is configured now; None: nobody's."""
        if record := self._store.session_by_ulid(session):
            return Receiver(record.identity, record.webhook_url, record.webhook_secret)
        return farewell.of(self._house.redis, session)

    def _try(self, receiver: Receiver, delivery: webhooks.Delivery, attempt: int) -> None:
        url = receiver.url or self._house.settings.webhook_default_url
        if not url:
            return
        secret = receiver.secret or self._default_secret
        try:
            self._receivers.deliver(url, secret, receiver.identity, delivery, attempt)
        except DeliveryError as error:
            self._failed(receiver.identity.ulid, delivery, attempt, error)

    def _failed(self, session: str, delivery: webhooks.Delivery, attempt: int, error: DeliveryError) -> None:
        """Order the next attempt; the end of the schedule, or a refusal for good, is the dead letter."""
        delay = None if error.permanent else self._schedule.delay(attempt)
        log.warning("event %s, attempt %d: %s; next in %s s", delivery.event_id, attempt, error.message, delay)
        message = self._house.bus.message(
            keys.WEBHOOK_QUEUE, "retry_delivery", session=session, attempt=attempt + 1, **_encoded(delivery)
        )
        if delay is None:
            self._house.broker.write_off(message, f"attempt {attempt}: {error.message}")
        else:
            self._house.broker.enqueue(message, delay=int(delay * 1000))


def declare(house: House, store: Store, default_secret: str) -> None:
    """The actors of the webhook queue."""
    work = Webhooks(house, store, default_secret)

    # What goes wrong here is ours, not the receiver's: the database away, say. It is worth waiting for.
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def deliver_outbox(session: str) -> None:
        """Idempotent: an empty outbox is nothing to do. Died half-way: the lock expires and the rest is sent."""
        work.drain(session)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, store_results=True)
    def preflight(session: str, url: str, secret: str) -> dict[str, Any]:
        """Run twice, the receiver is asked twice."""
        return work.preflight(session, url, secret)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def retry_delivery(session: str, attempt: int, event_id: str, event: str, ts_ms: int, body: str) -> None:
        """Run twice, the receiver gets the event twice under one id; died half-way, likewise."""
        work.attempt(session, webhooks.Delivery(event_id, event, ts_ms, body.encode()), attempt)


def _delivery(fields: dict[bytes, bytes]) -> webhooks.Delivery:
    return webhooks.Delivery(fields[b"id"].decode(), fields[b"event"].decode(), int(fields[b"ts"]), fields[b"body"])


def _encoded(delivery: webhooks.Delivery) -> dict[str, Any]:
    return {
        "event_id": delivery.event_id,
        "event": delivery.event,
        "ts_ms": delivery.ts_ms,
        "body": delivery.body.decode(),
    }

"""What follows from a try at a receiver: a line in the log, the next try, or the end; and what it says of its endpoint.

Contract, webhooks.md section 5; decisions 32 and 34. Whatever is not delivered and not refused for good waits: in Redis
for the fast retries, in the database for the long ones.
"""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from warest import circuits, events, ids, keys, webhooks
from warest.actors.delivery_log import DeliveryLog
from warest.circuits import Circuits
from warest.config.house import House
from warest.destinations import Directory
from warest.errors import DriverError
from warest.receivers import Outcome, Target
from warest.store import Attempt, Note, Store
from warest.store.deliveries import DEAD, DELIVERED, PENDING
from warest.store.endpoints import FAILING, GONE
from warest.webhooks import Delivery, Verdict

log = logging.getLogger(__name__)

#: A fast retry that was lost on its way is made good from the database after this long, s.
LOST = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An event at a receiver, for the `number`th time. `is_deleted`: its session is gone, and with it the log of it.

    `is_doubtful`: the endpoint has failed lately.
    """

    target: Target
    delivery: Delivery
    number: int
    is_deleted: bool = False
    is_doubtful: bool = False

    @property
    def id(self) -> str:
        return delivery_id(self.target, self.delivery)


class Settling:
    def __init__(self, house: House, store: Store, directory: Directory) -> None:
        settings = house.settings
        self._house = house
        self._store = store
        self._directory = directory
        self._log = DeliveryLog(house.redis)
        self._circuits = Circuits(house.redis)
        self._disable_after = settings.webhook_disable_after * 3600
        self._schedule = webhooks.Schedule(
            retries=settings.webhook_retries,
            backoff=settings.webhook_backoff_ms / 1000,
            jitter=settings.webhook_jitter_ms / 1000,
            long=settings.long_schedule,
        )

    def is_fast(self, attempt: int) -> bool:
        return self._schedule.is_fast(attempt)

    def hold(self, target: Target, *deliveries: Delivery, until: float | None) -> None:
        """They are not tried: the endpoint is left alone until then (epoch s), or until it is enabled (None)."""
        self._log.note(*(_note(target, each, PENDING, until) for each in deliveries))

    def settle(self, done: Try, outcome: Outcome) -> None:
        """Run twice, it is as good as once, but for one more failure that is counted."""
        match outcome.verdict:
            case Verdict.DELIVERED:
                self._delivered(done, outcome)
            case Verdict.NEVER:
                self._end(done, outcome)
            case Verdict.GONE if not done.target.is_default:
                self._gone(done, outcome)
            case _:
                self._failed(done, outcome)

    def _delivered(self, done: Try, outcome: Outcome) -> None:
        actions, delay_ms = outcome.actions
        if actions:
            order_actions(self._house, done.target.identity.ulid, done.id, done.delivery.body, actions, delay_ms)
        self._write(done, outcome, DELIVERED)
        if done.is_doubtful and self._circuits.forget(done.target.endpoint):
            self._house.bus.send(keys.WEBHOOK_QUEUE, "release_deliveries", endpoint=done.target.endpoint)

    def _end(self, done: Try, outcome: Outcome) -> None:
        log.warning("event %s is refused for good: %s", done.delivery.event_id, outcome.error)
        self._write(done, outcome, DEAD)

    def _gone(self, done: Try, outcome: Outcome) -> None:
        """Kept, and the event with it, until somebody says that it is back (decision 34)."""
        self._write(done, outcome, PENDING)  # first: whoever enables the endpoint has it released, too
        self._disable(done.target, GONE)

    def _failed(self, done: Try, outcome: Outcome) -> None:
        refused = outcome.verdict is Verdict.REFUSED
        pause = max(outcome.wait, circuits.REFUSED_PAUSE if refused else circuits.PAUSE)
        circuit = self._circuits.failed(
            done.target.endpoint, pause=pause, at_once=refused or outcome.wait > circuits.PAUSE
        )
        if not done.target.is_default and time.time() - circuit.since > self._disable_after:
            self._disable(done.target, FAILING)
        self._again(done, outcome, not_before=pause if refused else outcome.wait)

    def _again(self, done: Try, outcome: Outcome, *, not_before: float) -> None:
        delay = self._schedule.delay(done.number)
        log.warning("event %s, attempt %d: %s; next in %s s", done.delivery.event_id, done.number, outcome.error, delay)
        if delay is None:
            self._write(done, outcome, DEAD)
            return
        delay = max(delay, not_before)
        in_redis = done.is_deleted or (self._schedule.is_fast(done.number + 1) and not not_before)
        if in_redis:
            self._house.broker.enqueue(_message(self._house, done), delay=int(delay * 1000))
        self._write(done, outcome, PENDING, time.time() + delay + LOST * in_redis)

    def _write(self, done: Try, outcome: Outcome, state: str, next_attempt_at: float | None = None) -> None:
        """Of a deleted session nothing is written down."""
        if done.is_deleted:
            return
        attempt = Attempt(
            number=done.number,
            at=time.time() - outcome.seconds,
            url=done.target.url,
            status_code=outcome.status,
            latency_ms=round(outcome.seconds * 1000),
            excerpt=outcome.excerpt,
            error=outcome.error,
        )
        self._log.note(replace(_note(done.target, done.delivery, state, next_attempt_at), attempt=attempt))

    def _disable(self, target: Target, reason: str) -> None:
        """And say so, to whoever wants to hear it."""
        try:
            disabled = self._store.endpoints.disable(target.endpoint, reason, url=target.url)
        except DriverError as error:  # the next failure tries again
            log.warning("endpoint %s could not be disabled: %s", target.endpoint, error.message)
            return
        if disabled:
            log.warning("endpoint %s is disabled: %s", target.endpoint, reason)
            self._directory.changed()
            self._circuits.forget(target.endpoint)
            told = {"endpointId": target.endpoint, "reason": reason}
            event = events.make_now(target.identity, events.ENDPOINT_DISABLED, told, event_id=ids.new_event_id())
            self._house.bus.publish(target.identity, event)


def order_actions(
    house: House, session: str, delivery: str, event: bytes, actions: list[Any], delay_ms: int | None = None
) -> None:
    """Have the actions done that an event was answered with, however often they are ordered under one id; `event` is
    its body."""
    told: dict[str, Any] = {"event": event.decode(), "actions": actions, "delay_ms": delay_ms}
    house.bus.send(keys.ACTIONS_QUEUE, "run_actions", session=session, delivery=delivery, **told)


def delivery_id(target: Target, delivery: Delivery) -> str:
    return ids.delivery_id_for(delivery.event_id, target.endpoint, delivery.made_ms)


def _note(target: Target, delivery: Delivery, state: str, next_attempt_at: float | None) -> Note:
    return Note(
        delivery=delivery_id(target, delivery),
        event_id=delivery.event_id,
        endpoint=target.endpoint,
        session=target.identity.ulid,
        registry=target.identity.registry,
        event=delivery.event,
        created_at=delivery.made_ms / 1000,
        state=state,
        next_attempt_at=next_attempt_at,
    )


def _message(house: House, done: Try) -> Any:
    told = done.delivery.encoded()
    session, endpoint = done.target.identity.ulid, done.target.endpoint
    return house.bus.message(
        keys.WEBHOOK_QUEUE, "retry_delivery", session=session, endpoint=endpoint, attempt=done.number + 1, **told
    )

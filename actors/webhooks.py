"""Events for webhooks: from the outbox of a session into a lane for each endpoint, and from there to its receiver.

outbox of the session -> lane of session and endpoint -> first attempt -> log
                                                              |-> fast retries: Dramatiq messages of their own
                                                              |-> long retries, and what is held: the database
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import dramatiq

from warest import events, ids, keys
from warest.actors.couriers import LOOK_AGAIN_MS, Couriers, delivery_of
from warest.actors.redelivery import Redelivery
from warest.actors.rounds import Rounds
from warest.actors.settling import Settling, order_actions
from warest.bus import LANE_LIMIT, answered, refused
from warest.config.house import House
from warest.destinations import PREFLIGHT, Directory
from warest.errors import NotFound
from warest.lanes import FILL, NUDGE_TTL, Entry, Lanes, Left
from warest.meters import Meter
from warest.reactions.auto_reply import auto_reply
from warest.receivers import Receivers, Target
from warest.store import Secrets, Store
from warest.webhooks import Delivery, Verdict

#: A lock on an outbox lasts so long, ms: giving out a hundred events takes a few.
LOCK_MS = 10_000

#: From one look for what is due in the database to the next, ms.
PERIOD_MS = 2_000

#: From one look for what is held by nothing to the next, ms.
FORGOTTEN_MS = 60_000

#: Of an entry of an outbox, what a courier has to know.
_FIELDS = (b"id", b"event", b"ts", b"body")


class Dispatch:
    """Gives events out to the lanes of the endpoints that want them."""

    def __init__(self, house: House, directory: Directory, settling: Settling, couriers: Couriers) -> None:
        self._house = house
        self._directory = directory
        self._settling = settling
        self._couriers = couriers
        self._lanes = Lanes(house.redis, lock_ms=LOCK_MS)
        self._fill: Callable[..., Any] = house.redis.register_script(FILL)

    def drain(self, session: str) -> None:
        """Empty the outbox, and bring to the first endpoint what it wants: mostly it is the only one."""
        if self._lanes.empty(keys.outbox(session), lambda entries: self._given_out(session, entries)) is Left.TAKEN:
            again = self._house.bus.message(keys.WEBHOOK_QUEUE, "deliver_outbox", session=session)
            self._house.broker.enqueue(again, delay=LOOK_AGAIN_MS)
            return
        for target in self._directory.of(session).targets[:1]:
            self._couriers.empty(session, target.endpoint, is_nudged=False)

    def _given_out(self, session: str, entries: list[Entry]) -> Iterator[list[bytes]]:
        for number, target in enumerate(self._directory.of(session).targets):
            wanted = [fields for _, fields in entries if target.wants(fields[b"event"].decode())]
            if wanted and not (target.is_enabled and self._filled(session, target, wanted, nudged=number > 0)):
                until = time.time() if target.is_enabled else None
                self._settling.hold(target, *map(delivery_of, wanted), until=until)
        for _, fields in entries:
            self._answered(session, fields)
        yield [entry for entry, _ in entries]

    def _answered(self, session: str, fields: dict[bytes, bytes]) -> None:
        """What the settings want done, as if a receiver had asked for it."""
        event, body = fields[b"event"].decode(), fields[b"body"]
        if actions := auto_reply(self._house.settings, event, body):
            root = ids.delivery_id_for(fields[b"id"].decode(), session, int(fields[b"ts"]))
            order_actions(self._house, session, root, body, actions)

    def _filled(self, session: str, target: Target, wanted: list[dict[bytes, bytes]], *, nudged: bool) -> bool:
        """False: the lane is full, and so its endpoint too slow for its order to matter."""
        lane = keys.lane_to(target.endpoint, session)
        message = self._house.bus.message(keys.WEBHOOK_QUEUE, "deliver_lane", session=session, endpoint=target.endpoint)
        queue, nudge = self._house.broker.stream_entry(message)
        strings = [string for fields in wanted for field in _FIELDS for string in (field, fields[field])]
        args = [LANE_LIMIT, NUDGE_TTL, nudge["message"] if nudged else "", 2 * len(_FIELDS), *strings]
        return bool(self._fill(keys=[lane, keys.lane_nudged(lane), queue], args=args))


class Questions:
    """What somebody asks of a receiver and waits for."""

    def __init__(self, store: Store, directory: Directory, couriers: Couriers) -> None:
        self._store = store
        self._directory = directory
        self._receivers = couriers.receivers

    def preflight(self, session: str, urls: list[str], secret: str) -> dict[str, Any]:
        """Would these accept?"""
        record = self._store.session_by_ulid(session)
        if record is None:
            return refused(NotFound("Session not found"))
        signing = (Secrets(secret=self._store.vault.open(secret, PREFLIGHT, session), standard=""),)
        known = self._directory.target(self._store.endpoints.of_config(session), record)
        asked = [replace(known, url=url, secrets=signing) for url in urls]
        with ThreadPoolExecutor(len(asked)) as pool:
            return answered(list(pool.map(self._receivers.preflight, asked)))

    def try_out(self, session: str, endpoint: str) -> dict[str, Any]:
        """Send an endpoint an event that says that it is a test; tells what came of it."""
        record = self._store.session_by_ulid(session)
        known = [each for each in self._directory.targets(record) if each.endpoint == endpoint] if record else []
        if not known:
            return refused(NotFound("Endpoint not found"))
        event = events.make_now(known[0].identity, events.TEST, {"test": True}, event_id=ids.new_event_id())
        outcome = self._receivers.deliver(
            known[0], Delivery(event.id, event.name, event.ts_ms, event.body, event.ts_ms), 1
        )
        return answered(
            {
                "ok": outcome.verdict is Verdict.DELIVERED,
                "eventId": event.id,
                "status": outcome.status,
                "roundTripMs": round(outcome.seconds * 1000),
                "excerpt": outcome.excerpt,
                "error": outcome.error,
            }
        )


class Declared(NamedTuple):
    """What the process that has declared the actors looks after: rounds are to be ordered, receivers to be closed."""

    rounds: list[Rounds]
    receivers: Receivers


def meter() -> Meter:
    """Of tries at receivers."""
    return Meter("outcome")


def declare(house: House, store: Store, default_secret: str, tries: Meter) -> Declared:
    """The actors of the webhook queue. `default_secret` signs for sessions without one of their own; `tries` is the
    `meter` of this process."""
    directory = Directory(
        house.redis, store, default_url=house.settings.webhook_default_url, default_secret=default_secret
    )
    settling = Settling(house, store, directory)
    couriers = Couriers(house, directory, settling, tries)
    dispatch = Dispatch(house, directory, settling, couriers)
    redelivery = Redelivery(house, store, directory, couriers)
    questions = Questions(store, directory, couriers)
    rounds = Rounds(house, "redeliver_due", PERIOD_MS)

    # What goes wrong here is ours, not the receiver's: the database away, say. It is worth waiting for.
    patient: dict[str, Any] = {"max_retries": 10_000, "min_backoff": 500, "max_backoff": 10_000}

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def deliver_outbox(session: str) -> None:
        """Idempotent: an empty outbox is nothing to do. Died half-way: the lock expires and the rest is sent."""
        dispatch.drain(session)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def deliver_lane(session: str, endpoint: str) -> None:
        """Likewise; the event in hand is sent twice then, under one id."""
        couriers.empty(session, endpoint)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def retry_delivery(session: str, endpoint: str, attempt: int, **event: Any) -> None:
        """Run twice, the receiver gets the event twice under one id; died half-way, likewise."""
        again = house.bus.message(
            keys.WEBHOOK_QUEUE, "retry_delivery", session=session, endpoint=endpoint, attempt=attempt, **event
        )
        delivery = Delivery(**{**event, "body": event["body"].encode()})
        couriers.retry(session, endpoint, delivery, attempt, lambda ms: house.broker.enqueue(again, delay=ms))

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def redeliver(delivery: str) -> None:
        """Likewise, until it is noted that it is done."""
        redelivery.bring(delivery)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def release_deliveries(endpoint: str, upto: str = "") -> None:
        """Idempotent: what goes out goes out."""
        redelivery.release(endpoint, upto)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def replay_events(endpoint: str, registry: str, since: float, until: float, after: int = 0) -> None:
        """Goes through the events a portion at a time. Run twice, or died half-way, a portion goes out twice."""
        redelivery.replay(endpoint, registry, since, until, after)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, store_results=True)
    def preflight(session: str, urls: list[str], secret: str) -> dict[str, Any]:
        """Run twice, the receivers are asked twice."""
        return questions.preflight(session, urls, secret)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, store_results=True)
    def try_endpoint(session: str, endpoint: str) -> dict[str, Any]:
        """Run twice, the receiver gets two events."""
        return questions.try_out(session, endpoint)

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def redeliver_due(round: str) -> None:
        """Run twice, or died half-way: what was ordered twice is sent twice, what was not is found by a later round."""
        if rounds.begin(round):
            redelivery.order_due()

    forgotten = Rounds(house, "release_forgotten", FORGOTTEN_MS)

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def release_forgotten(round: str) -> None:
        """Idempotent: what goes out is not held any more."""
        if forgotten.begin(round):
            redelivery.release_forgotten()

    return Declared([rounds, forgotten], couriers.receivers)

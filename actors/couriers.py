"""Whoever brings events to receivers.

First attempts of a session's events at an endpoint go out in their order: they stand in a lane that one thread at a
time empties. What failed leaves the lane for a retry of its own and blocks nobody (decision 33). How many threads may
wait for a receiver is a matter of how it behaves (bulkheads.py).
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from warest import keys, traces
from warest.actors.settling import Settling, Try
from warest.bulkheads import Bulkheads
from warest.circuits import Circuit, Circuits
from warest.config.house import House
from warest.destinations import Destinations, Directory
from warest.lanes import Entry, Lanes, Left
from warest.meters import Meter
from warest.receivers import Outcome, Receivers, Target
from warest.webhooks import Delivery, Verdict

#: A lock on a lane outlives any attempt by this, ms; a courier that died holds it up no longer.
LOCK_MARGIN_MS = 2_000

#: A courier makes room for others after this long, s.
SLICE = 2.0

#: Somebody else is at it: look again after this long, ms.
LOOK_AGAIN_MS = 250

#: Receivers may refuse what is older than five minutes: an event that has waited this long gets a new time, s.
FRESH = 240.0


class Couriers:
    def __init__(self, house: House, directory: Directory, settling: Settling, meter: Meter) -> None:
        """`meter` counts the tries, by what came of them."""
        settings = house.settings
        self._meter = meter
        self._house = house
        self._directory = directory
        self._settling = settling
        self._circuits = Circuits(house.redis)
        self._lanes = Lanes(house.redis, lock_ms=settings.webhook_timeout_ms + LOCK_MARGIN_MS)
        self._bulkheads = Bulkheads(settings.webhook_threads, share=settings.webhook_concurrency)
        self.receivers = Receivers(
            settings.webhook_networks,
            sha2=settings.webhook_sha2,
            seconds=settings.webhook_timeout_ms / 1000,
            preflight_seconds=settings.webhook_preflight_timeout_ms / 1000,
        )

    def empty(self, session: str, endpoint: str, *, is_nudged: bool = True) -> None:
        """Bring what waits in a lane. Whoever was not sent by its nudge makes sure that one is on the way, should
        somebody else be at it: that one may have died."""
        lane = keys.lane_to(endpoint, session)
        with self._bulkheads.turn(endpoint) as turn:
            if turn.wait:
                self._order(session, endpoint, int(turn.wait * 1000))
                return
            left = self._lanes.empty(lane, lambda some: self._work(session, endpoint, some), seconds=SLICE)
        if left is Left.MORE:
            self._order(session, endpoint, None)
        elif left is Left.TAKEN and (is_nudged or self._lanes.nudge(lane)):
            self._order(session, endpoint, LOOK_AGAIN_MS)

    def _order(self, session: str, endpoint: str, delay_ms: int | None) -> None:
        message = self._house.bus.message(keys.WEBHOOK_QUEUE, "deliver_lane", session=session, endpoint=endpoint)
        self._house.broker.enqueue(message, delay=delay_ms)

    def retry(
        self,
        session: str,
        endpoint: str,
        delivery: Delivery,
        number: int,
        again: Callable[[int], Any],
        *,
        afresh: bool = False,
    ) -> None:
        """One try by itself; `again` orders the same in so many ms, if there is no thread for it now. `afresh`: with a
        new time, though it is one of the fast ones."""
        found = self._directory.of(session)
        if target := found.at(endpoint):
            with self._bulkheads.turn(endpoint) as turn:
                if turn.wait:
                    again(int(turn.wait * 1000))
                else:
                    self._bring(found, target, self._circuits.get(endpoint), delivery, number, afresh=afresh)

    def _work(self, session: str, endpoint: str, entries: list[Entry]) -> Iterator[list[bytes]]:
        found = self._directory.of(session)
        target, circuit = found.at(endpoint), self._circuits.get(endpoint)
        for entry, fields in entries:
            verdict = self._bring(found, target, circuit, delivery_of(fields), 1) if target else None
            if verdict is not Verdict.DELIVERED or circuit.failures:
                circuit, found = self._circuits.get(endpoint), self._directory.of(session)
                target = found.at(endpoint)
            yield [entry]

    def _bring(
        self,
        found: Destinations,
        target: Target,
        circuit: Circuit,
        delivery: Delivery,
        number: int,
        *,
        afresh: bool = False,
    ) -> Verdict | None:
        """None: the endpoint is to be left alone."""
        if not found.is_deleted and (circuit.is_open or not target.is_enabled):
            self._settling.hold(target, delivery, until=circuit.open_until if target.is_enabled else None)
            return None
        now = time.time()
        if afresh or not self._settling.is_fast(number) or now - delivery.ts_ms / 1000 > FRESH:
            delivery = delivery.restamped(int(now * 1000))
        outcome = self._try(target, delivery, number)
        done = Try(
            target=target,
            delivery=delivery,
            number=number,
            is_deleted=found.is_deleted,
            is_doubtful=circuit.failures > 0,
        )
        with traces.about(session=target.identity.ulid, event=delivery.event_id):
            self._settling.settle(done, outcome)
        return outcome.verdict

    def _try(self, target: Target, delivery: Delivery, number: int) -> Outcome:
        outcome = self.receivers.deliver(target, delivery, number)
        self._meter.took(outcome.seconds, outcome.verdict.value)
        answered = outcome.verdict in (Verdict.DELIVERED, Verdict.NEVER)
        self._bulkheads.saw(target.endpoint, answered=answered, seconds=outcome.seconds)
        return outcome


def delivery_of(fields: dict[bytes, bytes]) -> Delivery:
    """As it stands in an outbox and in a lane."""
    ts_ms = int(fields[b"ts"])
    return Delivery(fields[b"id"].decode(), fields[b"event"].decode(), ts_ms, fields[b"body"], ts_ms)

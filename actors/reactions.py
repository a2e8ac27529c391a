"""Runs the actions that a webhook receiver has answered with: one after the other, each at most once.

A thread of its own crew goes through an answer from its first action to its last, through the pauses, too. What has
become of each is in the database before the next begins, and the commands have ids that follow from the delivery and
the place in the answer: whoever goes on after a crash repeats nothing.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import dramatiq
from dramatiq.errors import Retry

from warest import keys
from warest.actors.performing import Performing
from warest.config.house import House, open_fetcher
from warest.errors import InvalidInput
from warest.reactions.actions import called
from warest.reactions.runner import FAILED, Bounds, Interrupted, Outcome, Runner
from warest.reactions.templates import Template
from warest.sources import Sources
from warest.spool import Spool
from warest.store import Reaction, Store

log = logging.getLogger(__name__)

#: How long fetching a file may take, s (contract, webhooks.md section 6).
FETCH_PATIENCE = 20.0

#: Whoever stops gives its answers to the others at once, ms.
HAND_OVER_MS = 100


class Reactions:
    def __init__(self, house: House, store: Store, spool: Spool) -> None:
        self._house = house
        self._store = store
        self._stopping = _Stopping()
        self._settings = house.settings
        self._sources: Callable[[], Sources] = functools.cache(
            lambda: Sources(spool, open_fetcher(house.settings, seconds=FETCH_PATIENCE))
        )
        house.broker.add_middleware(self._stopping)

    def run(self, session: str, delivery: str, event: str, actions: list[Any], delay_ms: int | None) -> None:
        """Do what an answer asks for. Raises Interrupted when this process stops."""
        record = self._store.session_by_ulid(session)
        if record is None:
            log.info("the session of delivery %s is gone, and with it what its receiver asked for", delivery)
            return
        note = functools.partial(self._note, session, delivery)
        try:
            template = Template(event)
            filled: list[Any] = template.filled(actions)
        except (InvalidInput, RecursionError) as error:
            for number, told in enumerate(actions):
                note(called(told), str(number), Outcome(FAILED, error=str(error)))
            return
        performing = Performing(self._house, self._store, self._sources, self._wait, record, delivery, template)
        known = {each.position: _outcome(each) for each in self._store.reactions.of(delivery)}
        Runner(performing.perform, self._wait, note, known, self._bounds()).run(filled, self._pause(delay_ms))

    def _pause(self, delay_ms: int | None) -> float:
        return (delay_ms if delay_ms and delay_ms > 0 else self._settings.actions_delay_ms) / 1000

    def _bounds(self) -> Bounds:
        told = self._settings
        return Bounds(actions=told.actions_most, depth=told.actions_depth, seconds=told.actions_seconds)

    def _wait(self, seconds: float) -> None:
        if self._stopping.told.wait(min(seconds, self._settings.actions_pause)):
            raise Interrupted

    def _note(self, session: str, delivery: str, name: str, position: str, outcome: Outcome) -> None:
        if outcome.state == FAILED:
            log.warning("action %s of delivery %s failed; /webhooks/deliveries says why", position, delivery)
        told = Reaction(
            position=position,
            action=name,
            state=outcome.state,
            message=outcome.message,
            job=outcome.job,
            error=outcome.error,
            repeatable=outcome.repeatable,
            at=time.time(),
        )
        self._store.reactions.note(session, delivery, told)


def _outcome(known: Reaction) -> Outcome:
    return Outcome(known.state, known.message, known.job, known.error, known.repeatable)


class OldReactions:
    """What is known of actions whose time is over, for the rounds of maintenance.py: as long as of their deliveries."""

    def __init__(self, store: Store, *, days: float) -> None:
        self._reactions = store.reactions
        self._kept_for = days * 86_400

    def sweep(self, at_most: int = 1000) -> int:
        return self._reactions.prune(time.time() - self._kept_for, at_most)


class _Stopping(dramatiq.Middleware):
    """Ends the pauses when the worker stops."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self.told.set()


def declare(house: House, store: Store, spool: Spool) -> None:
    """The actor of the queue of actions."""
    work = Reactions(house, store, spool)
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.ACTIONS_QUEUE, broker=house.broker, **patient)
    def run_actions(session: str, delivery: str, event: str, actions: list[Any], delay_ms: int | None) -> None:
        """Run twice, or died half-way: what is known of an action is not done again, and the commands of the others
        have the ids that they had before, by which each runs once."""
        try:
            work.run(session, delivery, event, actions, delay_ms)
        except Interrupted:
            raise Retry("the worker stops", delay=HAND_OVER_MS) from None

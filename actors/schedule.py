"""Sends that wait: those whose time has come are ordered, those that were lost on the way are ordered again, and those
of which nothing will be heard any more are ended.

A command runs once, however often it is ordered under its id (command_runner.py). So a send that is still queued long
after it was noted, say because the web process died between the note and the order, is simply ordered again.
"""

import logging
import time
from typing import Any

import dramatiq

from warest import commands, keys
from warest.actors.rounds import Rounds
from warest.config.house import House
from warest.errors import NotFound, WarestError
from warest.store import Send, Store

log = logging.getLogger(__name__)

#: From one look for what was lost to the next, ms.
PERIOD_MS = 60_000

#: A send that was given out, and of which nothing was heard, is given out again after this long, s.
LEASE = 6 * 3600.0

#: What is still queued after this long may have been lost on its way, s.
LOST = 120.0

#: An Idempotency-Key is worth something for so long, s.
KEYS_KEPT = 24 * 3600.0

#: Records of sends are kept for so long, s.
RECORDS_KEPT = 30 * 24 * 3600.0


class Schedule:
    def __init__(self, house: House, store: Store) -> None:
        self._house = house
        self._sends = store.sends
        self._patience = house.settings.send_patience

    def send(self, id: str) -> None:
        """One whose time has come, unless it was cancelled."""
        if found := self._sends.claim(id, lease=LOST):
            self._give(found)

    def look_after(self) -> None:
        for found in [*self._sends.claim_due(lease=LOST), *self._sends.claim_lost(LOST, lease=LEASE)]:
            self._give(found)
        now = time.time()
        ended = self._sends.expire(now - self._patience - LOST)
        ended += self._sends.give_up(now - self._patience - LOST)
        for each in ended:
            log.warning("send %s is %s", each.id, each.state)
        self._sends.forget_keys(now - KEYS_KEPT)
        self._sends.prune(now - RECORDS_KEPT)

    def _give(self, send: Send) -> None:
        until = max(send.send_at or 0, send.created_at) + self._patience
        try:
            command = commands.decode(send.command["command"])
        except (KeyError, TypeError):  # of another release
            error = NotFound("Its command is not known to this release").to_dict()
            self._sends.advance(send.id, "failed", error=error)
            return
        compression = send.command.get("compression")
        self._house.bus.give(send.session, send.id, command, compression=compression, until=until)


def declare(house: House, store: Store, *, period_ms: int = PERIOD_MS) -> Rounds:
    """The actors; `order` sends the message of the rounds off."""
    work = Schedule(house, store)
    rounds = Rounds(house, "look_after_sends", period_ms)
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def send_scheduled(send: str) -> None:
        """Run twice, it is given out once; died in between, the rounds give it out later. It runs once in any case."""
        work.send(send)

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def look_after_sends(round: str) -> None:
        """Run twice, or died half-way: what was claimed is claimed, the rest is found by the next round."""
        if rounds.begin(round):
            try:
                work.look_after()
            except WarestError as error:
                log.warning("sends that wait are looked after in the next round: %s", error.message)

    return rounds

"""What has to be done now and then: what is kept for a time only is deleted when that is over.

That is temporary files, ours and those made for callers, events, deliveries, actions and the audit trail.
"""

import logging
import time
from typing import Any, Protocol

import dramatiq

from warest import keys
from warest.actors.rounds import Rounds
from warest.config.house import House
from warest.errors import WarestError
from warest.store import Store

log = logging.getLogger(__name__)

#: From one round to the next, ms.
PERIOD_MS = 300_000

#: Files or events that are deleted before it is looked again for how many there are.
_BATCH = 1000


class Swept(Protocol):
    def sweep(self, at_most: int = ..., /) -> int:
        """Delete what has expired, `at_most` of it if there is more; returns how much."""


class OldTrail:
    """What stands in the audit trail for longer than it is kept."""

    def __init__(self, store: Store, *, days: float) -> None:
        self._audit = store.audit
        self._kept_for = days * 86_400

    def sweep(self, at_most: int = _BATCH) -> int:
        return self._audit.prune(time.time() - self._kept_for, at_most)


def declare(house: House, *swept: Swept, period_ms: int = PERIOD_MS) -> Rounds:
    """The actor that sweeps; `order` sends its message off."""
    rounds = Rounds(house, "sweep_spool", period_ms)
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def sweep_spool(round: str) -> None:
        """Idempotent: what is gone is gone. Run twice, or died half-way and run again, it may order the next round
        twice, of which the second ends at once; what was not deleted is deleted now."""
        if rounds.begin(round):
            for each in swept:
                _sweep(each)

    return rounds


def _sweep(each: Swept) -> None:
    try:
        while each.sweep(_BATCH) >= _BATCH:
            pass
    except WarestError as error:
        log.warning("what has expired is not swept away, until the next round: %s", error.message)

"""What has to be done now and then: temporary files whose time is over are deleted, ours and those made for callers.

One Dramatiq message goes round. Whoever gets it orders the next one, and then does the work, so that whatever becomes
of the work does not end the rounds. Each worker that starts sends a message off; a key in Redis says whose round it is,
and a message that comes during the round of another ends there. So one goes on, however many workers there are; should
it be lost, with all of Redis say, the next worker that starts sends another.
"""

import logging
from typing import Any, Protocol

import dramatiq

from warest import keys
from warest.config.house import House
from warest.errors import WarestError
from warest.ids import new_ulid

log = logging.getLogger(__name__)

#: From one round to the next, ms.
PERIOD_MS = 300_000

#: Files that are deleted before it is looked again for how many there are.
_BATCH = 1000


class Swept(Protocol):
    def sweep(self, at_most: int = ..., /) -> int:
        """Delete what has expired, `at_most` files if there are more; returns how many."""


class Maintenance:
    def __init__(self, house: House, swept: tuple[Swept, ...], period_ms: int) -> None:
        self._house = house
        self._swept = swept
        self._period_ms = period_ms

    def order(self, *, delay_ms: int) -> None:
        message = self._house.bus.message(keys.MAINTENANCE_QUEUE, "sweep_spool", round=new_ulid())
        self._house.broker.enqueue(message, delay=delay_ms)

    def sweep(self, round: str) -> None:
        if not self._is_its_turn(round):
            return
        self.order(delay_ms=self._period_ms)
        for each in self._swept:
            try:
                while each.sweep(_BATCH) >= _BATCH:
                    pass
            except WarestError as error:
                log.warning("temporary files are not swept away, until the next round: %s", error.message)

    def _is_its_turn(self, round: str) -> bool:
        """The round is over long before the next one comes, and lasts longer than a message takes to run again."""
        key = keys.maintenance_round("spool")
        taken = self._house.redis.set(key, round, nx=True, px=self._period_ms // 2)
        return bool(taken) or self._house.redis.get(key) == round.encode()


def declare(house: House, *swept: Swept, period_ms: int = PERIOD_MS) -> Maintenance:
    """The actors of the maintenance queue. `order` sends the message off."""
    work = Maintenance(house, swept, period_ms)
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, **patient)
    def sweep_spool(round: str) -> None:
        """Idempotent: what is gone is gone. Run twice, or died half-way and run again, it may order the next round
        twice, of which the second ends at once; what was not deleted is deleted now."""
        work.sweep(round)

    return work

"""Work that is done again and again, by one process at a time, without a clock of its own.

One Dramatiq message goes round. Whoever gets it orders the next one, and then does the work, so that whatever becomes
of the work does not end the rounds. Each worker that starts sends a message off; a key in Redis says whose round it is,
and a message that comes during the round of another ends there. So one goes on, however many workers there are; should
it be lost, with all of Redis say, the next worker that starts sends another.
"""

from warest import keys
from warest.config.house import House
from warest.ids import new_ulid


class Rounds:
    def __init__(self, house: House, actor: str, period_ms: int) -> None:
        """`actor` is on the maintenance queue and takes `round`, which it gives to `begin`."""
        self._house = house
        self._actor = actor
        self._period_ms = period_ms

    def order(self, *, delay_ms: int) -> None:
        """Send a message off."""
        message = self._house.bus.message(keys.MAINTENANCE_QUEUE, self._actor, round=new_ulid())
        self._house.broker.enqueue(message, delay=delay_ms)

    def begin(self, round: str) -> bool:
        """Whether the work is this one's to do; the next round is ordered then."""
        if not self._is_its_turn(round):
            return False
        self.order(delay_ms=self._period_ms)
        return True

    def _is_its_turn(self, round: str) -> bool:
        """The round is over long before the next one comes, and lasts longer than a message takes to run again."""
        key = keys.maintenance_round(self._actor)
        taken = self._house.redis.set(key, round, nx=True, px=self._period_ms // 2)
        return bool(taken) or self._house.redis.get(key) == round.encode()

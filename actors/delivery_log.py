"""The log of deliveries: what has come of each try is put into a stream at once, and from there into the database.

So no delivery waits for the database, and none is forgotten while that is away.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
import redis

from warest import keys
from warest.config.house import House
from warest.errors import DriverError
from warest.followers import Entry, Follower
from warest.lanes import FILL
from warest.store import Attempt, Note, Store

#: So many notes that nobody has written down mean that the database has been away for long: then deliveries wait.
LIMIT = 200_000


class DeliveryLog:
    def __init__(self, client: "redis.Redis") -> None:
        self._fill: Callable[..., Any] = client.register_script(FILL)

    def note(self, *notes: Note) -> None:
        """Durable when this returns. Raises DriverError when there are too many already."""
        entries = [text for note in notes for text in ("note", orjson.dumps(asdict(note)))]
        held = [keys.DELIVERY_LOG, keys.DELIVERY_LOG, keys.DELIVERY_LOG]
        if entries and not self._fill(keys=held, args=[LIMIT, 0, "", 2, *entries]):
            raise DriverError("The log of deliveries is full: is the database out of reach?")


def follower(house: House, store: Store) -> Follower:
    """Writes it down, from `start` to `stop`. What was written twice is known the second time."""
    return Follower(house.redis, keys.DELIVERY_LOG, lambda entries: store.deliveries.write(list(map(_note, entries))))


class OldDeliveries:
    """Those whose time is over, for the rounds of maintenance.py."""

    def __init__(self, store: Store, *, days: float) -> None:
        self._deliveries = store.deliveries
        self._kept_for = days * 86_400

    def sweep(self, at_most: int = 1000) -> int:
        return self._deliveries.prune(time.time() - self._kept_for, at_most)


def _note(entry: Entry) -> Note:
    told = orjson.loads(entry[1][b"note"])
    attempt = told.pop("attempt")
    return Note(**told, attempt=Attempt(**attempt) if attempt else None)

"""The record of all events: the public Redis stream is written into the database, and what is old is deleted there.

The database has the events in the order of the stream and without a gap below the newest one, so that whoever reads
can go from one to the other by the same cursor. It may lag behind: what is recent is read from the stream.
"""

import time

from warest import ids, keys
from warest.chronicle import record_of
from warest.config.house import House
from warest.followers import Follower
from warest.store import Store

DAY_MS = 86_400_000


def follower(house: House, store: Store) -> Follower:
    """Writes it down, from `start` to `stop`.

    The cursor is in the database, beside what it stands for: so a database that was restored gets what it has not, as
    far back as the stream goes. A Redis that was emptied goes on with later ids.
    """
    return Follower(
        house.redis,
        keys.EVENTS,
        lambda entries: store.events.add([record_of(ids.cursor_number(id), fields) for id, fields in entries]),
        since=lambda: ids.cursor_text(store.events.last()),
    )


class OldEvents:
    """Those whose time is over, for the rounds of maintenance.py."""

    def __init__(self, store: Store, *, days: float) -> None:
        self._events = store.events
        self._kept_ms = int(days * DAY_MS)

    def sweep(self, at_most: int = 1000) -> int:
        return self._events.prune(time.time_ns() // 1_000_000 - self._kept_ms, at_most)

"""A session process' sign of life: it renews the lease, as long as the process runs and Redis is there, and looks
whether the session gets on."""

import logging
import threading
import time
from collections.abc import Callable

import redis

from warest.errors import LeaseLost
from warest.leases import Lease, Leases

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews several times in the life of a lease, calls `on_beat` each time, and tells once when the lease is lost.

    While Redis is away nobody else can take the lease either, so the session goes on; a holder that froze finds out
    when it wakes.
    """

    def __init__(
        self, leases: Leases, lease: Lease, *, on_beat: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self._leases = leases
        self._lease = lease
        self._on_beat = on_beat
        self._on_lost = on_lost
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(self._leases.ttl / 4)
            self._on_beat()
            try:
                self._leases.renew(self._lease)
            except LeaseLost:
                return self._on_lost()
            except redis.RedisError as error:
                log.warning("the lease could not be renewed: %s", error)

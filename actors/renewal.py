"""Gives the sessions of this host new processes when that is ordered (restarts.py): one after the other, so that all
but one are online at any moment. None is linked anew, and what comes meanwhile waits at WhatsApp.
"""

import logging
import threading
import time
from collections.abc import Callable

import redis

from warest.actors.children import Children
from warest.errors import WarestError
from warest.restarts import Restarts
from warest.states import States

log = logging.getLogger(__name__)

#: How often it looks for an order, s; and how long it waits for a session before it goes on with the next, s.
_LOOK_EVERY, _PATIENCE = 1.0, 15.0


class Renewal:
    def __init__(self, children: Children, states: States, restarts: Restarts, start: Callable[[str], None]) -> None:
        self._children = children
        self._states = states
        self._restarts = restarts
        self._start = start

    def run_beside(self, closing: threading.Event) -> None:
        """Look for orders until the supervisor closes, on a thread."""

        def run() -> None:
            while not closing.wait(_LOOK_EVERY):
                try:
                    self.renew_one_by_one(closing)
                except (WarestError, redis.RedisError) as error:
                    log.warning("the sessions are not restarted yet: %s", error)

        threading.Thread(target=run, name="renewal", daemon=True).start()

    def renew_one_by_one(self, closing: threading.Event) -> None:
        """Those that have been running since before the order; a new one is younger, so nobody is restarted twice."""
        moment = self._restarts.newest()
        for ulid, child in self._children.alive() if moment else ():
            if closing.is_set():
                return
            if child.is_alive and time.time() - child.age() < moment:
                log.info("session %s is restarted, as ordered", ulid)
                was_open = self._states.get(ulid).is_open
                self._children.end(ulid)
                self._start(ulid)
                if was_open:
                    self._states.wait(ulid, lambda state: state.is_open or state.known.ends, _PATIENCE)

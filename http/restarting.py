"""A web process that is to be restarted ends, and gunicorn starts another in its place.

Requests that it has begun are finished; those that come meanwhile wait at the socket, which is gunicorn's.
"""

import logging
import os
import signal
import socket
from collections.abc import Callable

import redis

from warest.restarts import Turn

log = logging.getLogger(__name__)


def watch(client: "redis.Redis", started_at: float) -> Callable[[], None]:
    """What ends this process, which was started then (epoch s), when it is its turn. To be called every second."""
    turn = Turn(client, f"web:{socket.gethostname()}:{os.getppid()}", started_at)

    def look() -> None:
        if turn.has_come():
            log.warning("the web process restarts, as ordered")
            os.kill(os.getpid(), signal.SIGTERM)

    return look

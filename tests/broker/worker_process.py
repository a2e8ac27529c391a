"""A worker in a process of its own, to be killed by tests: worker_process.py URL THREADS."""

import os
import signal
import sys
import time
from typing import Any

import dramatiq
import redis

from warest.broker import StreamsBroker

QUEUE = "shared"

#: List: what ran, as "<actor> <argument>".
LOG = "test:log"

#: Seconds. Short, so that the tests are.
HEARTBEAT = 0.6

MAX_DELIVERIES = 2


def declare(broker: dramatiq.Broker, log: redis.Redis) -> dict[str, "dramatiq.Actor[..., Any]"]:
    def note(value: str) -> None:
        log.rpush(LOG, f"note {value}")

    def hang(seconds: float) -> None:
        if log.rpush(LOG, f"hang {os.getpid()}") == 1:  # the first time only
            time.sleep(seconds)

    def crash() -> None:
        log.rpush(LOG, "crash")
        os.kill(os.getpid(), signal.SIGKILL)

    return {
        "note": dramatiq.actor(broker=broker, queue_name=QUEUE)(note),
        "hang": dramatiq.actor(broker=broker, queue_name=QUEUE)(hang),
        "crash": dramatiq.actor(broker=broker, queue_name=QUEUE)(crash),
    }


def main(url: str, threads: str) -> None:
    broker = StreamsBroker(url, heartbeat=HEARTBEAT, max_deliveries=MAX_DELIVERIES)
    declare(broker, redis.Redis.from_url(url))
    dramatiq.Worker(broker, worker_threads=int(threads)).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])

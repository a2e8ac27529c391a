"""A worker whose only work is to write down what it did: chaos_process.py URL FILE."""

import os
import random
import signal
import sys
import time

import dramatiq

from warest.broker import StreamsBroker

QUEUE = "chaos"

#: Seconds. Short, so that much is taken over in a short test.
HEARTBEAT = 1.0

#: A message that is killed with its process time and again is not to blame here.
MAX_DELIVERIES = 100


def declare(broker: dramatiq.Broker, file: str) -> "dramatiq.Actor[..., None]":
    log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write_down(number: int) -> None:
        time.sleep(random.uniform(0, 0.02))
        os.write(log, f"{number}\n".encode())  # one write, so no two mix

    return dramatiq.actor(broker=broker, queue_name=QUEUE)(write_down)


def main(url: str, file: str) -> None:
    broker = StreamsBroker(url, heartbeat=HEARTBEAT, max_deliveries=MAX_DELIVERIES)
    declare(broker, file)
    dramatiq.Worker(broker, worker_threads=4).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])

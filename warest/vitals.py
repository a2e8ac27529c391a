"""How the processes of an installation are: each tells Redis of itself now and then, and anybody can read it.

A report is `{"id", "kind", "host", "pid", "session", "startedAt", "at", "residentBytes", "cpuSeconds", "threads",
"work"}`; times are epoch seconds, `work` is what its meters say (meters.py), by name. One that has ended says nothing
more, and is forgotten after KEPT. It is for people and their monitors: where Redis is away, nothing is told.

The processor of each host is looked at, too, by one of its processes at a time.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import redis

from warest import keys, machine
from warest.errors import DriverError
from warest.meters import Meter

#: From one report to the next, s.
PERIOD = 15.0

#: What was not told again for so long is of a process that is gone, s.
KEPT = 3 * PERIOD

#: How long the processor's history is kept, s; and samples that are read in one go.
HISTORY, _PAGE = 30 * 86_400, 5_000

Report = dict[str, Any]


class Reporter:
    """Tells of its own process."""

    def __init__(
        self, client: "redis.Redis", kind: str, meters: Mapping[str, Meter], *, session: str = "", watches: bool = True
    ) -> None:
        """`kind`: web, worker, sessions (a supervisor) or session, whose public id is `session`. `watches`: it looks
        at the processor of its host."""
        self.started_at = time.time()
        self._redis = client
        self._meters = meters
        self._told = {
            "kind": kind, "host": socket.gethostname(), "pid": os.getpid(), "session": session or None,
            "startedAt": self.started_at,
        }  # fmt: skip
        self.id = f"{kind}/{self._told['host']}/{os.getpid()}"
        self._watches = watches
        self._ticks = machine.cpu_ticks() if watches else (0, 0)
        self._due = 0.0

    def report(self) -> Report:
        """As it is now."""
        own = machine.process()
        return {
            "id": self.id,
            **self._told,
            "at": time.time(),
            "residentBytes": own.resident,
            "cpuSeconds": round(own.user + own.system, 2),
            "threads": own.threads,
            "work": {name: meter.figures() for name, meter in self._meters.items()},
        }

    def tick(self) -> None:
        """Report, if it is time."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PERIOD
        with contextlib.suppress(redis.RedisError):
            self._put()
            if self._watches:
                self._look_at_processor()

    def run_beside(self, look: Callable[[], object] = lambda: None) -> None:
        """Report for as long as the process lives, on a thread; `look` is called every second."""

        def run() -> None:
            while True:
                self.tick()
                look()
                time.sleep(1)

        threading.Thread(target=run, name="vitals", daemon=True).start()

    def leave(self) -> None:
        """The process ends."""
        with contextlib.suppress(redis.RedisError):
            self._redis.delete(keys.vitals(self.id))
            self._redis.zrem(keys.PROCESSES, self.id)

    def _put(self) -> None:
        now = time.time()
        with self._redis.pipeline() as pipe:
            pipe.set(keys.vitals(self.id), orjson.dumps(self.report()), ex=int(KEPT))
            pipe.zadd(keys.PROCESSES, {self.id: now})
            pipe.zremrangebyscore(keys.PROCESSES, 0, now - KEPT)
            pipe.execute()

    def _look_at_processor(self) -> None:
        """Each process has its own last look; whose turn it is, writes."""
        host = str(self._told["host"])
        before, self._ticks = self._ticks, machine.cpu_ticks()
        busy, whole = (now - then for now, then in zip(self._ticks, before, strict=True))
        if whole and self._redis.set(keys.cpu_turn(host), 1, nx=True, px=int(PERIOD * 900)):
            used = f"{100 * busy / whole:.2f}"
            self._redis.xadd(keys.cpu_history(host), {"used": used}, maxlen=int(HISTORY / PERIOD), approximate=True)


def reports(client: "redis.Redis") -> list[Report]:
    """Of all processes that live, by kind, host and number. Raises DriverError."""
    with _driver_errors():
        ids: Any = client.zrangebyscore(keys.PROCESSES, time.time() - KEPT, "+inf")
        found: Any = client.mget([keys.vitals(id.decode()) for id in ids]) if ids else []
    return sorted((orjson.loads(each) for each in found if each), key=lambda report: str(report["id"]))


def cpu_history(client: "redis.Redis", host: str, since: float, step: float) -> list[tuple[int, float]]:
    """How busy a host was, in percent, on average of each `step` seconds since then (epoch s), oldest first; with the
    beginning of each (epoch s). Raises DriverError."""
    sums: dict[int, tuple[float, int]] = {}
    with _driver_errors():
        for at, used in _samples(client, host, since):
            begin = int(at // step * step)
            total, count = sums.get(begin, (0.0, 0))
            sums[begin] = total + used, count + 1
    return [(begin, round(total / count, 2)) for begin, (total, count) in sums.items()]


def _samples(client: "redis.Redis", host: str, since: float) -> Iterator[tuple[float, float]]:
    begin: str | bytes = str(int(since * 1000))
    while True:
        page: Any = client.xrange(keys.cpu_history(host), begin, "+", count=_PAGE)
        for id, fields in page:
            yield int(id.partition(b"-")[0]) / 1000, float(fields[b"used"])
        if len(page) < _PAGE:
            return
        begin = b"(" + page[-1][0]


@contextlib.contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The figures of the processes are out of reach, Redis said: {error}") from error

"""Ten thousand events while processes are killed, the receiver is away and the database is locked: none is lost.

Each is a text that somebody writes to a session; what has come is compared with what was written. Figures are printed.
"""

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually
from warest import keys

OURS, OTHER = "628140000001", "628140000002"

TEXTS, KILLS = 10_000, 8

#: What the engine may have acknowledged and not yet handed over when its process is killed (it has a queue of 100).
ENGINE_HOLDS = 101

#: How long a receiver, and the database, is away, s: the fast retries are over after 6.
AWAY = 20.0

#: Those that hold no session.
KINDS = ("worker", "web", "Redis")

MARKS = {
    "worker": b"warest.cli\0worker",
    "web": b"gunicorn",
    "Redis": b"redis-server",
    "supervisor": b"warest.cli\0sessions",
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("p"), LOG_LEVEL="error", WAREST_EVENTS_KEPT="100000") as product:
        yield product


class Flow:
    """Somebody writes, as fast as the phone can, from a thread of its own."""

    def __init__(self, product: Product, name: str, count: int) -> None:
        self.texts = [f"{name} {number}" for number in range(count)]
        self._product = product
        self._thread = threading.Thread(target=self._write)
        self.written = 0

    def __enter__(self) -> "Flow":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _write(self) -> None:
        for text in self.texts:
            self._product.phone_sends(OTHER, OURS, text)
            self.written += 1

    def wait(self, share: float) -> None:
        eventually(lambda: self.written >= share * len(self.texts), within=600, what=f"{share:.0%} of the texts")


class Found:
    """What has come of it: how often each text, and under which ids."""

    def __init__(self, receiver: Receiver) -> None:
        hooks = [hook.json["data"] for hook in receiver.of("message_received")]
        self.times = Counter(data["text"] for data in hooks)
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        for data in hooks:
            self.ids[data["text"]].add(data["eventId"])

    def missing(self, texts: list[str]) -> list[str]:
        return [text for text in texts if text not in self.times]

    def report(self, what: str, texts: list[str], taken: float) -> None:
        again = sum(self.times[text] - 1 for text in texts if text in self.times)
        lost = len(self.missing(texts))
        print(f"\n{what}: {len(texts)} texts in {taken:.0f} s, {lost} lost, {again} came again under the same id")


def pids(product: Product, kind: str) -> list[int]:
    return [pid for pid in product.children() if MARKS[kind] in Path(f"/proc/{pid}/cmdline").read_bytes()]


def kill(product: Product, kind: str) -> None:
    for pid in pids(product, kind):
        os.kill(pid, signal.SIGKILL)


def all_there(flow: Flow, receiver: Receiver, within: float = 300) -> Found:
    eventually(lambda: not Found(receiver).missing(flow.texts), within=within, what="every text")
    return Found(receiver)


@contextmanager
def locked(product: Product) -> Iterator[None]:
    """Nobody else writes to the database meanwhile."""
    with closing(sqlite3.connect(product.data / "warest.sqlite", timeout=60, isolation_level=None)) as database:
        database.execute("begin exclusive")
        yield
        database.execute("rollback")


@pytest.fixture(scope="module")
def receiver(product: Product) -> Iterator[Receiver]:
    """Linked, and everything that linking tells has come."""
    with Receiver() as receiver:
        product.link("ours", OURS, receiver.url)
        product.sandbox("POST", "/phones", json={"phone": OTHER, "name": "Other"})
        eventually(lambda: receiver.of("creds_update"))
        yield receiver


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_event_is_lost_when_processes_are_killed(product: Product, receiver: Receiver) -> None:
    """Any but that of the session: web, worker and Redis, at random."""
    chance, began = random.Random(1), time.monotonic()
    with Flow(product, "kills", TEXTS) as flow:
        for number in range(1, KILLS + 1):
            flow.wait(number / (KILLS + 1))
            kind = chance.choice(KINDS) if number > len(KINDS) else KINDS[number - 1]
            kill(product, kind)
            print(f"\n{kind} killed after {flow.written} texts", end="", flush=True)
            eventually(lambda kind=kind: pids(product, kind), within=60, what=f"{kind} to be back")  # type: ignore[misc]
    found = all_there(flow, receiver)
    found.report(f"{KILLS} kills", flow.texts, time.monotonic() - began)
    assert all(len(ids) == 1 for ids in found.ids.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_event_is_lost_while_the_receiver_is_away(product: Product, receiver: Receiver) -> None:
    """For longer than the fast retries take; then all comes, also what was not tried meanwhile."""
    began = time.monotonic()
    with Flow(product, "away", 2_000) as flow:
        flow.wait(0.2)
        receiver.status = 503
        time.sleep(AWAY)
        receiver.status = 200
    found = all_there(flow, receiver)
    found.report(f"receiver away for {AWAY:.0f} s", flow.texts, time.monotonic() - began)
    assert all(len(ids) == 1 for ids in found.ids.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_event_is_lost_while_the_database_is_locked(product: Product, receiver: Receiver) -> None:
    """Deliveries do not wait for it; the log is written when it is free again."""
    began = time.monotonic()
    with Flow(product, "locked", 2_000) as flow:
        flow.wait(0.2)
        with locked(product):
            before = len(receiver.received)
            eventually(lambda: len(receiver.received) >= before + 100, what="events while the database is locked")
            time.sleep(AWAY)
    found = all_there(flow, receiver)
    found.report(f"database locked for {AWAY:.0f} s", flow.texts, time.monotonic() - began)
    eventually(lambda: len(_logged(product, "delivered")) >= len(flow.texts), within=120, what="the log")


def _logged(product: Product, state: str) -> list[Any]:
    with closing(sqlite3.connect(product.data / "warest.sqlite")) as database:
        return database.execute("select id from deliveries where state = ?", [state]).fetchall()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_engine_loses_when_its_session_is_killed(product: Product, receiver: Receiver) -> None:
    """What it had acknowledged and not handed over is gone (README says so); nothing is lost once it is in Redis. The
    last one who is killed is the supervisor, and its sessions with it."""
    began = time.monotonic()
    with Flow(product, "session", 3_000) as flow:
        for number in (1, 2, 3):
            flow.wait(number / 4)
            pid = product.session_pid("ours")
            os.kill(pid, signal.SIGKILL) if number < 3 else kill(product, "supervisor")
            eventually(lambda pid=pid: product.session_pid("ours") not in (0, pid), within=60)  # type: ignore[misc]
            product.wait_open("ours", within=60)
    product.phone_sends(OTHER, OURS, "the last one")  # WhatsApp keeps the order, so all others came before
    eventually(lambda: "the last one" in _in_stream(product), within=120, what="the last text")
    kept = set(flow.texts) & _in_stream(product)
    eventually(lambda: not Found(receiver).missing(sorted(kept)), within=120, what="all that is in Redis")
    found = Found(receiver)
    found.report("2 kills of the session, 1 of the supervisor", flow.texts, time.monotonic() - began)
    print(f"acknowledged by the engine and never handed over: {len(flow.texts) - len(kept)}")
    assert len(flow.texts) - len(kept) <= 3 * ENGINE_HOLDS
    assert all(len(ids) == 1 for ids in found.ids.values())


def _in_stream(product: Product) -> set[str]:
    with product.redis() as client:
        entries: Any = client.xrange(keys.EVENTS)
    bodies = [json.loads(fields[b"body"]) for _, fields in entries if fields[b"event"] == b"message_received"]
    return {body["data"]["text"] for body in bodies}

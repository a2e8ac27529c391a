"""Two supervisors share the sessions of one Redis, and take over from each other."""

import collections
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from support.product import Product
from support.waiting import eventually

PHONES = [f"628140000{number:03}" for number in range(30)]

HALF = len(PHONES) // 2


@contextmanager
def second_supervisor(product: Product) -> Iterator[subprocess.Popen[bytes]]:
    """Another `warest sessions`, in a process group of its own, as on another host with the same data."""
    environment = product.environment | {
        "WAREST_REDIS_URL": f"unix://{product.data}/redis.sock",
        "WAREST_DATA_DIR": str(product.data),
        "WAREST_SANDBOX_URL": f"http://127.0.0.1:{product.sandbox_port}",
    }
    command = [sys.executable, "-m", "warest.cli", "sessions"]
    with product.log.open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def owners(product: Product) -> dict[str, int]:
    """Supervisor -> how many sessions it holds."""
    with redis.Redis(unix_socket_path=str(product.data / "redis.sock")) as client:
        leases = [client.get(key) for key in client.scan_iter("warest:session:*:lease")]
    held = [lease.decode().partition(":")[2] for lease in leases if isinstance(lease, bytes)]
    return {owner: held.count(owner) for owner in held}


def all_open(product: Product) -> bool:
    items = product.api("GET", "/session/list")["results"][0]["items"]
    return len(items) == len(PHONES) and all(item["state"] == "open" for item in items)


def shared(product: Product) -> bool:
    return sorted(owners(product).values()) == [HALF, HALF] and all_open(product)


class Chatter:
    """Sends numbered texts from session to session all the time, and counts those that were accepted."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self.accepted: list[str] = []

    def __enter__(self) -> "Chatter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _talk(self) -> None:
        for number in itertools.count():
            if self._over.is_set():
                return
            sender, text = PHONES[1 + number % (len(PHONES) - 1)], f"text {number}"
            if self._product.send(f"s{sender}", PHONES[0], text)["code"] == 1000:
                self.accepted.append(text)


def timed(what: str, look: Callable[[], bool], within: float) -> None:
    began = time.monotonic()
    eventually(look, within=within, what=what)
    print(f"{what}: {time.monotonic() - began:.1f} s")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_sessions_are_shared_and_taken_over(product: Product) -> None:
    """Half of them go to whoever joins; when it is killed, frozen or stopped they come back, without a QR."""
    for phone in PHONES:
        product.link(f"s{phone}", phone)
    (first,) = owners(product)

    def all_back() -> bool:
        return owners(product) == {first: len(PHONES)} and all_open(product)

    with Chatter(product) as chatter:
        with second_supervisor(product) as second:
            eventually(lambda: shared(product), within=60, what="half of the sessions on each")
            os.killpg(second.pid, signal.SIGKILL)
            timed("all open after a kill", all_back, within=30)

        with second_supervisor(product) as second:
            eventually(lambda: shared(product), within=60, what="half of the sessions on each")
            second.send_signal(signal.SIGTERM)
            timed("all open after a graceful hand-over", all_back, within=10)

        with second_supervisor(product) as second:
            eventually(lambda: shared(product), within=60, what="half of the sessions on each")
            os.killpg(second.pid, signal.SIGSTOP)
            timed("all open after a freeze", all_back, within=40)
            os.killpg(second.pid, signal.SIGCONT)
            eventually(lambda: shared(product), within=60, what="half of the sessions on each again")

    heard = collections.Counter(product.texts(PHONES[0]))
    print(f"{len(chatter.accepted)} texts were accepted meanwhile")
    assert [text for text, times in heard.items() if times > 1] == []
    assert set(chatter.accepted) - set(heard) == set()

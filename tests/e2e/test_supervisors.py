"""Two supervisors share the sessions of one Redis, and take over from each other."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from support.product import Product
from support.waiting import eventually

PHONES = [f"62814000000{number}" for number in range(6)]


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
    return sorted(owners(product).values()) == [3, 3] and all_open(product)


@pytest.mark.slow
def test_sessions_are_shared_and_taken_over(product: Product) -> None:
    """Half of them go to whoever joins; when it is killed, frozen or stopped they come back, without a QR."""
    for phone in PHONES:
        product.link(f"s{phone}", phone)
    (first,) = owners(product)

    with second_supervisor(product) as second:
        eventually(lambda: shared(product), within=40, what="three sessions on each")
        os.killpg(second.pid, signal.SIGKILL)
        eventually(lambda: owners(product) == {first: 6} and all_open(product), within=30, what="all back")

    with second_supervisor(product) as second:
        eventually(lambda: shared(product), within=40, what="three sessions on each")
        second.send_signal(signal.SIGTERM)
        eventually(lambda: owners(product) == {first: 6} and all_open(product), within=10, what="a graceful hand-over")

    with second_supervisor(product) as second:
        eventually(lambda: shared(product), within=40, what="three sessions on each")
        os.killpg(second.pid, signal.SIGSTOP)
        eventually(lambda: owners(product) == {first: 6} and all_open(product), within=40, what="all taken over")
        os.killpg(second.pid, signal.SIGCONT)
        for phone in PHONES:
            assert product.send(f"s{phone}", PHONES[0], f"from {phone}")["code"] == 1000
        eventually(lambda: all(product.phone_has(PHONES[0], f"from {phone}") for phone in PHONES))
        messages = product.sandbox("GET", f"/phones/{PHONES[0]}/messages", params={"after": 0, "wait": 0})
        texts = [message["text"] for message in messages if message["kind"] == "text" and not message["fromMe"]]
        assert sorted(texts) == sorted({f"from {phone}" for phone in PHONES[1:]})

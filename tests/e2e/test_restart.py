"""The product survives its own end."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.product import Product
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_everything_comes_back(product: Product, end: str) -> None:
    """Sessions are open again without a QR, and webhooks that were queued are delivered."""
    with Receiver() as receiver:
        port = receiver.port
        product.link("budi", BUDI, receiver.url)
        eventually(lambda: receiver.of("creds_update"))
    product.sandbox("POST", "/phones", json={"phone": ANI, "name": "Ani"})
    product.phone_sends(ANI, BUDI, "nobody listens")
    eventually(lambda: "Connection refused" in product.log.read_text())

    product.stop() if end == "SIGTERM" else product.kill_everything()
    with Receiver(port) as receiver:
        product.start()
        product.wait_open("budi")
        eventually(lambda: "nobody listens" in receiver.texts(), within=30)
        product.phone_sends(ANI, BUDI, "and on it goes")
        eventually(lambda: "and on it goes" in receiver.texts())
        assert len({hook.json["data"]["eventId"] for hook in receiver.of("message_received")}) == 2


def test_ctrl_c_stops_all_within_ten_seconds(product: Product) -> None:
    """One signal ends every process of the product."""
    product.link("ani", ANI)
    assert product.violations() == []
    began = time.monotonic()
    assert product.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 10
    product.start()


def test_a_second_one_on_the_same_folder_is_refused(product: Product) -> None:
    """It says so, and the first one goes on."""
    second = subprocess.run(
        product.command(), env=product.environment, cwd=product.folder, capture_output=True, text=True, timeout=30
    )
    assert second.returncode == 1
    assert "Another `warest up` runs on" in second.stderr
    assert product.is_up()


def test_a_crashed_part_is_started_again(product: Product) -> None:
    """A web process that is killed is replaced."""
    web = process(product, b"gunicorn")
    subprocess.run(["kill", "-KILL", str(web)], check=True)
    eventually(lambda: not Path(f"/proc/{web}").exists())
    eventually(product.is_up)


def test_a_stop_takes_along_what_whatsapp_believes_to_be_received(product: Product, receiver: Receiver) -> None:
    """Texts wait in the engine because Redis hangs; the stop that comes then still makes each of them an event."""
    product.link("budi", BUDI, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ANI, "name": "Ani"})
    redis, supervisor = process(product, b"redis-server"), process(product, b"\0sessions\0")
    sent = [f"text {number}" for number in range(60)]

    os.kill(redis, signal.SIGSTOP)
    for text in sent:
        product.phone_sends(ANI, BUDI, text)
    os.kill(supervisor, signal.SIGTERM)
    os.kill(redis, signal.SIGCONT)

    eventually(lambda: not Path(f"/proc/{supervisor}").exists())
    eventually(lambda: receiver.texts() == sent, within=40)


def test_a_killed_redis_disturbs_no_session(product: Product, receiver: Receiver) -> None:
    """It is back with all it had; sessions go on in the same processes, and nothing is missing."""
    product.link("budi", BUDI, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ANI, "name": "Ani"})
    pid = product.session_pid("budi")

    os.kill(process(product, b"redis-server"), signal.SIGKILL)
    product.phone_sends(ANI, BUDI, "without Redis")

    eventually(lambda: receiver.texts() == ["without Redis"], within=40)
    assert product.send("budi", ANI, "with Redis")["code"] == 1000
    assert product.session_pid("budi") == pid


def process(product: Product, mark: bytes) -> int:
    return next(pid for pid in product.children() if mark in Path(f"/proc/{pid}/cmdline").read_bytes())


def test_a_lost_redis_is_filled_again(product: Product) -> None:
    """Its files are gone: what is down still says why, and what should run runs, without a QR."""
    product.link("down", "628120000031")
    product.link("running", "628120000032")
    product.sandbox("POST", "/faults", json={"kind": "replaced", "phone": "628120000031"})
    eventually(lambda: product.session("down")["state"] == "replaced")
    eventually(lambda: state_in_database(product, "down") == "replaced")
    product.stop()
    (product.data / "redis.aof").unlink()
    product.start()
    product.wait_open("running")
    item = product.session("down")
    assert (item["state"], item["status"], item["reason"]) == ("replaced", "replaced", "stream replaced")
    assert item["me"]["id"].startswith("628120000031")


def state_in_database(product: Product, session: str) -> str:
    with closing(sqlite3.connect(product.data / "warest.sqlite")) as database:
        (state,) = database.execute("select state from sessions where name = ?", [session]).fetchone()
    return str(state)

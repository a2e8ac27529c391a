"""Every state of a session, reached by a fault of the network, seen in session/list and in the event, and left again.

One product for all tests of this file: each uses a phone of its own.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("p"), WAREST_CONNECT_SEC="6") as product:
        yield product


def fault(product: Product, kind: str, phone: str, **options: Any) -> None:
    product.sandbox("POST", "/faults", json={"kind": kind, "phone": phone, **options})


def reach(product: Product, session: str, state: str, within: float = 20) -> dict[str, Any]:
    """The session's entry in the list, as soon as it is in this state."""

    def look() -> dict[str, Any] | None:
        item = product.session(session)
        return item if item["state"] == state else None

    found = eventually(look, within=within, what=f"{session} to be {state}")
    assert found is not None and found["reason"] and found["advice"]
    return found


def told(receiver: Receiver, tag: str) -> dict[str, Any]:
    """The data of the event with this tag."""

    def look() -> dict[str, Any] | None:
        return next(
            (hook.json["data"] for hook in receiver.of("session_status") if hook.json["data"]["tags"] == tag), None
        )

    data = eventually(look, what=f"an event tagged {tag}")
    assert data is not None
    return data


@pytest.mark.parametrize(
    ("reason", "state", "status", "tag"),
    [
        (401, "logged_out", "logged_out", "logged_out"),
        (402, "banned", "stopped", "banned"),
        (403, "main_device_gone", "logged_out", "logged_out"),
        (405, "outdated", "stopped", "outdated"),
        (409, "failed", "stopped", "failed"),
    ],
)
def test_a_refused_login_ends_the_session(
    product: Product, receiver: Receiver, reason: int, state: str, status: str, tag: str
) -> None:
    """It stays down, and says why and what to do; asked for, it is tried again."""
    session, phone = f"refused-{reason}", f"6281300{reason}"
    product.link(session, phone, receiver.url)
    fault(product, "login", phone, reason=reason, times=1)
    fault(product, "drop", phone)

    item = reach(product, session, state)

    assert item["status"] == status
    assert told(receiver, tag)["status"] == status
    if state == "banned":
        assert 3000 < item["until"] - time.time() < 3700
    eventually(lambda: product.session_pid(session) == 0)
    assert product.send(session, phone, "x")["code"] == 1101
    product.api("GET", "/session/create", params={"sessionId": session})
    reach(product, session, "qr" if status == "logged_out" else "open")


@pytest.mark.parametrize(("reason", "state"), [(405, "outdated"), (403, "failed")])
def test_a_login_that_is_refused_before_there_is_an_account(
    product: Product, receiver: Receiver, reason: int, state: str
) -> None:
    """No QR will come: the session says so instead of waiting for one."""
    session = f"unlinked-{reason}"
    product.sandbox("POST", "/faults", json={"kind": "login", "reason": reason, "times": 1})
    product.api("GET", "/session/create", params={"sessionId": session})
    assert reach(product, session, state)["status"] == "stopped"
    product.api("GET", "/session/create", params={"sessionId": session})
    reach(product, session, "qr")


def test_an_unfriendly_server_is_tried_again(product: Product, receiver: Receiver) -> None:
    """503 at the login and a lost connection are nothing that needs a person."""
    phone = "628130000503"
    product.link("patient", phone, receiver.url)
    fault(product, "login", phone, reason=503, times=1)
    fault(product, "drop", phone)
    assert told(receiver, "reconnecting")["attempts"] >= 1
    reach(product, "patient", "open")


def test_a_dead_event_loop_is_found_and_healed(product: Product, receiver: Receiver) -> None:
    """A ban of an unknown kind ends the engine's events (trap 5); the process is replaced, and hears again."""
    phone = "628130000005"
    product.link("deaf", phone, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": "628130000055", "name": "caller"})
    pid = product.session_pid("deaf")
    fault(product, "login", phone, reason=402, code=999, times=1)
    fault(product, "drop", phone)
    eventually(lambda: product.session_pid("deaf") not in (0, pid), within=60, what="another process")
    reach(product, "deaf", "open")
    product.phone_sends("628130000055", phone, "can you hear me?")
    eventually(lambda: "can you hear me?" in receiver.texts())


def test_a_replaced_session_does_not_fight(product: Product, receiver: Receiver) -> None:
    """Somebody else has the connection: this one stays down until it is asked."""
    phone = "628130000440"
    product.link("replaced", phone, receiver.url)
    fault(product, "replaced", phone)
    assert reach(product, "replaced", "replaced")["status"] == "replaced"
    assert told(receiver, "conflict_replaced")["reason"] == 440
    product.api("GET", "/session/create", params={"sessionId": "replaced"})
    reach(product, "replaced", "open")


def test_nobody_scans(product: Product, receiver: Receiver) -> None:
    """After the QRs of three rounds the session stops asking; session/create begins anew."""
    product.api("GET", "/session/create", params={"sessionId": "unseen"})
    product.api("POST", "/session/unseen/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    for _ in range(3):
        pid = eventually(lambda: reach(product, "unseen", "qr") and product.session_pid("unseen"))
        product.sandbox("POST", "/faults", json={"kind": "drop"})
        eventually(lambda pid=pid: product.session_pid("unseen") != pid)  # type: ignore[misc]
    assert reach(product, "unseen", "qr_expired")["status"] == "stopped"
    assert told(receiver, "qr_expired")["status"] == "stopped"
    product.api("GET", "/session/create", params={"sessionId": "unseen"})
    reach(product, "unseen", "qr")


def test_a_crash_is_seen_and_healed(product: Product, receiver: Receiver) -> None:
    """A session process that dies shows so until it is back; one that dies again and again for longer."""
    product.link("crashing", "628130000009", receiver.url)
    pid = product.session_pid("crashing")
    for _ in range(3):
        os.kill(pid, signal.SIGSEGV)
        reach(product, "crashing", "crashed")
        pid = eventually(lambda pid=pid: {0, pid} ^ {0, pid, product.session_pid("crashing")}).pop()  # type: ignore[misc]
    assert told(receiver, "crashed")["status"] == "reconnecting"
    reach(product, "crashing", "open")


def test_a_hanging_process_is_replaced(product: Product) -> None:
    """One that is frozen past its lease is killed, and the session is open again in another."""
    product.link("frozen", "628130000010")
    pid = product.session_pid("frozen")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: product.session_pid("frozen") not in (0, pid), within=40)
    reach(product, "frozen", "open")
    assert product.send("frozen", "628130000009", "still here")["code"] == 1000


@pytest.mark.slow
def test_a_silent_server_is_found_out(product: Product, receiver: Receiver) -> None:
    """The socket is open and nobody answers: within a minute the session is made anew."""
    phone = "628130000011"
    product.link("silent", phone, receiver.url)
    pid = product.session_pid("silent")
    fault(product, "silent", phone)
    assert reach(product, "silent", "keepalive_timeout", within=60)["status"] == "reconnecting"
    eventually(lambda: product.session_pid("silent") not in (0, pid), what="another process")
    product.sandbox("DELETE", "/faults")
    reach(product, "silent", "open")
    assert told(receiver, "reconnecting")["status"] == "reconnecting"


def test_a_server_that_says_nothing_at_the_login_is_left(product: Product) -> None:
    """The engine would wait for ever, and look connected: the session is made anew until somebody answers."""
    phone = "628130000012"
    product.link("mute", phone)
    pid = product.session_pid("mute")
    fault(product, "silent", phone)
    os.kill(pid, signal.SIGKILL)
    stuck = eventually(lambda: {0, pid} ^ {0, pid, product.session_pid("mute")})
    eventually(lambda: product.session_pid("mute") not in {0, pid, *stuck}, within=40, what="a third process")
    product.sandbox("DELETE", "/faults")
    reach(product, "mute", "open")


def test_a_phone_that_stays_away_is_missed(folder: Path, receiver: Receiver) -> None:
    """The session stays online; when something comes from the phone it is simply open again."""
    with running(folder, WAREST_PHONE_PATIENCE_DAYS="0.00007") as product:
        product.link("lonely", "628130000013", receiver.url)
        item = reach(product, "lonely", "phone_offline")
        assert item["status"] == "open" and "Open WhatsApp on the phone" in item["advice"]
        assert told(receiver, "phone_offline")["status"] == "open"
        assert product.send("lonely", "628130000013", "are you there?")["code"] == 1000
        product.sandbox("POST", "/phones", json={"phone": "628130000014", "name": "friend"})
        product.phone_sends("628130000013", "628130000014", "here I am")
        eventually(lambda: product.session("lonely")["state"] == "open")


def test_a_stopped_and_a_deleted_session_say_so(product: Product, receiver: Receiver) -> None:
    """The last event is delivered although nothing is left of the session by then."""
    phone = "628130000015"
    product.link("leaving", phone, receiver.url)
    product.api("GET", "/session/logout", params={"sessionId": "leaving"})
    reach(product, "leaving", "stopped")
    assert told(receiver, "close")["status"] == "stopped"
    assert product.api("DELETE", "/session/delete", params={"sessionId": "leaving"})["code"] == 1000
    assert told(receiver, "delete")["sessionId"] == "leaving"
    words = [hook.json["data"]["tags"] for hook in receiver.of("session_status")]
    assert words[-1] == "delete" and words.index("close") > words.index("open")
    assert all(hook.is_signed_with("a-secret") for hook in receiver.of("session_status"))

"""The whole way: HTTP -> command -> session process -> engine -> sandbox network -> event -> webhook.

One product for all tests of this file: each uses phones of its own.
"""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("p")) as product:
        yield product


def test_a_text_reaches_the_other_session_its_phone_and_its_webhook(product: Product, receiver: Receiver) -> None:
    """A sent text is answered in the contract's shape and arrives signed at the other session's receiver."""
    ani, budi = "628110000001", "628110000002"
    product.link("ani0", ani)
    product.link("budi0", budi, receiver.url)

    answer = product.send("ani0", budi, "halo <b>Budi</b>")

    assert (answer["code"], answer["message"]) == (1000, "Text message sent")
    entry = answer["results"][0]
    assert (entry["phone"], entry["to"], entry["toPn"]) == (ani, budi, f"{budi}@s.whatsapp.net")
    assert entry["toLid"].endswith("@lid")
    assert entry["status"] == "text success"
    eventually(lambda: product.phone_has(budi, "halo *Budi*"))
    eventually(lambda: receiver.texts() == ["halo *Budi*"])
    hook = receiver.of("message_received")[0]
    assert hook.is_signed_with("a-secret")
    assert hook.headers["X-WAREST-Event-Id"] == hook.json["data"]["eventId"]
    assert hook.headers["X-WAREST-Timestamp"] == str(hook.json["ts"])
    assert hook.json["session"] == {"id": "budi0", "label": "budi0", "registry": "admin", "username": "admin"}
    data = hook.json["data"]
    assert data["message"]["key"]["id"] == entry["messageId"]
    assert data["sender"]["chatId"] == data["sender"]["pn"] == f"{ani}@s.whatsapp.net"
    assert data["sender"]["lid"].endswith("@lid")
    names = tuple(data)
    assert (names[0], names[-1]) == ("id", "sessionId")


def test_the_session_reports_its_states(product: Product, receiver: Receiver) -> None:
    """From the QR to the open session every change of state is an event, each with its own id."""
    ani = "628110001001"
    product.api("GET", "/session/create", params={"sessionId": "ani1"})
    product.api("POST", "/session/ani1/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    product.link("ani1", ani)

    eventually(lambda: "open" in [hook.json["data"].get("status") for hook in receiver.of("session_status")])
    hooks = receiver.of("session_status")
    assert all(hook.is_signed_with("a-secret") for hook in hooks)
    assert len({hook.json["data"]["eventId"] for hook in hooks}) == len(hooks)
    me = hooks[-1].json["data"]["me"]
    assert me["id"].startswith(f"{ani}:") and me["lid"].endswith("@lid")


def test_a_killed_session_comes_back_and_misses_nothing(product: Product, receiver: Receiver) -> None:
    """SIGKILL of one session leaves the other alone; it is open again without a QR and gets what it missed, once."""
    ani, budi = "628110002001", "628110002002"
    product.link("ani2", ani)
    product.link("budi2", budi, receiver.url)
    ani_pid, budi_pid = product.session_pid("ani2"), product.session_pid("budi2")
    assert ani_pid != budi_pid

    os.kill(budi_pid, signal.SIGSTOP)  # so that it cannot take the text before it dies
    product.phone_sends(ani, budi, "while you were dead")
    os.kill(budi_pid, signal.SIGKILL)

    product.wait_open("budi2")
    eventually(lambda: receiver.texts() == ["while you were dead"])
    assert product.session_pid("ani2") == ani_pid
    assert product.session_pid("budi2") != budi_pid
    assert product.send("ani2", budi, "again")["code"] == 1000
    eventually(lambda: receiver.texts() == ["while you were dead", "again"])


def test_a_burst_arrives_in_order(product: Product, receiver: Receiver) -> None:
    """Fifty texts in a row reach the receiver in the order in which they were sent."""
    ani, budi = "628110003001", "628110003002"
    product.link("budi3", budi, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ani, "name": "Ani"})
    sent = [f"text {number}" for number in range(50)]
    for text in sent:
        product.phone_sends(ani, budi, text)
    eventually(lambda: len(receiver.texts()) >= 50)
    assert receiver.texts() == sent


def test_a_failing_receiver_gets_the_event_again(product: Product, receiver: Receiver) -> None:
    """A receiver's trouble costs no event: the same one comes again, with its attempt counted."""
    ani, budi = "628110004001", "628110004002"
    product.link("budi4", budi, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ani, "name": "Ani"})
    eventually(lambda: "open" in [hook.json["data"].get("status") for hook in receiver.of("session_status")])
    receiver.status = 503
    product.phone_sends(ani, budi, "try again")
    eventually(lambda: len(receiver.texts()) == 1)
    receiver.status = 200
    eventually(lambda: len(receiver.texts()) == 2)
    first, second = receiver.of("message_received")
    assert first.body == second.body
    assert first.headers["X-WAREST-Signature"] == second.headers["X-WAREST-Signature"]
    assert (first.headers["X-WAREST-Delivery-Attempt"], second.headers["X-WAREST-Delivery-Attempt"]) == ("1", "2")
    assert second.at - first.at > 0.7
    assert time.time() - second.at < 20

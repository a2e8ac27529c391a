"""The whole way: HTTP -> command -> session process -> engine -> sandbox network -> event -> webhook."""

import os
import signal
import time

from support.product import Product
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"


def test_a_text_reaches_the_other_session_its_phone_and_its_webhook(product: Product, receiver: Receiver) -> None:
    """A sent text is answered in the contract's shape and arrives signed at the other session's receiver."""
    product.link("ani", ANI)
    product.link("budi", BUDI, receiver.url)

    answer = product.send("ani", BUDI, "halo <b>Budi</b>")

    assert (answer["code"], answer["message"]) == (1000, "Text message sent")
    entry = answer["results"][0]
    assert (entry["phone"], entry["to"], entry["toPn"]) == (ANI, BUDI, f"{BUDI}@s.whatsapp.net")
    assert entry["toLid"].endswith("@lid")
    assert entry["status"] == "text success"
    eventually(lambda: product.phone_has(BUDI, "halo *Budi*"))
    eventually(lambda: receiver.texts() == ["halo *Budi*"])
    hook = receiver.of("message_received")[0]
    assert hook.is_signed_with("a-secret")
    assert hook.headers["X-WAREST-Event-Id"] == hook.json["data"]["eventId"]
    assert hook.headers["X-WAREST-Timestamp"] == str(hook.json["ts"])
    assert hook.json["session"] == {"id": "budi", "label": "budi", "registry": "admin", "username": "admin"}
    data = hook.json["data"]
    assert data["message"]["key"]["id"] == entry["messageId"]
    assert data["sender"]["chatId"] == data["sender"]["pn"] == f"{ANI}@s.whatsapp.net"
    assert data["sender"]["lid"].endswith("@lid")
    names = tuple(data)
    assert (names[0], names[-1]) == ("id", "sessionId")


def test_the_session_reports_its_states(product: Product, receiver: Receiver) -> None:
    """From the QR to the open session every change of state is an event, each with its own id."""
    product.api("GET", "/session/create", params={"sessionId": "ani"})
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    product.link("ani", ANI)

    eventually(lambda: "open" in [hook.json["data"].get("status") for hook in receiver.of("session_status")])
    hooks = receiver.of("session_status")
    assert all(hook.is_signed_with("a-secret") for hook in hooks)
    assert len({hook.json["data"]["eventId"] for hook in hooks}) == len(hooks)
    me = hooks[-1].json["data"]["me"]
    assert me["id"].startswith(f"{ANI}:") and me["lid"].endswith("@lid")


def test_a_killed_session_comes_back_and_misses_nothing(product: Product, receiver: Receiver) -> None:
    """SIGKILL of one session leaves the other alone; it is open again without a QR and gets what it missed, once."""
    product.link("ani", ANI)
    product.link("budi", BUDI, receiver.url)
    ani, budi = product.session_pid("ani"), product.session_pid("budi")
    assert ani != budi

    os.kill(budi, signal.SIGSTOP)  # so that it cannot take the text before it dies
    product.phone_sends(ANI, BUDI, "while you were dead")
    os.kill(budi, signal.SIGKILL)

    product.wait_open("budi")
    eventually(lambda: receiver.texts() == ["while you were dead"])
    assert product.session_pid("ani") == ani
    assert product.session_pid("budi") != budi
    assert product.send("ani", BUDI, "again")["code"] == 1000
    eventually(lambda: receiver.texts() == ["while you were dead", "again"])


def test_a_burst_arrives_in_order(product: Product, receiver: Receiver) -> None:
    """Fifty texts in a row reach the receiver in the order in which they were sent."""
    product.link("budi", BUDI, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ANI, "name": "Ani"})
    sent = [f"text {number}" for number in range(50)]
    for text in sent:
        product.phone_sends(ANI, BUDI, text)
    eventually(lambda: len(receiver.texts()) >= 50)
    assert receiver.texts() == sent


def test_a_failing_receiver_gets_the_event_again(product: Product, receiver: Receiver) -> None:
    """A receiver's trouble costs no event: the same one comes again, with its attempt counted."""
    product.link("budi", BUDI, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": ANI, "name": "Ani"})
    eventually(lambda: "open" in [hook.json["data"].get("status") for hook in receiver.of("session_status")])
    receiver.status = 503
    product.phone_sends(ANI, BUDI, "try again")
    eventually(lambda: len(receiver.texts()) == 1)
    receiver.status = 200
    eventually(lambda: len(receiver.texts()) == 2)
    first, second = receiver.of("message_received")
    assert first.body == second.body
    assert first.headers["X-WAREST-Signature"] == second.headers["X-WAREST-Signature"]
    assert (first.headers["X-WAREST-Delivery-Attempt"], second.headers["X-WAREST-Delivery-Attempt"]) == ("1", "2")
    assert second.at - first.at > 0.7
    assert time.time() - second.at < 20

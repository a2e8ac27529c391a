"""Sends that finish: each has a record, is asked for again under its key, waits for its time or its session."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628130005001", "628130005002"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all; each test sends texts of its own. What is known not to have been sent is tried twice more."""
    tries = {"WAREST_QUEUE_MAX_RETRIES": "2", "WAREST_QUEUE_RETRY_DELAY_MS": "50", "WAREST_QUEUE_TIMEOUT_MS": "5000"}
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder), **tries) as product:
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


def send(product: Product, text: str, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    body = {"sessionId": "ani", "to": BUDI, "message": text, **fields}
    url = f"http://127.0.0.1:{product.port}/api/v1/messages/send/text"
    return product.http.post(url, json=body, headers={"X-WAREST-API-KEY": product.key, **(headers or {})})


def job(product: Product, id: str) -> dict[str, Any]:
    found: dict[str, Any] = product.api("GET", f"/messages/jobs/{id}")["results"][0]
    return found


def finished(product: Product, id: str, status: str = "sent", within: float = 15) -> dict[str, Any]:
    eventually(lambda: job(product, id)["status"] == status, within=within, what=f"the job to be {status}")
    return job(product, id)


def test_the_same_key_sends_once(product: Product) -> None:
    """The answer is the first one; another request under the key is refused."""
    key = {"Idempotency-Key": "order-17"}
    first, second = send(product, "once", key), send(product, "once", key)
    eventually(lambda: send(product, "once", key).json() == first.json())
    assert (first.status_code, second.status_code in (200, 202)) == (200, True)
    other = send(product, "something else", key)
    assert (other.status_code, other.json()["code"]) == (422, 2012)
    assert send(product, "once", {"Idempotency-Key": ""}).status_code == 400
    assert product.texts(BUDI).count("once") == 1


def test_nobody_has_to_wait(product: Product) -> None:
    """202 with a job, which tells what has become of it."""
    answer = send(product, "later is fine", {"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["code"]) == (202, 1002)
    (queued,) = answer.json()["results"]
    assert queued["status"] == "queued"
    done = finished(product, queued["jobId"])
    assert done["messages"][0]["to"] == f"{BUDI}@s.whatsapp.net" and done["error"] is None
    message = done["messages"][0]["message_id"]
    eventually(lambda: product.phone_has(BUDI, "later is fine"))
    status = product.api("GET", f"/messages/{message}/status", params={"sessionId": "ani"})["results"][0]
    assert (status["status"], status["fromMe"]) == ("sent", True)
    assert product.api("GET", "/messages/jobs/nothing")["code"] == 7005


def test_a_time_to_send(product: Product) -> None:
    """Not before, and not long after; the same key does not send it a second time."""
    at = int(time.time()) + 3
    key = {"Idempotency-Key": "at three"}
    answer = send(product, "on time", key, sendAt=at)
    assert answer.json()["results"][0]["status"] == "scheduled"
    id = answer.json()["results"][0]["jobId"]
    assert send(product, "on time", key, sendAt=at).json()["results"][0]["jobId"] == id
    assert not product.phone_has(BUDI, "on time")
    done = finished(product, id)
    assert done["messages"][0]["timestamp"] >= at
    eventually(lambda: product.phone_has(BUDI, "on time"))
    assert send(product, "x", sendAt="yesterday").status_code == 400
    assert send(product, "x", sendAt=1).status_code == 400


def test_a_send_is_cancelled(product: Product) -> None:
    """As long as it waits; then it is too late."""
    id = send(product, "never", sendAt=int(time.time()) + 3).json()["results"][0]["jobId"]
    answer = product.api("DELETE", f"/messages/jobs/{id}")
    assert (answer["code"], answer["results"][0]["status"]) == (7004, "cancelled")
    assert product.api("DELETE", f"/messages/jobs/{id}")["code"] == 2003
    after = send(product, "after it", sendAt=int(time.time()) + 4).json()["results"][0]["jobId"]
    finished(product, after)
    assert product.api("DELETE", f"/messages/jobs/{after}")["code"] == 2003
    assert job(product, id)["status"] == "cancelled" and not product.phone_has(BUDI, "never")


def test_a_send_waits_for_its_session(product: Product) -> None:
    """While its process is being replaced, too; who does not wait gets a job in any case."""
    os.kill(product.session_pid("ani"), signal.SIGKILL)
    ids = [send(product, f"patient {n}", {"Prefer": "respond-async"}).json()["results"][0]["jobId"] for n in range(5)]
    for id in ids:
        eventually(lambda id=id: job(product, id)["status"] in ("sent", "unknown"), within=30)  # type: ignore[misc]
    assert [job(product, id)["status"] for id in ids[1:]] == ["sent"] * 4
    texts = product.texts(BUDI)
    assert all(texts.count(f"patient {n}") <= 1 for n in range(5))


def test_each_recipient_is_told_of(product: Product) -> None:
    """One of them is not on WhatsApp; the other has got it."""
    answer = send(product, "to two", to=f"{BUDI},628999999999")
    assert (answer.status_code, answer.json()["code"]) == (207, 1004)
    good, bad = answer.json()["results"]
    assert (good["status"], bad["status"], bad["messageId"]) == ("text success", "text failed", None)
    assert "not on WhatsApp" in bad["advancedInfo"]["error"]
    eventually(lambda: product.phone_has(BUDI, "to two"))
    assert send(product, "to none", to="628999999999").json()["code"] == 2000


def test_an_upload_is_tried_again(product: Product) -> None:
    """WhatsApp's media host has refused it twice: nothing was sent, so the file goes out once."""
    product.sandbox("POST", "/faults", json={"kind": "upload_refused", "status": 503, "times": 2})
    answer = product.send_document("ani", BUDI, "once.txt", b"a file")
    assert answer["code"] == 1000
    eventually(lambda: product.file_of(BUDI, "once.txt") == b"a file")
    product.sandbox("POST", "/faults", json={"kind": "upload_refused", "status": 503, "times": 3})
    assert product.send_document("ani", BUDI, "never.txt", b"a file")["code"] == 3002
    product.sandbox("DELETE", "/faults")
    assert product.file_of(BUDI, "never.txt") is None


def test_a_turn_that_does_not_come_in_time(product: Product) -> None:
    """WhatsApp confirms nothing, so the next one waits: 504 after five seconds, and it never goes out."""
    product.sandbox("POST", "/faults", json={"kind": "no_ack", "phone": ANI, "times": 1})
    (first,) = send(product, "not confirmed", {"Prefer": "respond-async"}).json()["results"]
    eventually(lambda: product.phone_has(BUDI, "not confirmed"))
    answer = send(product, "too late", {"Idempotency-Key": "too-late"})
    assert (answer.status_code, answer.json()["code"]) == (504, 8002)
    product.sandbox("POST", "/faults", json={"kind": "drop", "phone": ANI})
    eventually(lambda: job(product, first["jobId"])["status"] in ("sent", "unknown"), within=30)
    product.wait_open("ani")
    assert product.send("ani", BUDI, "after it")["code"] == 1000
    eventually(lambda: product.phone_has(BUDI, "after it"))
    assert not product.phone_has(BUDI, "too late")


def test_sends_are_reported_to_those_who_want_it(folder: Path) -> None:
    """Only with the setting: old receivers do not know these events. And where a session may do several things at once,
    one that is not confirmed holds up no question."""
    several = {"WAREST_SEND_EVENTS": "true", "WAREST_QUEUE_CONCURRENCY": "2"}
    with Receiver() as receiver, running(folder, **several) as product:
        product.link("ani", ANI, receiver.url)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        sent = product.send("ani", BUDI, "hello")["results"][0]
        assert product.send("ani", "628999999999", "nobody")["code"] == 2000
        first, second = eventually(
            lambda: receiver.of("message_status") if len(receiver.of("message_status")) == 2 else []
        )
        assert (first.json["data"]["status"], first.json["data"]["messages"][0]["messageId"]) == (
            "sent",
            sent["messageId"],
        )
        assert (second.json["data"]["status"], second.json["data"]["messages"]) == ("failed", [])
        (told,) = receiver.of("message_sent")
        assert told.json["data"]["message"]["message"] == {"conversation": "hello"}
        product.sandbox("POST", "/faults", json={"kind": "no_ack", "phone": ANI, "times": 1})
        (slow,) = send(product, "not confirmed", {"Prefer": "respond-async"}).json()["results"]
        eventually(lambda: product.phone_has(BUDI, "not confirmed"))
        answer = product.api("GET", "/profile/on-whatsapp", params={"sessionId": "ani", "number": BUDI})
        assert answer["code"] == 1000 and job(product, slow["jobId"])["status"] == "queued"
        product.sandbox("POST", "/faults", json={"kind": "drop", "phone": ANI})  # or the end would wait for it
        eventually(lambda: job(product, slow["jobId"])["status"] in ("sent", "unknown"), within=30)

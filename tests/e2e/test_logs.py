"""What the logs say, at their most talkative: no text of anybody, no secret; but which request, session and event."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628190004001", "628190004002"

MARK = "xyzzy-what-people-write"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with (
        tempfile.TemporaryDirectory(prefix="warest-test-") as folder,
        running(Path(folder), LOG_LEVEL="debug", LOG_PRETTY="false") as product,
    ):
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


def lines(product: Product) -> list[dict[str, Any]]:
    """What is no JSON comes from other programs; it is looked at for texts, too."""
    return [json.loads(line) for line in product.log.read_text().splitlines() if line.startswith('{"time"')]


def test_no_text_gets_in(product: Product, receiver: Receiver) -> None:
    """Neither of messages, both ways, nor of what is refused, fails, or comes back from a receiver (quirk S16)."""
    secret = f"secret-{MARK}"
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": secret})
    product.send("ani", BUDI, f"{MARK} sent")
    product.send("ani", "0", f"{MARK} to nobody")
    receiver.answers["message_received"] = {"actions": [{"type": "text", "data": {"text": MARK}}, {"type": MARK}]}
    product.phone_sends(BUDI, ANI, f"{MARK} received")
    eventually(lambda: any("says why" in line["message"] for line in lines(product)), what="the action that failed")
    receiver.status = 500
    product.phone_sends(BUDI, ANI, f"{MARK} while the receiver fails")
    url = f"http://127.0.0.1:{product.port}/api/v1/messages/send/text"
    headers = {"X-WAREST-API-KEY": product.key, "Content-Type": "application/json"}
    broken = httpx.post(url, content=f'{{"text": "{MARK}", broken', headers=headers, trust_env=False)
    assert broken.status_code == 400
    httpx.post(url, json={"text": MARK, "to": [{}]}, headers=headers, trust_env=False)
    product.api("POST", "/profile/about", json={"sessionId": "ani", "about": MARK})
    product.api("GET", "/messages/search", params={"sessionId": "ani", "query": MARK})
    (about,) = {(each["event"], each["session"]) for each in eventually(lambda: failed(product))}
    assert about[0] == receiver.received[-1].json["data"]["eventId"]
    told = [line[:4_000] for line in product.log.read_text().splitlines() if MARK in line or product.key in line]
    assert told == []


def failed(product: Product) -> list[dict[str, Any]]:
    """The lines about deliveries that failed."""
    return [line for line in lines(product) if "event" in line and "attempt 2" in line["message"]]

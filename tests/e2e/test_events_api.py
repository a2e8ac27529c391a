"""The record of events on the running product: read page by page, live, and from Redis, over restarts and trimming."""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from support.listener import Listener
from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually
from warest.client import ApiError, Client

CONSUMER = Path(__file__).parent.parent.parent / "examples" / "consumer.py"

ANI, BUDI = "628140000001", "628140000002"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        product.link("ani", ANI)
        yield product


def page(product: Product, **asked: Any) -> dict[str, Any]:
    answer = product.api("GET", "/events", params=asked)
    assert answer["code"] == 1000
    found: dict[str, Any] = answer["results"][0]
    return found


def everything(product: Product, after: str = "", **asked: Any) -> list[dict[str, Any]]:
    """All pages from a cursor on."""
    items: list[dict[str, Any]] = []
    while True:
        found = page(product, **asked, **({"after": after} if after else {}))
        items, after = items + found["items"], found["next"]
        if not found["hasMore"]:
            return items


def received(product: Product, after: str = "") -> list[str]:
    """The texts."""
    return [item["body"]["data"]["text"] for item in everything(product, after, types="message_received")]


def now(product: Product) -> str:
    return str(page(product, after="now")["next"])


def say(product: Product, *texts: str) -> None:
    for text in texts:
        product.phone_sends(BUDI, ANI, text)


def redis_of(product: Product) -> "redis.Redis":
    return redis.Redis(unix_socket_path=str(product.data / "redis.sock"))


def listener(product: Product, **headers: str) -> Listener:
    return Listener(product.port, "/api/v1/events/stream", X_WAREST_API_KEY=product.key, **headers)


def test_what_the_webhook_got_can_be_read_again(product: Product, receiver: Receiver) -> None:
    """The same, under a cursor; by its id too."""
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    begin = now(product)
    say(product, "hello")
    hook = eventually(lambda: receiver.of("message_received"))[0]
    product.api("POST", "/session/ani/config", json={"webhookUrl": ""})
    (item,) = everything(product, begin, types="message_received", session="ani")
    assert item["body"] == hook.json and item["eventId"] == hook.headers["X-WAREST-Event-Id"]
    assert (item["event"], item["session"]) == ("message_received", "ani")
    assert item["ts"] == int(hook.headers["X-WAREST-Timestamp"])
    assert product.api("GET", f"/events/{item['eventId']}")["results"] == [item]
    assert product.api("GET", "/events/evt_none")["code"] == 2600
    assert everything(product, begin, session="other") == []


def test_it_goes_back_to_the_beginning(product: Product) -> None:
    """In the order in which it happened, whatever the size of the pages."""
    seen = tags(product, types="session_status", limit=2)
    assert seen[:2] == ["create", "connecting"] and seen.index("qr") < seen.index("paired") < seen.index("open")
    whole = everything(product, limit=500)
    assert everything(product, limit=3) == whole
    assert len({item["eventId"] for item in whole}) == len({item["cursor"] for item in whole}) == len(whole)


def test_a_stream_that_was_cut(product: Product) -> None:
    """What Redis has no longer is in the database: there is no gap, and nothing twice, also while events come."""
    begin = now(product)
    texts = [f"cut {number}" for number in range(30)]
    say(product, *texts[:20])
    eventually(lambda: len(received(product, begin)) == 20)
    whole = everything(product)
    with redis_of(product) as client:
        eventually(lambda: written(product) == len(whole), what="the record in the database")
        client.xtrim("warest:events", maxlen=5, approximate=False)
    assert everything(product, limit=4) == whole
    say(product, *texts[20:])
    eventually(lambda: received(product, begin) == texts)
    assert everything(product)[: len(whole)] == whole


def written(product: Product, tag: str = "") -> int:
    """How many events are in the database; with this tag."""
    with closing(sqlite3.connect(product.data / "warest.sqlite")) as database:
        like = f'%"tags":"{tag}"%' if tag else "%"
        (count,) = database.execute("select count(*) from events where body like ?", [like]).fetchone()
        return int(count)


def tags(product: Product, **asked: Any) -> list[str]:
    return [item["body"]["data"]["tags"] for item in everything(product, **asked)]


def test_while_it_happens(product: Product) -> None:
    """As server-sent events, to several at once."""
    url = f"http://127.0.0.1:{product.port}/api/v1/events/stream"
    with product.http.stream("GET", url, params={"api_key": product.key, "types": "message_received"}) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"] == "text/event-stream"
        lines = answer.iter_lines()
        assert next(lines) == "retry: 3000"
        with listener(product) as other:
            eventually(lambda: other.last_id)
            say(product, "live")
            assert next(line for line in lines if line.startswith("data: ")).count('"text":"live"')
            eventually(lambda: any(told.event == "message_received" for told in other.events))


def test_restarts(product: Product, folder: Path) -> None:
    """Whoever reads the stream of Redis with a group, or comes again with his last cursor, misses nothing."""
    begin = now(product)
    door = folder / "door"  # a name that does not make the reader one of the product's own processes
    door.symlink_to(product.data / "redis.sock")
    command = [sys.executable, str(CONSUMER), f"unix://{door}", "theirs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as consumer:
        try:
            assert consumer.stdout is not None and consumer.stdout.readline() == "ready\n"
            with listener(product, Last_Event_ID=begin) as first:
                say(product, "before")
                eventually(lambda: any('"before"' in told.data for told in first.events))
                stopping = time.monotonic()
                assert product.stop() == 0
                assert first.has_ended.is_set() and time.monotonic() - stopping < 8
            product.start()
            product.wait_open("ani")
            with listener(product, Last_Event_ID=first.events[-1].id) as second:
                say(product, "after")
                eventually(lambda: any('"after"' in told.data for told in second.events))
                eventually(lambda: received(product, begin) == ["before", "after"])
                ids = [item["eventId"] for item in everything(product, begin)]
                cursors = [item["cursor"] for item in everything(product, begin)]
                eventually(lambda: len(first.events) + len(second.events) >= len(cursors))
                assert [told.id for told in first.events + second.events][: len(cursors)] == cursors
            heard: list[str] = []
            while not set(ids) <= set(heard):
                heard.append(consumer.stdout.readline().split(" ")[2].strip())
            assert list(dict.fromkeys(heard))[: len(ids)] == ids
        finally:
            consumer.kill()


def test_the_typed_client(product: Product) -> None:
    """Reads pages and single events; what is refused is an error with a reason."""
    with Client(f"http://127.0.0.1:{product.port}", product.key) as warest:
        newest = warest.events.after("now")
        say(product, "typed")
        eventually(lambda: warest.events.after(newest.next, types=["message_received"]).events)
        found = warest.events.after(newest.next, sessions=["ani"], types=["message_received"], limit=1)
        assert found.events[0].body["data"]["text"] == "typed" and "typed" not in repr(found)
        assert warest.events.get(found.events[0].id) == found.events[0]
        with pytest.raises(ApiError, match="cursor"):
            warest.events.after("yesterday")


def test_a_deleted_session(product: Product) -> None:
    """Takes its events out of the database; only what it says at its end is left there."""
    product.link("gone", "628140000003")
    asked = {"session": "gone", "types": "session_status"}
    eventually(lambda: "open" in tags(product, **asked))
    eventually(lambda: written(product) == len(everything(product)))
    assert product.api("DELETE", "/session/delete", json={"sessionId": "gone"})["code"] == 1000
    eventually(lambda: "delete" in tags(product, **asked))
    eventually(lambda: written(product, "delete"))
    with redis_of(product) as client:
        client.xtrim("warest:events", maxlen=0)
    assert tags(product, **asked)[-1] == "delete" and not {"qr", "open"} & {*tags(product, **asked)}


def test_too_many_listeners(product: Product) -> None:
    """503 with Retry-After; the others go on."""
    opened = [listener(product) for _ in range(8)]
    try:
        url = f"http://127.0.0.1:{product.port}/api/v1/events/stream"
        refused = product.http.get(url, headers={"X-WAREST-API-KEY": product.key})
        assert (refused.status_code, refused.json()["code"]) == (503, 1600) and refused.headers["Retry-After"]
        say(product, "crowd")
        for each in opened:
            eventually(lambda each=each: any('"crowd"' in told.data for told in each.events))  # type: ignore[misc]
    finally:
        for each in opened:
            each.__exit__()
    eventually(lambda: is_free(url, product), what="a place")


def is_free(url: str, product: Product) -> bool:
    with httpx.stream("GET", url, headers={"X-WAREST-API-KEY": product.key}, trust_env=False) as answer:
        return answer.status_code == 200

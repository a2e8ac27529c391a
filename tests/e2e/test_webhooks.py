"""Where events go, what becomes of those that are not taken, and what can be done about it: by the running product.

One product for all tests of this file. Circuits, schedules and the like are as users have them, but faster.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from support.product import Product, running
from support.receiver import Received, Receiver
from support.waiting import eventually
from warest import keys

PHONES = iter(range(628130000001, 628140000000))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    fast = {
        "WAREST_WEBHOOK_BACKOFF_MS": "50",
        "WAREST_WEBHOOK_JITTER_MS": "10",
        "WAREST_WEBHOOK_RETRIES": "1",
        "WAREST_WEBHOOK_LONG_SCHEDULE_SEC": "1,1",
        "WAREST_WEBHOOK_TIMEOUT_MS": "2000",
    }
    with running(tmp_path_factory.mktemp("p"), **fast) as product:
        yield product


class Line:
    """A session and somebody who writes to it."""

    def __init__(self, product: Product, receiver: Receiver | None = None) -> None:
        self._product = product
        phone, self._other = str(next(PHONES)), str(next(PHONES))
        self._phone, self.name = phone, f"s{phone}"
        product.link(self.name, phone, receiver.url if receiver else "")
        product.sandbox("POST", "/phones", json={"phone": self._other, "name": "Other"})
        if receiver:
            eventually(lambda: receiver.of("creds_update"))

    def writes(self, text: str) -> None:
        self._product.phone_sends(self._other, self._phone, text)

    @property
    def endpoint(self) -> dict[str, Any]:
        """That of the session's config."""
        (found,) = [each for each in self.all() if each["isConfig"]]
        return found

    def all(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._product.api("GET", "/webhooks", params={"sessionId": self.name})["results"]
        return listed

    def log(self, **wanted: Any) -> list[dict[str, Any]]:
        asked = {"sessionId": self.name, "event": "message_received", **wanted}
        items: list[dict[str, Any]] = self._product.api("GET", "/webhooks/deliveries", params=asked)["results"][0][
            "items"
        ]
        return items

    def states(self) -> list[str]:
        """The newest first."""
        return [each["state"] for each in self.log()]


def made(product: Product, receiver: Receiver, **wanted: Any) -> dict[str, Any]:
    (endpoint,) = product.api("POST", "/webhooks", json={"url": receiver.url, **wanted})["results"]
    return dict(endpoint)


def opened(hook: Received, secret: str) -> Any:
    """As a library of Standard Webhooks reads it; it raises for what is not genuine."""
    return Webhook(secret).verify(hook.body, {name.lower(): value for name, value in hook.headers.items()})


def test_a_delivery_is_in_the_log(product: Product, receiver: Receiver) -> None:
    """With its attempt, what was answered, and the event as it was sent."""
    receiver.answer = b"thanks"
    line = Line(product, receiver)
    line.writes("hello")
    eventually(lambda: line.states() == ["delivered"])
    (entry,) = line.log()
    assert (entry["tries"], entry["statusCode"], entry["error"], entry["nextAttemptAt"]) == (1, 200, "", None)
    assert entry["endpointId"] == line.endpoint["id"]
    (details,) = product.api("GET", f"/webhooks/deliveries/{entry['id']}")["results"]
    (attempt,) = details["attempts"]
    assert (attempt["number"], attempt["statusCode"], attempt["excerpt"], attempt["url"]) == (
        1, 200, "thanks", receiver.url,
    )  # fmt: skip
    assert abs(attempt["at"] - time.time()) < 60 and 0 <= attempt["latencyMs"] < 5000
    assert details["body"] == receiver.of("message_received")[0].json


def test_several_endpoints(product: Product, receiver: Receiver) -> None:
    """Each with its own filter and secrets; one of all sessions gets what the others get, signed for itself."""
    line = Line(product, receiver)
    with Receiver() as second, Receiver() as everywhere:
        wanted = ["message_received", "call"]
        mine = made(product, second, sessionId=line.name, events=wanted, secret="a-second-secret")
        every = made(product, everywhere)
        assert (mine["sessionId"], every["sessionId"], mine["events"]) == (line.name, None, wanted)
        line.writes("to all three")
        eventually(lambda: [each.texts() for each in (receiver, second, everywhere)] == [["to all three"]] * 3)
        product.api("POST", "/session/reconnect", params={"sessionId": line.name})
        eventually(lambda: everywhere.of("session_status"))
        (hook,) = second.received
        assert hook.is_signed_with("a-second-secret") and opened(hook, mine["secrets"][0]["standardSecret"])
        ours = everywhere.of("message_received")[0]
        assert ours.is_signed_with(every["secrets"][0]["secret"]) and not hook.is_signed_with("a-secret")
        assert ours.headers["webhook-id"] == hook.headers["webhook-id"] == hook.json["data"]["eventId"]
        assert [each["id"] for each in line.all()] == [line.endpoint["id"], mine["id"], every["id"]]
        for endpoint in (mine, every):
            product.api("DELETE", f"/webhooks/{endpoint['id']}")
        line.writes("to one")
        eventually(lambda: receiver.texts() == ["to all three", "to one"])
        assert second.texts() == ["to all three"]


def test_a_receiver_that_was_down_gets_all(product: Product, receiver: Receiver) -> None:
    """Past the fast retries, and what came while it was left alone, in the order in which it came."""
    line = Line(product, receiver)
    receiver.status = 500
    line.writes("first")
    eventually(lambda: line.log()[0]["tries"] == 2)
    receiver.status = 200
    eventually(lambda: line.states() == ["delivered"])
    first, *_, last = receiver.of("message_received")
    assert first.headers["X-WAREST-Delivery-Attempt"] == "1" and int(last.headers["X-WAREST-Delivery-Attempt"]) >= 3
    assert (
        last.json["ts"] > first.json["ts"] and last.headers["X-WAREST-Event-Id"] == first.headers["X-WAREST-Event-Id"]
    )
    assert last.is_signed_with("a-secret") and last.json["data"] == first.json["data"]
    assert line.endpoint["health"] == {"failures": 0, "failingSince": None, "leftAloneUntil": None}


def test_what_nobody_takes_is_a_dead_letter(product: Product, receiver: Receiver) -> None:
    """After the last try, or at once when it is refused for good; it can be sent again, alone or with the others."""
    line = Line(product, receiver)
    receiver.status = 422
    line.writes("never")
    eventually(lambda: line.states() == ["dead"])
    receiver.status = 500
    line.writes("in vain")
    eventually(lambda: line.states() == ["dead", "dead"])
    lost, never = line.log(state="dead")
    assert (never["tries"], never["statusCode"], never["error"]) == (1, 422, "HTTP 422")
    assert (lost["tries"], lost["statusCode"]) == (4, 500)
    receiver.status = 200
    receiver.received.clear()
    assert product.api("POST", f"/webhooks/deliveries/{never['id']}/resend")["results"][0]["state"] == "pending"
    eventually(lambda: receiver.texts() == ["never"])
    assert receiver.of("message_received")[0].headers["X-WAREST-Delivery-Attempt"] == "2"
    again = product.api("POST", f"/webhooks/{line.endpoint['id']}/resend", json={"event": "message_received"})
    assert again["results"] == [{"ordered": 1}]
    eventually(lambda: receiver.texts() == ["never", "in vain"])
    eventually(lambda: line.states() == ["delivered", "delivered"])


def test_a_receiver_that_is_gone(product: Product, receiver: Receiver) -> None:
    """Its URL goes from the config, and the endpoint keeps it: one call, and what was missed goes out (decision 34)."""
    line = Line(product, receiver)
    with Receiver() as watcher:
        watching = made(product, watcher, sessionId=line.name, events=["endpoint_disabled"])
        receiver.status = 410
        line.writes("first")
        eventually(lambda: line.endpoint["state"] == "disabled")
        assert (line.endpoint["reason"], line.endpoint["url"]) == ("gone", receiver.url)
        line.writes("second")
        eventually(lambda: line.states() == ["pending", "pending"])
        (told,) = product.api("POST", f"/session/{line.name}/config", json={})["results"]
        assert told["webhookUrl"] == "" and told["webhookSecret"] == "a-secret"
        eventually(lambda: watcher.of("endpoint_disabled"))
        assert watcher.of("endpoint_disabled")[0].json["data"]["reason"] == "gone"
        product.api("DELETE", f"/webhooks/{watching['id']}")
    assert "second" not in receiver.texts()
    receiver.status = 200
    assert product.api("POST", f"/webhooks/{line.endpoint['id']}/resume")["results"][0]["state"] == "enabled"
    eventually(lambda: line.states() == ["delivered", "delivered"])
    assert set(receiver.texts()) == {"first", "second"}
    (told,) = product.api("POST", f"/session/{line.name}/config", json={})["results"]
    assert told["webhookUrl"] == receiver.url


def test_one_that_fails_for_days(product: Product, receiver: Receiver) -> None:
    """Is disabled; it is as if its first failure had been six days ago."""
    line = Line(product, receiver)
    receiver.status = 500
    line.writes("first")
    eventually(lambda: line.endpoint["health"]["failures"])
    with product.redis() as client:
        client.hset(keys.circuit(line.endpoint["id"]), "since", time.time() - 6 * 86_400)
    eventually(lambda: line.endpoint["state"] == "disabled")
    assert line.endpoint["reason"] == "failing"
    receiver.status = 200
    product.api("POST", f"/webhooks/{line.endpoint['id']}/resume")
    line.writes("second")
    eventually(lambda: "second" in receiver.texts())


def test_pausing(product: Product, receiver: Receiver) -> None:
    """What comes meanwhile waits."""
    line = Line(product, receiver)
    assert product.api("POST", f"/webhooks/{line.endpoint['id']}/pause")["results"][0]["state"] == "paused"
    line.writes("later")
    eventually(lambda: line.states() == ["pending"])
    assert line.log()[0]["nextAttemptAt"] is None and receiver.texts() == []
    product.api("POST", f"/webhooks/{line.endpoint['id']}/resume")
    eventually(lambda: receiver.texts() == ["later"])


def test_one_that_refuses_is_left_alone(product: Product, receiver: Receiver) -> None:
    """401: nobody knocks for a quarter of an hour; a new secret in the config, or a call, ends that at once."""
    line = Line(product, receiver)
    receiver.status = 401
    line.writes("first")
    eventually(lambda: line.endpoint["health"]["leftAloneUntil"])
    assert 800 < line.endpoint["health"]["leftAloneUntil"] - time.time() < 1000
    line.writes("second")
    eventually(lambda: line.states() == ["pending", "pending"])
    assert "second" not in receiver.texts()
    receiver.status = 200
    product.api("POST", f"/webhooks/{line.endpoint['id']}/resume")
    eventually(lambda: line.states() == ["delivered", "delivered"])
    assert set(receiver.texts()) == {"first", "second"}


def test_one_that_asks_for_time_gets_it(product: Product, receiver: Receiver) -> None:
    """429 with Retry-After."""
    line = Line(product, receiver)
    receiver.status, receiver.headers = 429, {"Retry-After": "2"}
    line.writes("slowly")
    eventually(lambda: line.log()[0]["statusCode"] == 429)
    receiver.status = 200
    eventually(lambda: receiver.texts() == ["slowly", "slowly"])
    first, second = receiver.of("message_received")
    assert second.at - first.at > 1.9


def test_rotating(product: Product, receiver: Receiver) -> None:
    """Both secrets sign for a time, so that a receiver can change to the new one when it likes."""
    line = Line(product, receiver)
    path = f"/webhooks/{line.endpoint['id']}"
    (before,) = product.api("GET", f"{path}/secrets")["results"]
    old = before["secrets"][0]
    (after,) = product.api("POST", f"{path}/rotate", json={"overlapHours": 1})["results"]
    new, former = after["secrets"]
    assert former["secret"] == old["secret"] == "a-secret" and new["secret"] != "a-secret"
    assert abs(former["until"] - time.time() - 3600) < 60
    line.writes("hello")
    eventually(lambda: receiver.texts() == ["hello"])
    (hook,) = receiver.of("message_received")
    assert hook.is_signed_with(new["secret"]) and not hook.is_signed_with("a-secret")
    hook.headers["X-WAREST-Signature"] = hook.headers["X-WAREST-Signature-Previous"]
    assert hook.is_signed_with("a-secret")
    for each in (new, former):
        assert opened(hook, each["standardSecret"])["data"]["text"] == "hello"
    assert product.api("POST", f"/session/{line.name}/config", json={})["results"][0]["webhookSecret"] == new["secret"]


def test_trying_out(product: Product, receiver: Receiver) -> None:
    """The answer says what the receiver said."""
    line = Line(product, receiver)
    path = f"/webhooks/{line.endpoint['id']}/test"
    receiver.answer = b"pong"
    (tried,) = product.api("POST", path)["results"]
    assert (tried["ok"], tried["status"], tried["excerpt"], tried["error"]) == (True, 200, "pong", "")
    assert receiver.of("test")[0].headers["X-WAREST-Event-Id"] == tried["eventId"]
    receiver.status = 500
    (tried,) = product.api("POST", path)["results"]
    assert (tried["ok"], tried["status"], tried["error"]) == (False, 500, "HTTP 500")


def test_changing(product: Product, receiver: Receiver) -> None:
    """A filter holds from the next event on, and a new URL gets what the old one did not take."""
    line = Line(product, receiver)
    path = f"/webhooks/{line.endpoint['id']}"
    (changed,) = product.api("PATCH", path, json={"events": "call"})["results"]
    assert changed["events"] == ["call"] == product.api("GET", path)["results"][0]["events"]
    with Receiver() as other:
        witness = made(product, other, sessionId=line.name)
        line.writes("not wanted")
        eventually(lambda: other.texts() == ["not wanted"])
        product.api("DELETE", f"/webhooks/{witness['id']}")
    product.api("PATCH", path, json={"events": []})
    receiver.status = 404
    line.writes("wanted")
    eventually(lambda: line.endpoint["state"] == "disabled")
    with Receiver() as second:
        assert product.api("PATCH", path, json={"url": second.url})["results"][0]["state"] == "enabled"
        eventually(lambda: second.texts() == ["wanted"])
    assert receiver.texts() == ["wanted"]


def test_replaying(product: Product, receiver: Receiver) -> None:
    """A new endpoint gets what happened before it was made."""
    line = Line(product)
    since = int(time.time())
    for text in ("one", "two"):
        line.writes(text)
    eventually(lambda: product.stream_has(line.name, "message_received") == 2)
    late = made(product, receiver, sessionId=line.name, events="message_received")
    answer = product.api("POST", f"/webhooks/{late['id']}/replay", json={"since": since})
    assert (answer["code"], answer["results"][0]["status"]) == (1001, "queued")
    eventually(lambda: sorted(receiver.texts()) == ["one", "two"])
    product.api("DELETE", f"/webhooks/{late['id']}")


def test_a_preflight(product: Product, receiver: Receiver) -> None:
    """Each receiver is told of by itself; nothing is kept (contract, endpoints.md section 3)."""
    line = Line(product)
    receiver.status = 403
    with Receiver() as good:
        asked = {
            "sessionId": line.name,
            "url": [good.url, receiver.url, "http://127.0.0.1:1/"],
            "secret": "s-e-c-r-e-t",
        }
        told = product.http.post(
            f"http://127.0.0.1:{product.port}/api/webhooks/preflight",
            headers={"X-WAREST-API-KEY": product.key},
            json=asked,
        ).json()
        assert good.received[0].is_signed_with("s-e-c-r-e-t")
    assert told["ok"] and [(each["target"], each["ok"]) for each in told["results"]] == [
        (good.url, True), (receiver.url, False), ("http://127.0.0.1:1/", False),
    ]  # fmt: skip
    assert told["results"][1]["status"] == 403 and "error" in told["results"][2]
    assert line.endpoint["url"] == ""


def test_it_is_counted(product: Product) -> None:
    """What came of tries, and what waits; a process tells of itself now and then."""

    def told(*wanted: str) -> bool:
        url = f"http://127.0.0.1:{product.port}/metrics"
        figures = product.http.get(url, headers={"X-WAREST-API-KEY": product.key}).text
        return all(each in figures for each in wanted)

    eventually(lambda: told('outcome="delivered"', 'outcome="gone"', 'warest_deliveries{state="dead"}'), within=40)


def test_a_secret_is_nowhere_to_be_read(product: Product, receiver: Receiver) -> None:
    """Neither in the database, nor in Redis, nor in a log: of an endpoint that was used in every way."""
    secret = "a-secret-that-is-looked-for"
    line = Line(product, receiver)
    config = {"webhookUrl": receiver.url, "webhookSecret": secret, "preflight": True}
    product.api("POST", f"/session/{line.name}/config", json=config)
    line.writes("hello")
    eventually(lambda: receiver.texts() == ["hello"])
    assert receiver.of("message_received")[0].is_signed_with(secret)
    product.api("POST", f"/webhooks/{line.endpoint['id']}/rotate", json={"secret": f"{secret}-2"})
    standard = product.api("GET", f"/webhooks/{line.endpoint['id']}/secrets")["results"][0]["secrets"][0]
    product.api("DELETE", "/session/delete", json={"sessionId": line.name})
    eventually(lambda: [hook for hook in receiver.received if hook.json["data"].get("tags") == "delete"])
    assert receiver.received[-1].is_signed_with(f"{secret}-2")
    wanted = [secret.encode(), standard["standardSecret"].encode()]
    with product.redis() as client:
        assert list(client.scan_iter("warest:*farewell*")), "what the last events need is there, encrypted"
    kept = [path for path in product.data.rglob("*") if path.is_file() and "sandbox" not in path.parts]
    assert product.data / "warest.sqlite" in kept and any("redis.aof" in path.name for path in kept)
    assert [path for path in (*kept, product.log) if any(each in path.read_bytes() for each in wanted)] == []

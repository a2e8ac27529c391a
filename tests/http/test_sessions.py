"""/api/v1/session: what is answered, kept and ordered."""

import threading
import time
from collections.abc import Callable
from typing import Any

import dramatiq
import orjson
import pytest
from falcon import testing

from support.receiver import Receiver
from warest import keys, states
from warest.actors import webhooks
from warest.bus import answered, refused
from warest.config.house import House, connect
from warest.config.settings import Settings
from warest.errors import WhatsAppRefused
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]
Serve = Callable[..., None]


def orders(parts: House) -> list[tuple[str, Any]]:
    """What the supervisors have been asked to do."""
    found: Any = parts.redis.xrange(keys.queue_stream(keys.SUPERVISOR_QUEUE))
    messages = [orjson.loads(fields[b"message"]) for _, fields in found]
    return [(message["actor_name"], message["kwargs"]["session"]) for message in messages]


def ulid(opened: Store, name: str) -> str:
    record = opened.session(name)
    assert record is not None
    return record.ulid


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_session(call: Call, opened: Store, parts: House, method: str) -> None:
    """It is kept, its start is ordered, and what is not there yet is null (W6)."""
    answer = call(method, "/session/create", json={"sessionId": "new"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "Session created")
    assert answer.json["results"] == [
        {
            "registryUser": "admin", "sessionId": "new", "qrString": None, "qr": None, "qrDuration": 20,
            "webhookUrl": "", "webhookSecret": "",
        }
    ]  # fmt: skip
    assert orders(parts) == [("start_session", ulid(opened, "new"))]


def test_a_known_session(call: Call, opened: Store, parts: House) -> None:
    """When it was made, and no QR at all if there is none; it is started again and stays so at the next boot."""
    call("GET", "/session/create", params={"sessionId": "s"})
    record = opened.session("s")
    assert record is not None
    opened.set_auto_start(record.owner, record.ulid, False)
    answer = call("GET", "/session/create", params={"sessionId": "s"})
    assert (answer.json["code"], answer.json["message"]) == (1000, "Session exists")
    assert list(answer.json["results"][0]) == ["registryUser", "sessionId", "createdAt", "webhookUrl", "webhookSecret"]
    assert answer.json["results"][0]["createdAt"].endswith("Z")
    assert orders(parts) == [("start_session", record.ulid)] * 2
    assert [one.id for one in opened.sessions_to_start()] == ["s"]


def test_a_session_with_a_qr(
    call: Call, opened: Store, parts: House, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 and a picture of it, as soon as the process shows one."""
    from warest.http.resources import sessions

    monkeypatch.setattr(sessions, "NEW_QR_PATIENCE", 20)

    def start(session: str) -> Any:
        parts.states.put(session, state="qr", qr="2@abc", qr_until=time.time() + 30.5)
        return answered(None)

    serve(keys.SUPERVISOR_QUEUE, "start_session", start)
    answer = call("GET", "/session/create", params={"sessionId": "s"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (202, 1107, "Scan the QR to continue")
    (result,) = answer.json["results"]
    assert result["qrString"] == "2@abc" and result["qr"].startswith("data:image/png;base64,")
    assert 25 <= result["qrDuration"] <= 30


def test_an_open_session(call: Call, online: Online, admin: Account, parts: House) -> None:
    """Nothing is started."""
    online(admin, "s")
    answer = call("GET", "/session/create", params={"sessionId": "s"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1104, "Session already open")
    assert orders(parts) == []


def test_creating_at_once(call: Call) -> None:
    """Requests that race make one session, and none of them fails."""
    got: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: got.append(call("GET", "/session/create", params={"sessionId": "s"}).status_code)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * 8 and len(call("GET", "/session/list").json["results"][0]["items"]) == 1


def test_a_list(call: Call, online: Online, admin: Account, parts: House) -> None:
    """Status and account of each; `lastConn` is a number while it runs and a time when it does not (W5)."""
    record = online(admin, "s")
    call("GET", "/session/create", params={"sessionId": "new"})
    first, second = call("GET", "/session/list").json["results"][0]["items"]
    me = {"id": "628111:2@s.whatsapp.net", "name": "Ani", "lid": "9@lid"}
    assert first == {
        "id": "s", "status": "open", "me": me, "pushName": "Ani", "lastConn": 1_700_000_000_000,
        "state": "open", "reason": "The session is online.", "advice": "Nothing to do.", "until": None,
    }  # fmt: skip
    assert second == {
        "id": "new", "status": "stopped", "me": None, "pushName": None, "lastConn": None,
        "state": "stopped", "reason": "The session was stopped.", "advice": "Start it with session/create.",
        "until": None,
    }  # fmt: skip
    parts.states.put(record.ulid, state="stopped", reason="stopped")
    first, _ = call("GET", "/session/list").json["results"][0]["items"]
    assert (first["lastConn"], first["reason"]) == ("2023-11-14T22:13:20.000Z", "stopped")


def configured(call: Call, **body: Any) -> tuple[str, str]:
    answer = call("POST", "/session/s/config", json=body)
    assert (answer.status_code, answer.json["message"]) == (200, "Config updated")
    (result,) = answer.json["results"]
    assert list(result) == ["registryUser", "sessionId", "webhookUrl", "webhookSecret", "rejectCalls", "callReply"]
    return result["webhookUrl"], result["webhookSecret"]


def test_configuring(call: Call, online: Online, admin: Account) -> None:
    """A secret is made when there is a receiver and none yet, and kept from then on (quirks Q3, Q5)."""
    online(admin, "s")
    assert configured(call) == ("", "")
    assert configured(call, webhookUrl=None, webhookSecret=5, preflight="no") == ("", "5")
    url, secret = configured(call, webhookUrl=" http://a/ ")
    assert url == "http://a/" and len(secret) == 32 and secret.isalnum()
    assert configured(call, webhookUrl="http://b/") == ("http://b/", secret)
    assert configured(call, webhookSecret="my-own-secret") == ("http://b/", "my-own-secret")
    assert configured(call, webhookUrl="") == ("", "my-own-secret")
    assert configured(call) == ("", "my-own-secret")
    assert call("GET", "/session/create", params={"sessionId": "s"}).json["results"][0]["webhookUrl"] == ""


def test_what_becomes_of_calls(call: Call, opened: Store, admin: Account) -> None:
    """Nothing is rejected before somebody wants it; what is not said stays, the webhook too."""
    opened.create_session(admin, "s")

    def told(**given: Any) -> tuple[Any, Any]:
        (result,) = call("POST", "/session/s/config", json=given).json["results"]
        return result["rejectCalls"], result["callReply"]

    assert told(webhookUrl="http://a/") == (False, "")
    assert told(rejectCalls="yes", callReply=" Please write. ") == (True, "Please write.")
    assert told(webhookUrl="http://b/") == told(rejectCalls="maybe") == (True, "Please write.")
    assert told(rejectCalls=False, callReply="") == (False, "")
    record = opened.session("s")
    assert record and opened.endpoints.of_config(record.ulid).url == "http://b/"


@pytest.mark.parametrize("body", [{"webhookUrl": "x" * 4097}, {"webhookSecret": "x" * 256}, {"callReply": "x" * 1001}])
def test_what_is_too_long_is_refused(call: Call, online: Online, admin: Account, body: dict[str, str]) -> None:
    """Before a database finds it too long."""
    online(admin, "s")
    answer = call("POST", "/session/s/config", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, 2000) and next(iter(body)) in answer.json["message"]


@pytest.fixture
def worker(settings: Settings, opened: Store) -> Any:
    """The real webhook worker, as another process would run it."""
    house = connect(settings)
    declared = webhooks.declare(house, opened, "default-secret", webhooks.meter())
    crew = dramatiq.Worker(house.broker, queues={keys.WEBHOOK_QUEUE}, worker_threads=2, worker_timeout=50)
    crew.start()
    yield crew
    crew.stop(timeout=5000)
    declared.receivers.close()
    house.broker.close()
    house.redis.close()


@pytest.mark.parametrize("flag", ["preflight", "preflightVerify"])
def test_a_preflight_that_passes(call: Call, online: Online, admin: Account, worker: Any, flag: str) -> None:
    """The receiver is asked, signed, before anything is kept; either word asks for it."""
    online(admin, "s")
    other = {"preflight": False} if flag == "preflightVerify" else {}
    with Receiver() as receiver:
        assert configured(call, webhookUrl=receiver.url, webhookSecret="a-secret", **{flag: True}, **other) == (
            receiver.url, "a-secret",
        )  # fmt: skip
        (request,) = receiver.received
    assert request.is_signed_with("a-secret") and request.headers["X-WAREST-Preflight"] == "1"
    assert {"X-WAREST-Event-Id", "X-WAREST-Delivery-Attempt"} & set(request.headers) == set()
    assert (request.json["event"], request.json["data"], request.json["session"]["id"]) == (
        "preflight",
        {"ping": True},
        "s",
    )


def test_a_preflight_that_fails(call: Call, online: Online, admin: Account, worker: Any) -> None:
    """Nothing is kept, and the answer says how it went."""
    online(admin, "s")
    with Receiver() as receiver:
        receiver.status = 401
        body = {"webhookUrl": receiver.url, "webhookSecret": "a-secret", "preflight": True}
        answer = call("POST", "/session/s/config", json=body)
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (400, 2000, "Webhook preflight failed")
    (outcome,) = answer.json["results"][0]["results"]
    assert (outcome["target"], outcome["ok"], outcome["status"]) == (receiver.url, False, 401)
    assert configured(call) == ("", "")


def test_deleting(call: Call, online: Online, admin: Account, opened: Store, parts: House, serve: Serve) -> None:
    """WhatsApp is told, the process stopped, and everything forgotten, in this order."""
    record = online(admin, "s")
    told: list[Any] = []

    def stop(session: str, purge: bool) -> Any:
        told.append(("stop", session, purge))
        parts.states.put(session, state="stopped")
        return answered({"runtime": True, "creds": True})

    def unlink(command_id: str, command: dict[str, Any]) -> Any:
        told.append(command["type"])
        return answered(None)

    serve(keys.SUPERVISOR_QUEUE, "stop_session", stop)
    serve(keys.command_queue(record.ulid), "execute", unlink)
    answer = call("DELETE", "/session/delete", json={"sessionId": "s"})
    assert (answer.status_code, answer.json["message"]) == (200, "Session deleted")
    assert answer.json["results"] == [{"sessionId": "s", "steps": {"runtime": True, "creds": True, "meta": True}}]
    assert told == ["Logout", ("stop", record.ulid, True)]
    assert opened.session("s") is None and parts.states.get(record.ulid) == states.SessionState()
    assert call("DELETE", "/session/delete", json={"sessionId": "s"}).json["code"] == 1101


def test_deleting_does_not_depend_on_whatsapp(call: Call, online: Online, admin: Account, serve: Serve) -> None:
    """If it cannot be told, the phone shows the device a while longer."""
    record = online(admin, "s")
    serve(keys.SUPERVISOR_QUEUE, "stop_session", lambda **_: answered({"runtime": True, "creds": True}))
    serve(keys.command_queue(record.ulid), "execute", lambda **_: refused(WhatsAppRefused("no")))
    assert call("DELETE", "/session/delete", json={"sessionId": "s"}).status_code == 200


def test_deleting_without_a_supervisor(
    call: Call, admin: Account, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody stops the process: nothing is forgotten, and the caller hears that it may still happen."""
    from warest.http.resources import sessions

    monkeypatch.setattr(sessions, "STOP_PATIENCE", 0.5)
    opened.create_session(admin, "s")
    answer = call("DELETE", "/session/delete", json={"sessionId": "s"})
    assert (answer.status_code, answer.json["code"], answer.json["results"][0]["status"]) == (202, 1002, "pending")
    assert opened.session("s") is not None

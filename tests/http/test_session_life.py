"""/api/v1/session: pair codes, logging out, reconnecting, devices."""

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from falcon import testing

from warest import keys
from warest.bus import answered, refused
from warest.config.house import House
from warest.errors import CommandTimeout, InvalidInput, NotPaired, WhatsAppRefused
from warest.http.resources import session_life, sessions
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]
Serve = Callable[..., None]
Answers = Callable[[SessionRecord, Callable[..., Any]], None]

PAIR = "/session/create/pair-code"


def orders(parts: House, queue: str = keys.SUPERVISOR_QUEUE) -> list[tuple[str, Any]]:
    """What the supervisors have been asked to do."""
    found: Any = parts.redis.xrange(keys.queue_stream(queue))
    messages = [orjson.loads(fields[b"message"]) for _, fields in found]
    return [(message["actor_name"], message["kwargs"]["session"]) for message in messages]


# Pair codes


@pytest.fixture
def waiting(opened: Store, admin: Account, parts: House) -> SessionRecord:
    """A session that shows a QR."""
    record = opened.create_session(admin, "s")
    parts.states.put(record.ulid, state="qr", qr="2@abc", qr_until=time.time() + 30)
    return record


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["phone", "pair", "pairPhone"])
def test_a_pair_code(call: Call, waiting: SessionRecord, session_answers: Answers, method: str, name: str) -> None:
    """For the digits of the number, under any of its names."""
    asked: list[Any] = []

    def pair(command: dict[str, Any], **_: Any) -> Any:
        asked.append(command)
        return answered("ABCD-1234")

    session_answers(waiting, pair)
    body = {"sessionId": "s", name: "+62 811-1222-333"}
    answer = call(method, PAIR, **({"params": body} if method == "GET" else {"json": body}))
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "Pair code generated")
    (result,) = answer.json["results"]
    assert list(result)[:3] == ["registryUser", "sessionId", "pairCode"]
    assert (result["registryUser"], result["sessionId"], result["pairCode"]) == ("admin", "s", "ABCD-1234")
    assert asked == [{"type": "PairPhone", "phone": "628111222333"}]


def test_a_pair_code_of_a_new_session(
    call: Call, opened: Store, parts: House, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made and started, and asked as soon as WhatsApp waits for somebody to link it."""
    monkeypatch.setattr(session_life, "PAIR_PATIENCE", 20)

    def start(session: str) -> Any:
        serve(keys.command_queue(session), "execute", lambda **_: answered("WXYZ-9876"))
        parts.states.put(session, state="qr", qr="2@abc")
        return answered(None)

    serve(keys.SUPERVISOR_QUEUE, "start_session", start)
    answer = call("GET", PAIR, params={"sessionId": "new", "phone": "628111"})
    assert (answer.status_code, answer.json["results"][0]["pairCode"]) == (200, "WXYZ-9876")
    assert [record.id for record in opened.sessions_to_start()] == ["new"]


def test_no_pair_code_yet(call: Call, opened: Store, parts: House) -> None:
    """202, an empty code, and why; the session was started."""
    answer = call("GET", PAIR, params={"sessionId": "s", "phone": "628111"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (202, 1110, "Pair code pending")
    record = opened.session("s")
    assert record is not None and orders(parts) == [("start_session", record.ulid)]
    assert answer.json["results"] == [
        {
            "registryUser": "admin", "sessionId": "s", "pairCode": "",
            "state": "stopped", "reason": "The session was stopped.", "advice": "Start it with session/create.",
            "until": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("error", [CommandTimeout("?"), NotPaired("not yet")])
def test_a_pair_code_that_takes_longer(
    call: Call, waiting: SessionRecord, session_answers: Answers, error: Exception
) -> None:
    """The same: whoever asks again gets it then."""
    session_answers(waiting, lambda **_: refused(error))  # type: ignore[arg-type]
    answer = call("GET", PAIR, params={"sessionId": "s", "phone": "628111"})
    assert (answer.status_code, answer.json["code"], answer.json["results"][0]["pairCode"]) == (202, 1110, "")


def test_a_number_that_whatsapp_refuses(call: Call, waiting: SessionRecord, session_answers: Answers) -> None:
    """400, in its words."""
    session_answers(waiting, lambda **_: refused(InvalidInput("not a phone number")))
    answer = call("GET", PAIR, params={"sessionId": "s", "phone": "1"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (400, 2000, "not a phone number")


def test_a_session_that_is_open_needs_none(call: Call, online: Online, admin: Account, parts: House) -> None:
    """200/1104, and nothing is started."""
    online(admin, "s")
    answer = call("GET", PAIR, params={"sessionId": "s", "phone": "628111"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1104, "Session already open")
    (result,) = answer.json["results"]
    assert list(result.items())[:3] == [("registryUser", "admin"), ("sessionId", "s"), ("status", "open")]
    assert "pairCode" not in result and orders(parts) == []


@pytest.mark.parametrize(
    ("given", "status", "code", "message"),
    [
        ({}, 400, 2001, "phone is required"),
        ({"sessionId": "theirs"}, 400, 2001, "phone is required"),
        ({"sessionId": "s", "phone": "+-"}, 400, 2001, "phone is required"),
        ({"phone": "1"}, 400, 1100, "sessionId is required"),
        ({"phone": "1", "sessionId": "a b"}, 400, 1100, "sessionId is required"),
        ({"phone": "1", "sessionId": "theirs"}, 403, 2201, "Forbidden"),
    ],
)
def test_what_is_refused(
    call: Call, online: Online, user: Account, given: dict[str, str], status: int, code: int, message: str
) -> None:
    """In the contract's order: the phone first."""
    online(user, "theirs")
    answer = call("GET", PAIR, params=given)
    assert (answer.status_code, answer.json) == (
        status, {"status": False, "code": code, "message": message, "results": []},
    )  # fmt: skip


# Logging out


@pytest.fixture
def told(parts: House, serve: Serve) -> list[Any]:
    """What sessions and supervisors were ordered; both obey."""
    told: list[Any] = []

    def stop(session: str, purge: bool) -> Any:
        told.append(("stop", purge))
        parts.states.put(session, state="stopped", me=None)
        return answered({"runtime": False, "creds": True})

    serve(keys.SUPERVISOR_QUEUE, "stop_session", stop)
    return told


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logging_out(
    call: Call, online: Online, admin: Account, opened: Store, session_answers: Answers, told: list[Any], method: str
) -> None:
    """WhatsApp is told, the process stopped and its keys forgotten; it stays in the list and does not come back by
    itself (quirk Q18)."""
    record = online(admin, "s")

    def unlink(command: dict[str, Any], **_: Any) -> Any:
        assert opened.sessions_to_start() == []  # nobody may start it again in between
        told.append(command["type"])
        return answered(None)

    session_answers(record, unlink)
    answer = call(method, "/session/logout", params={"sessionId": "s"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "Logout success")
    assert answer.json["results"] == [{"sessionId": "s", "steps": {"runtime": True, "creds": True}}]
    assert told == ["Logout", ("stop", True)] and opened.sessions_to_start() == []
    (item,) = call("GET", "/session/list").json["results"][0]["items"]
    assert (item["id"], item["status"], item["me"]) == ("s", "stopped", None)


def test_logging_out_what_is_not_open(call: Call, opened: Store, admin: Account, told: list[Any]) -> None:
    """There is nobody to tell WhatsApp; it is stopped all the same, twice if need be."""
    opened.create_session(admin, "s")
    for _ in range(2):
        assert call("GET", "/session/logout", params={"sessionId": "s"}).status_code == 200
    assert told == [("stop", True)] * 2


def test_logging_out_does_not_depend_on_whatsapp(
    call: Call, online: Online, admin: Account, session_answers: Answers, told: list[Any]
) -> None:
    """If it cannot be told, the phone shows the device a while longer."""
    session_answers(online(admin, "s"), lambda **_: refused(WhatsAppRefused("no")))
    assert call("GET", "/session/logout", params={"sessionId": "s"}).status_code == 200
    assert told == [("stop", True)]


def test_logging_out_without_a_supervisor(
    call: Call, opened: Store, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202: it may still happen; and nobody starts the session meanwhile."""
    monkeypatch.setattr(sessions, "STOP_PATIENCE", 0.5)
    opened.create_session(admin, "s")
    answer = call("GET", "/session/logout", params={"sessionId": "s"})
    assert (answer.status_code, answer.json["code"]) == (202, 1002) and opened.sessions_to_start() == []


# Reconnecting


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reconnecting(call: Call, online: Online, admin: Account, opened: Store, parts: House, method: str) -> None:
    """Ordered from whoever holds the session, and not waited for; from now on it is to run."""
    record = online(admin, "s")
    opened.set_auto_start(admin, record.ulid, False)
    assert parts.leases.acquire(record.ulid, "host-1")
    answer = call(method, "/session/reconnect", json={"sessionId": "s"})
    assert (answer.status_code, answer.json) == (
        202, {"status": True, "code": 1109, "message": "Reconnect scheduled", "results": []},
    )  # fmt: skip
    assert orders(parts, keys.supervisor_queue("host-1")) == [("restart_session", record.ulid)]
    assert orders(parts) == [] and [one.id for one in opened.sessions_to_start()] == ["s"]


def test_reconnecting_what_nobody_holds(call: Call, opened: Store, admin: Account, parts: House) -> None:
    """Any supervisor may start it."""
    record = opened.create_session(admin, "s")
    assert call("GET", "/session/reconnect", params={"sessionId": "s"}).status_code == 202
    assert orders(parts) == [("restart_session", record.ulid)]


# Devices


def test_devices(call: Call, online: Online, admin: Account, parts: House) -> None:
    """Name and number of the account, and both its identities."""
    record = online(admin, "s")
    answer = call("GET", "/session/devices", params={"sessionId": "s", "refresh": "1"})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "Device info")
    (result,) = answer.json["results"]
    assert {name: result[name] for name in ("name", "phone", "device", "pn", "lid", "contactId")} == {
        "name": "Ani", "phone": "628111", "device": "WARest",
        "pn": "628111@s.whatsapp.net", "lid": "9@lid", "contactId": "9@lid",
    }  # fmt: skip
    assert (result["state"], result["advice"]) == ("open", "Nothing to do.")
    parts.states.put(record.ulid, state="reconnecting")
    assert call("GET", "/session/devices", params={"sessionId": "s"}).json["results"][0]["phone"] == "628111"


def test_devices_of_what_was_never_linked(call: Call, opened: Store, admin: Account) -> None:
    """Nothing is known of it."""
    opened.create_session(admin, "s")
    (result,) = call("GET", "/session/devices", params={"sessionId": "s"}).json["results"]
    assert (result["name"], result["phone"], result["device"], result["contactId"]) == (None, None, "WARest", None)


# All of them


@pytest.mark.parametrize("path", ["/session/logout", "/session/reconnect", "/session/devices"])
@pytest.mark.parametrize(
    ("name", "status", "code", "message"),
    [
        (None, 400, 1100, "sessionId is required"),
        ("a b", 400, 1100, "sessionId is required"),
        ("unknown", 404, 1101, "Session not found"),
        ("theirs", 403, 2201, "Forbidden"),
    ],
)
def test_whose_session(
    call: Call, online: Online, user: Account, parts: House, path: str, name: str | None, status: int, code: int,
    message: str,
) -> None:  # fmt: skip
    """The four refusals, and nothing is done."""
    record = online(user, "theirs")
    answer = call("GET", path, params={"sessionId": name} if name else {})
    assert (answer.status_code, answer.json) == (
        status, {"status": False, "code": code, "message": message, "results": []},
    )  # fmt: skip
    assert orders(parts) == [] and parts.states.get(record.ulid).is_open

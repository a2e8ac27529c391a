"""The life of a session, on one product that all tests of this file share: each uses phones of its own."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually
from warest import commands, keys
from warest.config import house
from warest.config.settings import Settings


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("p")) as product:
        yield product


def statuses(receiver: Receiver) -> list[str]:
    return [hook.json["data"]["tags"] for hook in receiver.of("session_status")]


def test_an_unlinked_session_stays_down_until_someone_asks(product: Product, receiver: Receiver) -> None:
    """The phone removes the device: logged_out, no process, and a new QR only on demand."""
    phone = "628120000001"
    product.link("unlinked", phone, receiver.url)
    pid = product.session_pid("unlinked")

    product.sandbox("DELETE", f"/phones/{phone}/devices")

    eventually(lambda: product.session("unlinked")["status"] == "logged_out")
    eventually(lambda: statuses(receiver)[-1] == "logged_out")
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert product.send("unlinked", phone, "x")["code"] == 1101
    answer = eventually(lambda: asked_for_qr(product, "unlinked"))
    product.sandbox("POST", f"/phones/{phone}/scan", json={"qr": answer["results"][0]["qrString"]})
    product.wait_open("unlinked")


def asked_for_qr(product: Product, session: str) -> Any:
    answer = product.api("GET", "/session/create", params={"sessionId": session})
    return answer if (answer["code"], answer["message"]) == (1107, "Scan the QR to continue") else None


def test_delete_unlinks_and_forgets(product: Product) -> None:
    """Nothing is left of a deleted session: not on the phone, not on disk, not in Redis, not in the list."""
    phone = "628120000002"
    product.link("deleted", phone)
    pid = product.session_pid("deleted")
    folders = set(os.listdir(product.data / "sessions"))

    answer = product.api("DELETE", "/session/delete", json={"sessionId": "deleted"})

    assert answer["results"] == [{"sessionId": "deleted", "steps": {"runtime": True, "creds": True, "meta": True}}]
    assert not Path(f"/proc/{pid}").exists()
    account = next(each for each in product.sandbox("GET", "/phones") if each["phone"] == phone)
    assert account["devices"] == []
    (gone,) = folders - set(os.listdir(product.data / "sessions"))
    with redis.Redis(unix_socket_path=str(product.data / "redis.sock")) as client:
        eventually(lambda: not list(client.scan_iter(f"*{gone}*")), what="the last event to be dealt with")
        assert not client.sismember("warest:broker:queues", f"session.{gone}")
    items = product.api("GET", "/session/list")["results"][0]["items"]
    assert "deleted" not in [item["id"] for item in items]


def test_everything_that_a_text_can_carry_arrives(product: Product, receiver: Receiver) -> None:
    """Several recipients, mentions from the text, a quoted message and the forwarded mark."""
    product.link("writer", "628120000003")
    product.link("reader", "628120000004", receiver.url)
    product.sandbox("POST", "/phones", json={"phone": "628120000005", "name": "Citra"})

    body = {
        "sessionId": "writer",
        "to": ["628120000004", "0812-0000-005"],
        "message": "hi @628120000005",
        "replyMessageId": "3EB0AAAA",
        "isForwarded": True,
    }
    answer = product.api("POST", "/messages/send/text", json=body)

    assert answer["message"] == "Text message sent (2 recipients)"
    assert [entry["to"] for entry in answer["results"]] == ["628120000004", "628120000005"]
    eventually(lambda: product.phone_has("628120000005", "hi @628120000005"))
    data = eventually(lambda: receiver.of("message_received"))[0].json["data"]
    assert (data["tags"], data["contentType"]) == ("extended_text", "extendedTextMessage")
    assert data["mentions"] == ["628120000005@s.whatsapp.net"]
    context = data["message"]["message"]["extendedTextMessage"]["contextInfo"]
    assert (context["stanzaId"], context["isForwarded"]) == ("3EB0AAAA", True)


def test_a_number_that_is_not_on_whatsapp_is_a_clear_error(product: Product) -> None:
    """The caller hears that it is the recipient, and the session goes on."""
    product.link("polite", "628120000006")
    answer = product.send("polite", "628999999999", "anybody?")
    assert (answer["status"], answer["message"]) == (False, "The recipient is not on WhatsApp.")


def test_a_killed_worker_loses_no_event(product: Product, receiver: Receiver) -> None:
    """Events that a worker held when it was killed are delivered by the next one."""
    product.link("watched", "628120000007", receiver.url)
    product.sandbox("POST", "/phones", json={"phone": "628120000008", "name": "Dewi"})
    worker = next(pid for pid in product.children() if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes())
    sent = [f"text {number}" for number in range(20)]
    for text in sent[:10]:
        product.phone_sends("628120000008", "628120000007", text)
    os.kill(worker, signal.SIGKILL)
    for text in sent[10:]:
        product.phone_sends("628120000008", "628120000007", text)
    eventually(lambda: set(receiver.texts()) == set(sent), within=60)


def test_a_killed_supervisor_takes_its_sessions_down_and_brings_them_back(product: Product) -> None:
    """No session process is left without a supervisor, and none runs twice."""
    product.link("orphan", "628120000009")
    before = product.session_pid("orphan")
    supervisor = next(pid for pid in product.children() if b"\0sessions\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{before}").exists())
    eventually(lambda: product.session_pid("orphan") not in (0, before), within=40)
    product.wait_open("orphan")
    assert product.send("orphan", "628120000008", "back again")["code"] == 1000


def test_the_public_stream_has_what_the_webhook_got(product: Product, receiver: Receiver) -> None:
    """`warest:events` carries id, event, session, ts, and the very bytes of the body."""
    product.link("streamed", "628120000010", receiver.url)
    product.phone_sends("628120000008", "628120000010", "on the stream")
    hook = eventually(lambda: receiver.of("message_received"))[0]
    with redis.Redis(unix_socket_path=str(product.data / "redis.sock")) as client:
        entries = [fields for _, fields in client.xrange("warest:events")]
    (entry,) = [fields for fields in entries if fields[b"id"].decode() == hook.headers["X-WAREST-Event-Id"]]
    assert entry[b"body"] == hook.body
    assert (entry[b"event"], entry[b"session"]) == (b"message_received", b"streamed")
    assert entry[b"ts"].decode() == hook.headers["X-WAREST-Timestamp"]


def test_a_command_that_comes_twice_is_carried_out_once(product: Product) -> None:
    """Redis may hand a command out again after a crash; the second run does nothing, and says that it is not known."""
    product.link("careful", "628120000011")
    with closing(sqlite3.connect(product.data / "warest.sqlite")) as database:
        (ulid,) = database.execute("select id from sessions where name = 'careful'").fetchone()
    parts = house.connect(Settings(redis_url=f"unix://{product.data}/redis.sock"))
    command = commands.encode(commands.SendText(to=("628120000008@s.whatsapp.net",), text="only once"))
    orders = [
        parts.bus.message(keys.command_queue(ulid), "execute", command_id="cmd_test", command=command) for _ in range(2)
    ]
    for order in orders:
        parts.broker.enqueue(order)
    backend = parts.broker.get_results_backend()
    first, second = (backend.get_result(order, block=True, timeout=10_000) for order in orders)
    parts.broker.close()
    parts.redis.close()
    assert first["result"][0]["to"] == "628120000008@s.whatsapp.net"
    assert second["error"]["code"] == "CommandTimeout"
    eventually(lambda: product.phone_has("628120000008", "only once"))
    messages = product.sandbox("GET", "/phones/628120000008/messages", params={"after": 0, "wait": 0})
    assert [message["text"] for message in messages].count("only once") == 1


def test_a_session_is_linked_by_a_pair_code(product: Product) -> None:
    """The code is typed on the phone instead of a scan; asked for again it is the same; logout takes the device off."""
    phone = "628120000012"
    product.sandbox("POST", "/phones", json={"phone": phone, "name": "Eka"})
    parameters = {"sessionId": "coded", "phone": f"+{phone}"}
    code = eventually(
        lambda: product.api("GET", "/session/create/pair-code", params=parameters)["results"][0]["pairCode"]
    )
    assert product.api("GET", "/session/create/pair-code", params=parameters)["results"][0]["pairCode"] == code
    assert product.session("coded")["state"] == "pairing_code"

    product.sandbox("POST", f"/phones/{phone}/link-code", json={"code": code})

    product.wait_open("coded")
    assert product.send("coded", "628120000008", "by code")["code"] == 1000
    assert product.api("GET", "/session/logout", params={"sessionId": "coded"})["message"] == "Logout success"
    account = next(each for each in product.sandbox("GET", "/phones") if each["phone"] == phone)
    assert account["devices"] == [] and product.session("coded")["status"] == "stopped"

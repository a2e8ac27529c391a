"""What a receiver's answer asks for is done: the phones show it, and the delivery's log has what became of it."""

import io
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.answers import Answers
from support.file_host import FileHost, says
from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI, NOBODY = "628130008001", "628130008002", "628139999999"
BUDI_JID = f"{BUDI}@s.whatsapp.net"

LOOK = {"type": "url", "displayText": "Look", "url": "https://x.id"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def product(receiver: Receiver) -> Iterator[Product]:
    """One for all; files may be fetched from this machine, and pings are answered."""
    with (
        tempfile.TemporaryDirectory(prefix="warest-test-") as folder,
        running(Path(folder), WAREST_FETCH_PRIVATE_NETWORKS="allow", AUTOREPLY_ENABLED="true") as product,
    ):
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        product.link("ani", ANI, receiver.url)
        eventually(lambda: product.api("GET", "/profile/info", params={"sessionId": "ani"})["results"][0]["pushName"])
        yield product


@pytest.fixture(scope="module")
def answers(product: Product) -> Iterator[Answers]:
    answers = Answers(product, "ani")
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def host() -> Iterator[FileHost]:
    """Where the files of actions are."""
    image = io.BytesIO()
    Image.effect_noise((800, 400), 90).convert("RGB").save(image, "PNG")
    with FileHost() as host:
        host.paths |= {
            "/a.png": says(200, image.getvalue(), Content_Type="image/png"),
            "/a.pdf": says(200, b"%PDF-1.4 hello", Content_Type="application/pdf"),
            "/a.exe": says(200, b"MZ", Content_Type="application/octet-stream"),
        }
        yield host


def shown(product: Product, message: str, phone: str = BUDI) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        everything = product.sandbox("GET", f"/phones/{phone}/messages", params={"after": 0, "wait": 0})
        return [each for each in everything if each["id"] == message]

    return eventually(found, what=f"{phone} to show {message}")[0]


def mutations(product: Product, collection: str) -> list[Any]:
    """What our phone has read in its app state."""
    return [each["index"] for each in product.sandbox("GET", f"/phones/{ANI}/app-state")[collection]]


SENDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "text": " hello "}, {"kind": "text", "text": " hello "}),
    ({"type": "TEXT", "text": f"hi @{BUDI}", "mentions": [BUDI]}, {"mentions": [BUDI]}),
    (
        {"type": "vcard", "contact": {"fullName": "Citra", "org": "X", "phone": "0813", "email": "c@x.id"}},
        {"kind": "contactMessage"},
    ),
    (
        {"type": "location", "lat": "-6.5", "lng": 106.5, "name": "Monas", "address": "Jl."},
        {"location": {"latitude": -6.5, "longitude": 106.5, "name": "Monas", "address": "Jl."}},
    ),
    (
        {"type": "button", "text": "Well?", "footer": "f", "buttons": ["Yes", LOOK]},
        {"kind": "interactiveMessage"},
    ),
    (
        {"type": "list", "text": "Choose", "buttonText": "Menu", "sections": [{"title": "S", "rows": ["a", "b"]}]},
        {"kind": "interactiveMessage"},
    ),
    (
        {"type": "poll", "message": {"poll": {"name": "Tea?", "values": ["yes", "no"], "selectableCount": 2}}},
        {"kind": "pollCreationMessage"},
    ),
    ({"type": "raw", "message": {"text": "raw words"}}, {"kind": "text", "text": "raw words"}),
    ({"type": "raw", "message": {"conversation": "as stored"}}, {"kind": "text", "text": "as stored"}),
    (
        {"type": "forward", "message": {"forward": {"key": {"id": "X"}, "message": {"conversation": "passed on"}}}},
        {"text": "passed on", "forwarded": 1},
    ),
    (
        {"type": "button", "message": {"interactiveMessage": {"body": {"text": "mine"}}}},
        {"kind": "interactiveMessage"},
    ),
]


@pytest.mark.parametrize(("action", "expected"), SENDS, ids=[str(action["type"]) for action, _ in SENDS])
def test_each_kind_of_message(
    product: Product, answers: Answers, action: dict[str, Any], expected: dict[str, Any]
) -> None:
    """It arrives, the log names it, and its job knows it, too."""
    (result,) = answers.run({**action, "to": BUDI}).values()
    assert (result.state, result.action, result.error) == ("done", action["type"].lower(), "")
    got = shown(product, result.message)
    assert {name: got.get(name) for name in expected} == expected
    job = eventually(lambda: _of_job(product, result.job, "sent", "delivered", "read"))
    assert [each["message_id"] for each in job["messages"]] == [result.message]


def _of_job(product: Product, job: str, *states: str) -> Any:
    told = product.api("GET", f"/messages/jobs/{job}")["results"][0]
    return told if told["status"] in states else None


def test_each_kind_of_file(product: Product, answers: Answers, host: FileHost) -> None:
    """Fetched, changed as far as we offer it, and never as far as the receiver might like (quirk S11)."""
    transform = {"sharp": {"resize": {"width": 200, "height": 200}, "jpeg": {"quality": 50}}}
    picture, same, document, sticker = answers.run(
        {"type": "media", "to": BUDI, "mediaType": "image", "url": host.url("/a.png"), "caption": "c",
         "transform": transform, "transcode": {"extraArgs": ["-f", "lavfi"]}},
        {"type": "raw", "to": BUDI, "message": {"image": {"url": host.url("/a.png")}, "caption": "d"}},
        {"type": "document", "to": BUDI, "url": host.url("/a.pdf"), "filename": "b.pdf", "caption": "e"},
        {"type": "sticker", "to": BUDI, "imageUrl": host.url("/a.png")},
    ).values()  # fmt: skip
    assert [each.error for each in (picture, same, document, sticker)] == [""] * 4
    file = shown(product, picture.message)["file"]
    assert (file["kind"], file["caption"], file["width"], file["height"]) == ("image", "c", 200, 100)
    file = shown(product, same.message)["file"]
    assert (file["kind"], file["caption"], file["width"]) == ("image", "d", 800)
    file = shown(product, document.message)["file"]
    assert (file["name"], file["mimetype"], file["caption"]) == ("b.pdf", "application/pdf", "e")
    assert product.media_of(BUDI, document.message) == b"%PDF-1.4 hello"
    assert shown(product, sticker.message)["file"]["mimetype"] == "image/webp"
    eventually(lambda: not [path for path in product.data.rglob("spool/*") if path.is_file()])


REFUSED = [
    ({"type": "text", "text": "x"}, "failed", "`to`"),
    ({"type": "noop"}, "failed", "`to`"),
    ({"type": "text", "to": BUDI}, "failed", "`text`"),
    ({"type": "dance", "to": BUDI}, "failed", "no such action"),
    ("text", "failed", "object"),
    ({"type": "text", "to": NOBODY, "text": "x"}, "failed", ""),
    ({"type": "document", "to": BUDI, "url": "/etc/passwd"}, "failed", "a file is wanted"),
    ({"type": "document", "to": BUDI, "url": "http://169.254.169.254/x"}, "failed", "WAREST_FETCH_PRIVATE_NETWORKS"),
    ({"type": "media", "to": BUDI, "mediaType": "page", "url": "data:,x"}, "failed", "mediaType"),
    ({"type": "media", "to": BUDI, "mediaType": "image", "url": "data:image/png;base64,aGVsbG8="}, "failed", ""),
    ({"type": "raw", "to": BUDI, "message": {"protocolMessage": {"type": "REVOKE"}}}, "failed", "is not sent"),
    ({"type": "raw", "to": BUDI, "message": {"viewOnceMessage": {"message": {"protocolMessage": {}}}}}, "failed", ""),
    ({"type": "location", "to": BUDI, "lat": 99, "lng": 0}, "failed", "degrees"),
    ({"act": "react", "to": BUDI, "key": {"id": "X"}}, "ignored", "emoji"),
    ({"act": "star", "to": BUDI}, "ignored", "key"),
    ({"act": "typing"}, "ignored", "`to`"),
    ({"act": "queue"}, "ignored", "no actions"),
    ({"act": "when", "cond": "no", "then": [{"type": "noop", "to": BUDI}]}, "skipped", "else"),
]


def test_what_is_not_done(product: Product, answers: Answers) -> None:
    """Each says why, and the next one runs."""
    results = answers.run(*(action for action, _, _ in REFUSED), {"type": "noop", "to": BUDI})
    assert [results[str(number)].state for number in range(len(REFUSED))] == [state for _, state, _ in REFUSED]
    for number, (_, _, why) in enumerate(REFUSED):
        assert results[str(number)].error and why in results[str(number)].error
    assert results[str(len(REFUSED))].state == "done"


def test_the_event_fills_in_what_is_sent(product: Product, answers: Answers) -> None:
    """Whom it goes to and what it quotes, too; a template in what a stranger wrote stays a text."""
    said = product.phone_sends(BUDI, ANI, "tell me {{session.id}}")
    (result,) = answers.run(
        {
            "type": "text",
            "to": "{{sender.chatId}}",
            "text": "{{data.text}} {{ event }} {{none.at.all}}!",
            "quoted": "{{message.key.id}}",
        },
        event=answers.heard(said),
    ).values()
    got = shown(product, result.message)
    assert got["text"] == "tell me {{session.id}} message_received !"
    assert (got["quoted"]["id"], got["quoted"]["text"]) == (said, "tell me {{session.id}}")


def test_what_is_done_to_messages(product: Product, answers: Answers) -> None:
    """By the key of the event's message, whole or in parts, and to one of our own."""
    said = product.phone_sends(BUDI, ANI, "look at me")
    mine: str = product.send("ani", BUDI, "mine")["results"][0]["messageId"]
    shown(product, mine)
    results = answers.run(
        {"act": "react", "to": "{{sender.chatId}}", "key": "{{message.key}}", "emoji": "🎉"},
        {"action": "Star", "key": {"remoteJid": BUDI_JID, "id": "{{message.key.id}}", "fromMe": "false"}},
        {"type": "read", "keys": ["{{message.key}}"]},
        {"act": "edit", "to": BUDI, "key": {"id": mine}, "text": "changed"},
        {"act": "unstar", "to": BUDI, "key": {"id": said}},
        {"act": "pin", "to": BUDI, "key": {"id": said}},
        {"act": "delete", "to": BUDI, "key": {"id": said}},
        event=answers.heard(said),
    )
    assert [(each.action, each.state, each.error) for each in results.values()] == [
        (name, "done", "") for name in ("react", "star", "read", "edit", "unstar", "pin", "delete")
    ]
    eventually(lambda: shown(product, said).get("reactions") == {ANI: "🎉"}, what="the reaction")
    eventually(lambda: shown(product, said)["status"] == "read", what="the receipt")
    eventually(lambda: shown(product, mine)["text"] == "changed", what="the edit")
    stars = [index for index in mutations(product, "regular_high") if index[0] == "star" and index[2] == said]
    assert stars == [["star", BUDI_JID, said, "0", "0"]] * 2
    assert ["deleteMessageForMe", BUDI_JID, said, "0", "0"] in mutations(product, "regular_high")
    revoked = answers.run({"act": "revoke", "to": BUDI, "key": {"id": mine}, "deleteForMe": True})
    assert revoked["0"].state == "done"
    eventually(lambda: shown(product, mine).get("revoked"), what="the revoke")
    assert ["deleteMessageForMe", BUDI_JID, mine, "1", "0"] in mutations(product, "regular_high")


def test_what_is_done_to_chats(product: Product, answers: Answers) -> None:
    """Our own phone shows it, and so does our list of chats."""
    names = ("mute", "archive", "pin", "chat-unread")
    assert {each.state for each in answers.run(*({"act": name, "to": BUDI} for name in names)).values()} == {"done"}
    assert ["mute", BUDI_JID] in mutations(product, "regular_high")
    low = mutations(product, "regular_low")
    assert [low[-4], low[-2], low[-1]] == [["archive", BUDI_JID], ["pin_v1", BUDI_JID], ["markChatAsRead", BUDI_JID]]
    (chat,) = product.api("GET", "/chats", params={"sessionId": "ani", "search": BUDI})["result"]["data"]
    assert (chat["archived"], chat["pinned"]) == (True, True)
    back = ("unmute", "unarchive", "unpin", "chatRead")
    results = answers.run(*({"act": name, "to": BUDI} for name in back))
    assert [(each.action, each.state) for each in results.values()] == [
        ("unmute", "done"), ("unarchive", "done"), ("unpin", "done"), ("chat-read", "done"),
    ]  # fmt: skip
    (chat,) = product.api("GET", "/chats", params={"sessionId": "ani", "search": BUDI})["result"]["data"]
    assert (chat["archived"], chat["pinned"]) == (False, False)


def test_presence_and_pauses(product: Product, answers: Answers) -> None:
    """Who is written to sees it, for as long as was said."""
    began = time.monotonic()
    delivery = answers.give(
        {"act": "presence", "state": "available"},
        {"act": "typing", "to": BUDI, "ms": 700},
        {"act": "delay", "seconds": 0.5, "to": BUDI, "state": "recording"},
        {"act": "delay", "ms": 300},
    )
    for state in ("composing", "recording", "paused"):
        _sees(product, state)
    eventually(lambda: "3" in answers.known(delivery))
    assert time.monotonic() - began > 1.4
    assert {each.state for each in answers.known(delivery).values()} == {"done"}
    assert product.sandbox("GET", f"/phones/{ANI}/presence")["available"]
    assert answers.run({"act": "presence", "status": "unavailable"})["0"].state == "done"


def _sees(product: Product, state: str) -> None:
    def writing() -> Any:
        return product.sandbox("GET", f"/phones/{BUDI}/presence")["writing"].get(ANI)

    eventually(lambda: writing() == {"from": ANI, "state": state}, what=state)


def test_groups_of_actions(product: Product, answers: Answers) -> None:
    """In their order, side by side, on a condition, and again: what has surely failed, and only that."""

    def say(text: str, to: str = BUDI) -> dict[str, Any]:
        return {"type": "text", "to": to, "text": text}

    results = answers.run(
        {"act": "queue", "items": [say("q1"), say("q2")], "delayMs": 300},
        {"act": "when", "cond": "yes", "then": say("then"), "else": [say("never")]},
        {"act": "when", "condition": "{{none}}", "do": [say("never")], "otherwise": [say("otherwise")]},
        {"act": "parallel", "items": [say("p1"), say("p2")]},
        {"act": "retry", "item": say("r1", NOBODY), "attempts": 3, "delayMs": 10, "onFail": [say("given up")]},
        {"act": "retry", "items": [say("r2")]},
    )
    assert {position: each.state for position, each in results.items()} == {
        "0": "done", "0.0": "done", "0.1": "done", "1": "done", "1.then.0": "done", "2": "done", "2.else.0": "done",
        "3": "done", "3.0": "done", "3.1": "done", "4": "failed", "4.onFail.0": "done",
        "5": "done", "5.try.1.0": "done",
        **{position: "failed" for position in results if position.startswith("4.try")},
    }  # fmt: skip
    assert results["0.1"].at - results["0.0"].at > 0.3
    said = product.texts(BUDI)
    assert [text for text in said if text in ("q1", "q2", "then", "otherwise", "given up", "r2", "never")] == [
        "q1", "q2", "then", "otherwise", "given up", "r2",
    ]  # fmt: skip
    assert {"p1", "p2"} <= {*said}


def test_a_refusal_is_tried_again(product: Product, answers: Answers) -> None:
    """WhatsApp has said no: it was not sent, so it may be."""
    product.sandbox("POST", "/faults", json={"kind": "error_ack", "phone": ANI, "error": 463})
    again = {"type": "text", "to": BUDI, "text": "after a refusal"}
    results = answers.run({"act": "retry", "item": again, "delayMs": 10})
    assert {position: each.state for position, each in results.items()} == {
        "0": "done", "0.try.1.0": "failed", "0.try.2.0": "done",
    }  # fmt: skip
    assert product.texts(BUDI).count("after a refusal") == 1


def test_a_worker_stops_in_a_pause(product: Product, answers: Answers) -> None:
    """It does not wait for the end of it: another one goes on."""
    texts = ({"type": "text", "to": BUDI, "text": f"handed over {number}"} for number in range(2))
    delivery = answers.give(next(texts), {"act": "delay", "seconds": 6}, next(texts))
    answers.wait(delivery, 1)
    worker = worker_of(product)
    os.kill(worker, signal.SIGTERM)
    eventually(lambda: worker not in product.children(), within=4, what="the worker to be gone")
    answers.wait(delivery, 3)
    assert [each.state for each in answers.known(delivery).values()] == ["done"] * 3
    said = [text for text in product.texts(BUDI) if text.startswith("handed over")]
    assert said == ["handed over 0", "handed over 1"]


def test_a_worker_is_killed(product: Product, answers: Answers) -> None:
    """Between two actions, or before it could hear what has become of one: nothing comes twice, and the rest comes."""
    actions = [{"type": "text", "to": BUDI, "text": f"survivor {number}"} for number in range(4)]
    delivery = answers.give(*actions, delay_ms=300)
    answers.wait(delivery, 2)
    session = product.session_pid("ani")
    os.kill(session, signal.SIGSTOP)
    eventually(answers.ordered, what="an order that waits")
    os.kill(worker_of(product), signal.SIGKILL)
    os.kill(session, signal.SIGCONT)
    answers.wait(delivery, 4)
    assert [each.state for each in answers.known(delivery).values()] == ["done"] * 4
    expected = [f"survivor {number}" for number in range(4)]
    assert [text for text in product.texts(BUDI) if text.startswith("survivor")] == expected


def test_the_same_answer_again(product: Product, answers: Answers) -> None:
    """Nothing of it is done a second time, nor looked at."""
    actions = ({"type": "text", "to": BUDI, "text": "once"}, {"act": "star"}, {"type": "text", "text": "to nobody"})
    delivery = answers.give(*actions)
    answers.wait(delivery, 3)
    before = answers.known(delivery)
    assert [each.state for each in before.values()] == ["done", "ignored", "failed"]
    answers.give_again(delivery, *actions)
    eventually(answers.all_done)
    assert answers.known(delivery) == before and product.texts(BUDI).count("once") == 1


def test_a_session_that_is_away_for_a_moment(product: Product, answers: Answers) -> None:
    """It is waited for, so that what is sent comes in its order, and is known."""
    product.sandbox("POST", "/faults", json={"kind": "refuse"})
    product.sandbox("POST", "/faults", json={"kind": "drop"})
    eventually(lambda: product.session("ani")["status"] != "open", what="the session to be away")
    actions = [{"type": "text", "to": BUDI, "text": f"in order {number}"} for number in range(3)]
    delivery = answers.give(*actions, {"act": "presence"})
    eventually(answers.put_off, what="an order that is put off")
    product.sandbox("DELETE", "/faults")
    answers.wait(delivery, 4)
    assert [each.state for each in answers.known(delivery).values()] == ["done"] * 4
    said = [text for text in product.texts(BUDI) if text.startswith("in order")]
    assert said == [f"in order {number}" for number in range(3)]


def worker_of(product: Product) -> int:
    """The process that does the work of the queues."""

    def found() -> list[int]:
        return [pid for pid in product.children() if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    return eventually(found, what="a worker")[0]


def test_too_much_is_left_out(product: Product, answers: Answers) -> None:
    """Too many, too deep, and too long a text."""
    noop: dict[str, Any] = {"type": "noop", "to": BUDI}
    many = answers.run({"act": "parallel", "items": [noop] * 101})
    assert sorted({each.state for each in many.values()}) == ["done", "skipped"]
    assert sum(each.state == "done" for each in many.values()) == 100
    deep = noop
    for _ in range(7):
        deep = {"act": "queue", "items": [deep]}
    told = answers.run(deep)
    assert [each.state for each in told.values()][-1] == "skipped" and len(told) == 7
    event = {"event": "x", "data": {"text": "x" * 60_000}, "ts": 1, "session": {}}
    (long,) = answers.run({"type": "text", "to": BUDI, "text": "{{text}}" * 20}, event=event).values()
    assert long.state == "failed" and "templates" in long.error


def test_a_receiver_answers(product: Product, answers: Answers, receiver: Receiver) -> None:
    """The other one gets what it asks for, once, and the log of the delivery knows."""
    receiver.answers["message_received"] = {
        "actions": [
            {"act": "react", "key": "{{message.key}}", "emoji": "👍"},
            {"type": "text", "to": "{{sender.chatId}}", "text": "you said: {{text}}", "quoted": "{{message.key.id}}"},
        ],
        "delayMs": 1,
    }
    said = product.phone_sends(BUDI, ANI, "answer me")
    eventually(lambda: product.phone_has(BUDI, "you said: answer me"), what="the answer")
    del receiver.answers["message_received"]
    eventually(lambda: shown(product, said).get("reactions") == {ANI: "👍"}, what="the reaction")
    event = answers.heard(said)["data"]["eventId"]
    eventually(lambda: "1" in answers.of_event(event), what="the log")
    known = answers.of_event(event).values()
    assert [(each.action, each.state) for each in known] == [("react", "done"), ("text", "done")]
    assert product.texts(BUDI).count("you said: answer me") == 1


def test_a_ping_is_answered(product: Product, answers: Answers) -> None:
    """After some typing, with a quote; in groups, too, and nothing else is."""
    product.phone_sends(BUDI, ANI, "ping?")
    said = product.phone_sends(BUDI, ANI, "Ping")
    _sees(product, "composing")
    (reply,) = eventually(lambda: _pongs(product), what="the reply")
    assert reply["text"] == f"pong!\n\n_Warest v{metadata.version('warest')}_"
    assert (reply["quoted"]["id"], reply["quoted"]["text"]) == (said, "Ping")
    told = {"name": "Us", "by": BUDI, "members": [ANI]}
    group = product.sandbox("POST", "/groups", json=told)["id"]
    product.phone_sends(BUDI, group, "ping")
    eventually(lambda: len(_pongs(product)) == 2, what="the reply in the group")


def _pongs(product: Product) -> list[dict[str, Any]]:
    everything = product.sandbox("GET", f"/phones/{BUDI}/messages", params={"after": 0, "wait": 0})
    return [each for each in everything if each["text"].startswith("pong!")]


def test_what_is_done_in_a_group(product: Product, answers: Answers) -> None:
    """Whoever wrote the message is named by its key."""
    told = {"name": "Friends", "by": BUDI, "members": [ANI]}
    group = product.sandbox("POST", "/groups", json=told)["id"]
    said = product.phone_sends(BUDI, group, "hello all")
    results = answers.run(
        {"act": "react", "key": "{{message.key}}", "emoji": "👋"},
        {"act": "read", "key": "{{message.key}}"},
        {"type": "text", "to": "{{sender.chatId}}", "text": "hello", "quoted": "{{message.key.id}}"},
        event=answers.heard(said),
    )
    assert [each.state for each in results.values()] == ["done"] * 3
    eventually(lambda: shown(product, said).get("reactions") == {ANI: "👋"}, what="the reaction")
    eventually(lambda: shown(product, said)["status"] == "read", what="the receipt")
    assert shown(product, results["2"].message)["quoted"]["from"] == BUDI


def test_texts_are_in_no_log(product: Product, answers: Answers) -> None:
    """Neither what is sent nor what was said."""
    answers.run(
        {"type": "text", "to": NOBODY, "text": "a secret word"},
        {"type": "raw", "to": BUDI, "message": {"x": "a secret word"}},
    )
    assert "a secret word" not in product.log.read_text()
    assert json.loads((product.data / "secrets.json").read_text())["admin_apikey"] not in product.log.read_text()

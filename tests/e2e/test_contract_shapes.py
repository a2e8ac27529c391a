"""Successful answers of messages and chats: names, order and JSON types as clients of the original read them.

Facts: contract, endpoints.md 0.2, 0.9 and sections 6 to 8.
"""

import base64
import io
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.product import Product, running
from support.shapes import NULL, Null, faults
from support.waiting import eventually
from warest.media import ffmpeg

ANI, BUDI = "628130007001", "628130007002"
ANI_JID, BUDI_JID = f"{ANI}@s.whatsapp.net", f"{BUDI}@s.whatsapp.net"


def test_what_is_a_fault() -> None:
    """Whoever looks has to see."""
    shape = {"a": str, "b": [int], "c": Null(bool), "d": NULL, "e": 5}
    good = {"a": "x", "b": [1], "toPn": 9, "c": None, "d": None, "e": 5}
    assert faults(shape, good) == []
    wrong: list[dict[str, Any]] = [
        {"a": 1}, {"b": [True]}, {"b": []}, {"b": {}}, {"c": 1}, {"d": False}, {"e": 6}, {"e": 5.0}, {"f": 1},
    ]  # fmt: skip
    assert all(len(faults(shape, good | one)) == 1 for one in wrong)
    assert faults(shape, dict(reversed(good.items()))) and faults(shape, {}) and faults(shape, None)


def e2(message: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The envelope of /messages."""
    return {"status": True, "code": 1000, "message": message, "results": [entry]}


def e3(message: Any, result: dict[str, Any]) -> dict[str, Any]:
    """The envelope of /chats."""
    return {"status": True, "code": 1000, "message": message, "result": result}


def sent(status: str, extras: dict[str, Any], message_id: Any = str, reply: Any = NULL) -> dict[str, Any]:
    """What a recipient of a send got (0.9)."""
    return {
        "phone": ANI, "to": BUDI, "toJid": BUDI_JID, "messageId": message_id, "status": status, "timestamp": int,
        "advancedInfo": {"isForwarded": False, "quotedMessageId": reply, **extras},
    }  # fmt: skip


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all; each test has messages of its own."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        product.link("ani", ANI)
        yield product


def check(product: Product, method: str, path: str, expected: dict[str, Any], **request: Any) -> None:
    answer = product.http.request(
        method, f"http://127.0.0.1:{product.port}/api/v1{path}", headers={"X-WAREST-API-KEY": product.key}, **request
    )
    assert faults(expected, answer.json()) == []
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")


# Sends.


def picture(kind: str) -> bytes:
    made = io.BytesIO()
    frames = [Image.new("RGB", (48, 32), color) for color in ("red", "blue")]
    more = {"save_all": True, "append_images": frames[1:], "duration": 200} if kind == "GIF" else {}
    frames[0].save(made, kind, **more)
    return made.getvalue()


def played(name: str, *source: str) -> bytes:
    """A short file that ffmpeg makes."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder:
        path = Path(folder) / name
        command = [ffmpeg.find(), "-nostdin", "-v", "error", "-f", "lavfi", "-i", *source, str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path.read_bytes()


def video() -> bytes:
    return played("a.mp4", "testsrc2=s=64x48:d=0.5:r=10", "-pix_fmt", "yuv420p")


def sound() -> bytes:
    return played("a.wav", "sine=d=0.3")


@dataclass(frozen=True)
class Sending:
    """A send, the message and the status it is answered with, and what advancedInfo says besides."""

    route: str
    message: str
    status: str
    extras: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


TEXTS = {"mentions": [str]}

JSON = [
    Sending("text", "Text message sent", "text success", TEXTS, {"message": f"halo @{BUDI}"}),
    Sending(
        "contact", "Contact message sent", "contact success", {"displayName": "Citra"},
        {"contact": {"name": "Citra", "phone": "0813"}},
    ),
    Sending(
        "location", "Location message sent", "location success",
        {"location": {"degreesLatitude": -6.5, "degreesLongitude": 106.5, "name": "Monas", "address": "Jakarta"}},
        {"location": {"latitude": -6.5, "longitude": 106.5, "name": "Monas", "address": "Jakarta"}},
    ),
    Sending(
        "poll", "Poll message sent", "poll success", {"question": "Tea?", "options": [str], "maxSelection": 1},
        {"question": "Tea?", "options": ["yes", "no"]},
    ),
    Sending(
        "button", "Interactive button message sent", "interactive button success", {"buttonCount": 2},
        {"text": "Well?", "buttons": ["Yes", "No"]},
    ),
    Sending(
        "list", "Interactive list message sent", "interactive list success", {"sectionCount": 1, "rowCount": 2},
        {"text": "Choose", "list": {"buttonText": "Menu", "sections": [{"title": "S", "rows": ["a", "b"]}]}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("one", JSON, ids=lambda one: one.route)
def test_a_send(product: Product, one: Sending) -> None:
    body = {"sessionId": "ani", "to": BUDI, **one.body}
    expected = e2(one.message, sent(one.status, one.extras))
    check(product, "POST", f"/messages/send/{one.route}", expected, json=body)


def test_a_text_by_get(product: Product) -> None:
    query = {"sessionId": "ani", "to": BUDI, "message": f"@{BUDI}"}
    check(product, "GET", "/messages/send/text", e2("Text message sent", sent("text success", TEXTS)), params=query)


def test_a_send_without_more(product: Product) -> None:
    """What there is none of is not said, but for the message that is answered."""
    body = {"sessionId": "ani", "to": BUDI, "message": "halo"}
    check(product, "POST", "/messages/send/text", e2("Text message sent", sent("text success", {})), json=body)
    expected = e2("Text message sent", sent("text success", {}, reply="3EB0AB"))
    check(product, "POST", "/messages/send/text", expected, json=body | {"replyMessageId": "3EB0AB"})
    expected["results"][0]["advancedInfo"]["isForwarded"] = True
    check(product, "POST", "/messages/send/text", expected, json=body | {"quotedMessageId": "3EB0AB", "forwarded": "1"})


def test_a_send_to_several(product: Product) -> None:
    product.sandbox("POST", "/phones", json={"phone": "628130007003", "name": "Citra"})
    body = {"sessionId": "ani", "to": f"{BUDI},628130007003", "message": "halo"}
    entry = sent("text success", {}) | {"to": str, "toJid": str}
    check(product, "POST", "/messages/send/text", e2("Text message sent (2 recipients)", entry), json=body)


OPTIONS = {"quality": 50}

FILES = [
    (
        "a.png", lambda: picture("PNG"),
        Sending(
            "media", "Media message sent", "image success",
            {"viewOnce": True, "caption": "look", "compression": OPTIONS, "mediaKind": "image"},
            {"caption": "look", "viewOnce": "true", "compression": json.dumps(OPTIONS)},
        ),
    ),
    ("a.mp4", video, Sending("media", "Media message sent", "video success", {"mediaKind": "video"})),
    ("a.wav", sound, Sending("audio", "Audio message sent", "audio success", {"mimeType": str})),
    (
        "a.wav", sound,
        Sending(
            "audio", "Audio message sent", "ptt success", {"isVoiceNote": True, "mimeType": str}, {"isVN": "true"}
        ),
    ),
    (
        "a.txt", lambda: b"text",
        Sending(
            "document", "Document message sent", "document txt success",
            {"caption": "read", "filename": "a.txt", "mimetype": "text/plain"}, {"caption": "read"},
        ),
    ),
    (
        "a.png", lambda: picture("PNG"),
        Sending(
            "sticker", "Sticker message sent", "sticker success", {"compression": OPTIONS},
            {"compression": json.dumps(OPTIONS)},
        ),
    ),
    (
        "a.gif", lambda: picture("GIF"),
        Sending(
            "gif", "GIF message sent", "gif success", {"caption": "ha", "compression": OPTIONS},
            {"caption": "ha", "compression": json.dumps(OPTIONS)},
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "one"), FILES, ids=lambda value: getattr(value, "status", ""))
def test_a_send_of_a_file(product: Product, name: str, content: Any, one: Sending) -> None:
    form = {"sessionId": "ani", "to": BUDI, **one.body}
    expected = e2(one.message, sent(one.status, one.extras))
    check(
        product, "POST", f"/messages/send/{one.route}", expected, data=form, files={one.route: (name, content())}
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 2])
def test_a_send_of_files(product: Product, count: int) -> None:
    """No message's id stands for all of them; what is not sent is told of."""
    text = {"data": "data:text/plain;base64," + base64.b64encode(b"text").decode(), "filename": "a.txt"}
    files = [text] * count + [{"data": "data:,MZ", "filename": "c.exe"}]
    one = {"name": "a.txt", "mimetype": "text/plain", "size": 4, "messageId": str}
    blocked = {"name": "c.exe", "mimetype": str, "size": 2, "reason": str}
    noun = "Files" if count > 1 else "File"
    for reply, body in (({}, {}), ({"quotedMessageId": "3EB0AB"}, {"replyMessageId": "3EB0AB"})):
        extras = {"files": [{**one, **reply, "timestamp": int}], "blockedFiles": [blocked]}
        entry = sent(f"{noun.lower()} success", extras, NULL, reply.get("quotedMessageId", NULL))
        asked = {"sessionId": "ani", "to": BUDI, "files": files, **body}
        check(product, "POST", "/messages/send/files", e2(f"{noun} sent", entry), json=asked)


# What is done to messages and chats.


def kept(product: Product, message: str) -> bool:
    path, query = f"/chats/{BUDI}/messages", {"sessionId": "ani", "limit": 100}
    return message in [each["id"] for each in product.api("GET", path, params=query)["result"]["data"]]


@pytest.fixture
def mine(product: Product) -> str:
    """A message of ours that is kept."""
    message: str = product.send("ani", BUDI, "mine")["results"][0]["messageId"]
    eventually(lambda: kept(product, message), what="the message to be kept")
    return message


@pytest.fixture
def theirs(product: Product) -> str:
    message = product.phone_sends(BUDI, ANI, "theirs")
    eventually(lambda: kept(product, message), what="the message to be kept")
    return message


ACTED: dict[str, Any] = {"sessionId": "ani", "phone": ANI, "to": BUDI, "toJid": BUDI_JID}


@pytest.mark.parametrize(
    ("method", "action", "body", "message", "status"),
    [
        ("POST", "star", {}, "Message starred", "message starred success"),
        ("POST", "unstar", {}, "Message unstarred", "message unstarred success"),
        ("POST", "reaction", {"emoji": "🎉"}, "Reaction applied", "reaction applied success"),
        ("POST", "unreaction", {}, "Reaction removed", "reaction removed success"),
        ("POST", "edit", {"message": "new"}, "Message edited", "message edited success"),
        ("POST", "mark-as-read", {}, "Message marked as read", "message read success"),
        ("POST", "revoke", {}, "Message revoked", "message revoked success"),
        ("DELETE", "delete", {}, "Message deleted for me", "message deleted success"),
    ],
)
def test_an_action_on_a_message(
    product: Product, mine: str, method: str, action: str, body: dict[str, Any], message: str, status: str
) -> None:
    expected = e2(message, {**ACTED, "messageId": mine, "status": status})
    asked = {"sessionId": "ani", "to": BUDI, **body}
    check(product, method, f"/messages/{mine}/action/{action}", expected, json=asked)


@pytest.mark.parametrize(
    ("method", "action", "body", "word"),
    [
        ("POST", "mute", {"duration": 5}, "muted"),
        ("POST", "unmute", {}, "unmuted"),
        ("POST", "archive", {}, "archived"),
        ("POST", "unarchive", {}, "unarchived"),
        ("DELETE", "clear-all", {}, "cleared"),
    ],
)
def test_an_action_on_a_chat(product: Product, method: str, action: str, body: dict[str, Any], word: str) -> None:
    """It names no message."""
    expected = e2(f"Chat {word}", {**ACTED, "status": f"chat {word} success"})
    check(product, method, f"/messages/action/{action}", expected, json={"sessionId": "ani", "to": BUDI, **body})


# Chats.

SESSION: dict[str, Any] = {"sessionId": "ani", "phone": ANI}

CHAT: dict[str, Any] = {
    "isGroup": bool, "unreadCount": int, "lastMessage": Null(str), "lastMessageTimestamp": int, "ephemeralExpiry": int,
    "createdAt": int, "updatedAt": int,
}  # fmt: skip

INFO: dict[str, Any] = {
    "jid": BUDI_JID, "name": Null(str), "lastMessage": Null(str), "isGroup": False, "unreadCount": int,
    "lastMessageTimestamp": int, "ephemeralExpiry": int, "createdAt": int, "updatedAt": int,
}  # fmt: skip

MESSAGE: dict[str, Any] = {
    "id": str, "toJid": str, "senderJid": str, "fromMe": bool, "messageType": str, "body": Null(str), "timestamp": int,
    "isMedia": False, "mediaType": NULL, "mediaMetadata": NULL, "messageTypeDetails": dict,
    "quotedMessageId": Null(str), "mentionedJids": list, "reactions": list, "isEdited": bool, "isDeleted": bool,
    "deletedAt": Null(int), "poll": NULL, "createdAt": int, "updatedAt": int,
}  # fmt: skip


def test_the_chats(product: Product, theirs: str) -> None:
    chat = {"id": str, "jid": str, "displayName": str, "name": Null(str), **CHAT}
    result = {**SESSION, "data": [chat], "pagination": {"limit": 10, "offset": 0, "total": int}}
    check(product, "GET", "/chats", e3("Chats list fetched", result), params={"sessionId": "ani"})


def listed(product: Product, message: dict[str, Any], search: str) -> None:
    """The newest message with this text is like this."""
    result = {**SESSION, "data": [message], "pagination": {"limit": 1, "offset": 0, "total": int}, "chatInfo": INFO}
    asked = {"sessionId": "ani", "limit": 1, "search": search}
    check(product, "GET", f"/chats/{BUDI}/messages", e3("Messages list fetched", result), params=asked)


def test_the_messages_of_a_chat(product: Product) -> None:
    """One with a reaction."""
    theirs = product.phone_sends(BUDI, ANI, "react to this")
    eventually(lambda: kept(product, theirs), what="the message to be kept")
    product.api("POST", f"/messages/{theirs}/action/reaction", json={"sessionId": "ani", "to": BUDI, "emoji": "🎉"})
    reaction = {"from": ANI_JID, "emoji": "🎉", "timestamp": int}
    kind = {"id": theirs, "senderJid": BUDI_JID, "toJid": ANI_JID, "fromMe": False, "messageType": "conversation"}
    eventually(
        lambda: "🎉" in str(product.api("GET", f"/chats/{BUDI}/messages", params={"sessionId": "ani"})),
        what="the reaction to be kept",
    )
    listed(product, MESSAGE | kind | {"reactions": [reaction]}, "react to this")


def test_a_message_with_a_file(product: Product) -> None:
    message = product.phone_sends_media(BUDI, ANI, "image", picture("PNG"), mimetype="image/png", caption="look")
    eventually(lambda: kept(product, message), what="the message to be kept")

    def mirrored() -> bool:
        asked = {"sessionId": "ani", "search": "look"}
        (found,) = product.api("GET", f"/chats/{BUDI}/messages", params=asked)["result"]["data"]
        return bool(found["mediaMetadata"]["url"])

    eventually(mirrored, what="the file to be kept")
    media = {"url": str, "mimeType": "image/png", "fileName": Null(str), "fileSize": int}
    kind = {"id": message, "messageType": "image", "isMedia": True, "mediaType": "image", "mediaMetadata": media}
    listed(product, MESSAGE | kind, "look")


def test_a_message_with_a_poll(product: Product) -> None:
    question = {"to": ANI, "name": "Where?", "options": ["here", "there"]}
    message = product.sandbox("POST", f"/phones/{BUDI}/polls", json=question)["id"]
    eventually(lambda: kept(product, message), what="the poll to be kept")
    listed(product, MESSAGE | {"id": message, "messageType": "poll", "poll": dict}, "Where?")


@pytest.mark.parametrize(("messages", "days", "mode"), [(5, 1, "by_messages"), (0, 2, "by_days")])
def test_a_chat_is_read(product: Product, theirs: str, messages: int, days: int, mode: str) -> None:
    result = {
        **SESSION, "chatId": str, "totalMarked": int, "mode": mode, "parameters": {"messages": messages, "days": days},
        "marked": [{"id": str, "fromMe": False, "timestamp": int}],
    }  # fmt: skip
    body = {"sessionId": "ani", "messages": messages, "days": days}
    check(product, "POST", f"/chats/{BUDI}/read", e3(str, result), json=body)


@pytest.mark.parametrize("pin", [True, False])
def test_a_pin(product: Product, theirs: str, pin: bool) -> None:
    """Of a chat, and of a message in it."""
    done = "pinned" if pin else "unpinned"
    result = {**SESSION, "chatId": str, "pinned": pin, "message": str, "updatedAt": int}
    body = {"sessionId": "ani", "pin": pin}
    check(product, "POST", f"/chats/{BUDI}/pin", e3(f"Chat {done}", result), json=body)
    path = f"/chats/{BUDI}/messages/{theirs}/pin"
    check(product, "POST", path, e3(f"Message {done}", result | {"messageId": theirs}), json=body)

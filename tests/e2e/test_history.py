"""What is said is kept: messages of both sides, what becomes of them, and whoever said it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628130004001", "628130004002"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all; each test looks for its own messages."""
    with (
        tempfile.TemporaryDirectory(prefix="warest-test-") as folder,
        running(Path(folder), WAREST_COMMANDS="/order,help") as product,
    ):
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


def messages(product: Product, **query: Any) -> list[dict[str, Any]]:
    answer = product.api("GET", f"/chats/{BUDI}/messages", params={"sessionId": "ani", "limit": 100, **query})
    assert answer["code"] == 1000, answer
    data: list[dict[str, Any]] = answer["result"]["data"]
    return data


def kept(product: Product, id: str) -> dict[str, Any]:
    """A message, once it is in the database."""
    return eventually(lambda: [one for one in messages(product) if one["id"] == id], within=15)[0]


def test_both_sides_of_a_chat(product: Product) -> None:
    """With who, when and what; the chat shows the last one, and counts those that nobody has read."""
    sent = product.send("ani", BUDI, "from Ani")["results"][0]
    got = product.phone_sends(BUDI, ANI, "from Budi")
    mine, theirs = kept(product, sent["messageId"]), kept(product, got)
    assert list(theirs)[:20] == [
        "id", "toJid", "senderJid", "fromMe", "messageType", "body", "timestamp", "isMedia", "mediaType",
        "mediaMetadata", "messageTypeDetails", "quotedMessageId", "mentionedJids", "reactions", "isEdited", "isDeleted",
        "deletedAt", "poll", "createdAt", "updatedAt",
    ]  # fmt: skip
    pn = f"{BUDI}@s.whatsapp.net"
    assert (mine["fromMe"], mine["body"], mine["toJid"], mine["status"]) == (True, "from Ani", pn, "sent")
    assert (theirs["fromMe"], theirs["body"], theirs["senderJid"]) == (False, "from Budi", pn)
    assert theirs["toJid"] == mine["senderJid"] == f"{ANI}@s.whatsapp.net"
    (chat,) = product.api("GET", "/chats", params={"sessionId": "ani"})["result"]["data"]
    assert list(chat)[:11] == [
        "id", "jid", "displayName", "name", "isGroup", "unreadCount", "lastMessage", "lastMessageTimestamp",
        "ephemeralExpiry", "createdAt", "updatedAt",
    ]  # fmt: skip
    assert (chat["jid"], chat["displayName"], chat["lastMessage"], chat["unreadCount"]) == (pn, "Budi", "from Budi", 1)
    assert chat["pn"] == pn and chat["contactId"] == chat["lid"] and chat["lid"].endswith("@lid")


def test_a_file_has_a_link(product: Product) -> None:
    id = product.phone_sends_media(BUDI, ANI, "image", b"a picture", mimetype="image/png", caption="look")
    eventually(lambda: kept(product, id)["mediaMetadata"]["url"])
    message = kept(product, id)
    assert (message["messageType"], message["body"], message["mediaType"]) == ("image", "([Image]) look", "image")
    assert message["mediaMetadata"]["mimeType"] == "image/png" and message["mediaMetadata"]["fileSize"] == 9
    assert product.http.get(message["mediaMetadata"]["url"]).content == b"a picture"
    assert id in [one["id"] for one in messages(product, mediaOnly="true", isFromMe="false")]


def test_what_is_looked_for(product: Product) -> None:
    """By text, by time in whatever form, by side; page by page."""
    first = product.phone_sends(BUDI, ANI, "needle one")
    second = product.send("ani", BUDI, "needle two")["results"][0]["messageId"]
    kept(product, first), kept(product, second)
    found = messages(product, search="NEEDLE")
    assert {one["id"] for one in found} == {first, second}
    assert [one["id"] for one in messages(product, search="needle", isFromMe="true")] == [second]
    at = found[0]["timestamp"]
    for now in (str(at - 100), str((at - 100) * 1000), "2020-01-01T00:00:00Z"):
        assert len(messages(product, search="needle", startTime=now)) == 2
        assert messages(product, search="needle", endTime=now) == []
    assert len(messages(product, search="needle", limit=1, offset=1)) == 1
    answer = product.api("GET", "/messages/search", params={"sessionId": "ani", "query": "two NEED"})
    assert [one["id"] for one in answer["results"]] == [second]
    assert product.api("GET", "/messages/search", params={"sessionId": "ani"})["code"] == 2001
    answer = product.api("GET", f"/chats/{BUDI}/messages", params={"sessionId": "ani", "startTime": "soon"})
    assert answer["code"] == 2000


def told(receiver: Receiver, event: str, id: str) -> dict[str, Any]:
    """The data of the event about the message with this id."""

    def found() -> list[dict[str, Any]]:
        datas = (one.json["data"] for one in receiver.of(event))
        return [data for data in datas if id in (data["key"]["id"], data.get("reaction", {}).get("key", {}).get("id"))]

    data: dict[str, Any] = eventually(found, what=f"{event} of {id}")[0]
    return data


def test_a_message_is_edited(product: Product, receiver: Receiver) -> None:
    """Receivers hear of it, and the history has the new text."""
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    id = product.phone_sends(BUDI, ANI, "frist")
    product.sandbox("POST", f"/phones/{BUDI}/edits", json={"to": ANI, "id": id, "text": "first"})
    data = told(receiver, "message_edited", id)
    assert list(data) == ["id", "key", "editedMessage", "update", "mentions", "eventId", "sessionId"]
    assert data["key"] == {"remoteJid": f"{BUDI}@s.whatsapp.net", "fromMe": False, "id": id}
    assert data["editedMessage"]["conversation"] == "first"
    assert data["update"]["update"]["message"]["editedMessage"]["message"] == data["editedMessage"]
    eventually(lambda: kept(product, id)["isEdited"])
    assert kept(product, id)["body"] == "first"


def test_a_message_is_revoked(product: Product, receiver: Receiver) -> None:
    """The row stays, and says no more what it said."""
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    id = product.phone_sends(BUDI, ANI, "a slip")
    product.sandbox("POST", f"/phones/{BUDI}/revokes", json={"to": ANI, "id": id})
    data = told(receiver, "message_revoked", id)
    assert data["update"]["message"] is None and data["update"]["messageStubType"] == 1
    eventually(lambda: kept(product, id)["isDeleted"])
    message = kept(product, id)
    assert "slip" not in message["body"] and message["messageType"] == "system" and message["deletedAt"]


def test_reactions_come_and_go(product: Product, receiver: Receiver) -> None:
    """To what we have sent; the last one of each person counts."""
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    sent = product.send("ani", BUDI, "how is this?")["results"][0]["messageId"]
    eventually(lambda: product.phone_has(BUDI, "how is this?"))
    for emoji in ("\U0001f44d", "❤️"):
        product.sandbox("POST", f"/phones/{BUDI}/reactions", json={"to": ANI, "id": sent, "emoji": emoji})
    data = told(receiver, "message_reaction", sent)
    assert list(data) == ["id", "key", "reaction", "sender", "eventId", "sessionId"]
    assert data["reaction"]["key"]["id"] == sent and data["reaction"]["key"]["fromMe"] is True
    assert data["reaction"]["text"] == "\U0001f44d" and data["sender"]["chatId"] == f"{BUDI}@s.whatsapp.net"
    eventually(lambda: [one["emoji"] for one in kept(product, sent)["reactions"]] == ["❤️"])
    product.sandbox("POST", f"/phones/{BUDI}/reactions", json={"to": ANI, "id": sent, "emoji": ""})
    eventually(lambda: kept(product, sent)["reactions"] == [])


def test_a_poll_is_voted_on(product: Product) -> None:
    """By whoever answers, however often: the last vote counts."""
    question = {"to": ANI, "name": "Where?", "options": ["here", "there"]}
    id = product.sandbox("POST", f"/phones/{BUDI}/polls", json=question)["id"]
    assert (kept(product, id)["messageType"], kept(product, id)["body"]) == ("poll", "([Poll]) Where?")
    assert [option["name"] for option in kept(product, id)["poll"]["options"]] == ["here", "there"]
    for choice in ("here", "there"):
        product.sandbox("POST", f"/phones/{BUDI}/votes", json={"to": ANI, "id": id, "options": [choice]})
    eventually(lambda: [option["votes"] for option in kept(product, id)["poll"]["options"]] == [0, 1])
    assert kept(product, id)["poll"]["options"][1]["voters"] == [f"{BUDI}@s.whatsapp.net"]


def test_a_command(product: Product, receiver: Receiver) -> None:
    """A word of the settings at the beginning makes one, beside the message."""
    product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
    product.phone_sends(BUDI, ANI, "/order 5 pieces")
    data = eventually(lambda: receiver.of("message_command"))[0].json["data"]
    names = ["id", "message", "text", "contentType", "sender", "mentions", "type", "eventId", "sessionId"]
    assert (list(data), data["text"]) == (names, "/order 5 pieces")
    eventually(lambda: "/order 5 pieces" in receiver.texts())


def test_what_was_said_before_the_session_was_linked(product: Product, receiver: Receiver) -> None:
    """The phone tells it; receivers hear nothing of it (decision 25)."""
    product.sandbox("POST", "/phones", json={"phone": "628130004003", "name": "Citra"})
    old = product.phone_sends(BUDI, "628130004003", "long ago")
    product.scan("citra", "628130004003", receiver.url)

    def told() -> list[dict[str, Any]]:
        answer = product.api("GET", f"/chats/{BUDI}/messages", params={"sessionId": "citra"})
        return [one for one in answer["result"]["data"] if one["id"] == old]

    message = eventually(told)[0]
    assert (message["body"], message["fromMe"], message["senderJid"]) == ("long ago", False, f"{BUDI}@s.whatsapp.net")
    eventually(lambda: receiver.of("session_status"))
    assert receiver.of("message_received") == []


def test_a_chat_is_read_and_pinned(product: Product) -> None:
    """The sender hears that we have read it, our other devices too; a pinned message is pinned on both sides."""
    id = product.phone_sends(BUDI, ANI, "read me")
    kept(product, id)
    answer = product.api("POST", f"/chats/{BUDI}/read", json={"sessionId": "ani", "messages": 5})
    assert (answer["code"], answer["result"]["mode"], answer["result"]["synced"]) == (1000, "by_messages", True)
    assert id in [one["id"] for one in answer["result"]["marked"]]
    (chat,) = [
        one for one in product.api("GET", "/chats", params={"sessionId": "ani"})["result"]["data"] if BUDI in one["jid"]
    ]
    assert chat["unreadCount"] == 0
    nothing = product.api("POST", "/chats/628130009999/read", json={"sessionId": "ani"})
    assert (nothing["code"], nothing["result"]) == (2004, None)
    answer = product.api("POST", f"/chats/{BUDI}/pin", json={"sessionId": "ani", "pin": True})
    assert (answer["message"], answer["result"]["pinned"], answer["result"]["synced"]) == ("Chat pinned", True, True)
    assert product.api("POST", f"/chats/{BUDI}/pin", json={"sessionId": "ani"})["code"] == 2001
    path = f"/chats/{BUDI}/messages/{id}/pin"
    answer = product.api("POST", path, json={"sessionId": "ani", "pin": True})
    assert (answer["message"], answer["result"]["messageId"]) == ("Message pinned", id)
    eventually(lambda: kept(product, id)["messageTypeDetails"]["pin"]["pinned"])

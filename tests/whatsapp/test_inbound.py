"""The engine's messages as receivers get them; the protobufs are real ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from warest import events
from warest.whatsapp import inbound, protos

Incoming = Callable[..., Any]
E2E = protos.e2e
IDENTITY = events.SessionIdentity("01ULID", "s", "s", "admin", "admin")


def received(message: Any) -> dict[str, Any]:
    """Through the whole way: what stands in the body of the webhook."""
    data = inbound.message_received(message)
    event = events.make(IDENTITY, "message_received", data, event_id=inbound.event_id("01ULID", message), ts_ms=1)
    body: dict[str, Any] = json.loads(event.body)["data"]
    return body


def test_a_text(incoming: Incoming) -> None:
    """All of it, in the contract's order (webhooks.md 4.1)."""
    message = incoming(E2E.Message(conversation="Hello"))
    data = received(message)
    assert data == {
        "id": "s",
        "tags": "text",
        "message": {
            "key": {
                "remoteJid": "628111@s.whatsapp.net", "fromMe": False, "id": "3EB0AA",
                "participant": "628111@s.whatsapp.net", "senderPn": "628111@s.whatsapp.net", "senderLid": "9001@lid",
            },
            "messageTimestamp": 1_700_000_000,
            "pushName": "Ani",
            "message": {"conversation": "Hello"},
        },
        "text": "Hello",
        "contentType": "conversation",
        "sender": {
            "chatId": "628111@s.whatsapp.net", "fromMe": False, "isGroup": False, "authorJid": "628111@s.whatsapp.net",
            "pn": "628111@s.whatsapp.net", "lid": "9001@lid", "contactId": "9001@lid",
        },
        "mentions": [],
        "type": "notify",
        "eventId": inbound.event_id("01ULID", message),
        "sessionId": "s",
    }  # fmt: skip
    assert list(data) == [
        "id", "tags", "message", "text", "contentType", "sender", "mentions", "type", "eventId", "sessionId",
    ]  # fmt: skip


def test_an_extended_text_with_mentions_and_quote(incoming: Incoming) -> None:
    """Who is named, and what is answered; devices are no part of a mention."""
    context = E2E.ContextInfo(
        mentionedJID=["628222:3@s.whatsapp.net", "77@lid"],
        stanzaID="Q1",
        participant="628333@s.whatsapp.net",
        quotedMessage=E2E.Message(conversation="before"),
    )
    content = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="@628222 hi", contextInfo=context))
    data = received(incoming(content))
    assert (data["tags"], data["contentType"], data["text"]) == ("extended_text", "extendedTextMessage", "@628222 hi")
    assert data["mentions"] == ["628222@s.whatsapp.net", "77@lid"]
    quoted = data["quoted"]
    assert (quoted["text"], quoted["type"], quoted["contentType"]) == ("before", "text", "conversation")
    assert (quoted["raw"]["stanzaId"], quoted["raw"]["participant"]) == ("Q1", "628333@s.whatsapp.net")
    assert list(data).index("quoted") == list(data).index("contentType") + 1


@pytest.mark.parametrize(
    ("quoted", "kind"),
    [
        (E2E.Message(imageMessage=E2E.ImageMessage(caption="a picture")), "caption"),
        (E2E.Message(contactMessage=E2E.ContactMessage(displayName="Budi")), "contact"),
        (E2E.Message(contactsArrayMessage=E2E.ContactsArrayMessage(displayName="2 contacts")), "contacts"),
        (E2E.Message(ephemeralMessage={"message": {"conversation": "wrapped"}}), "text"),
    ],
)
def test_kinds_of_quotes(incoming: Incoming, quoted: Any, kind: str) -> None:
    """The contract's word for what is quoted."""
    text = E2E.ExtendedTextMessage(text="so?", contextInfo=E2E.ContextInfo(quotedMessage=quoted))
    assert received(incoming(E2E.Message(extendedTextMessage=text)))["quoted"]["type"] == kind


def test_a_quote_without_a_text_is_left_out(incoming: Incoming) -> None:
    """As the original did."""
    context = E2E.ContextInfo(quotedMessage=E2E.Message(stickerMessage=E2E.StickerMessage(URL="u")))
    text = E2E.ExtendedTextMessage(text="so?", contextInfo=context)
    assert "quoted" not in received(incoming(E2E.Message(extendedTextMessage=text)))


@pytest.mark.parametrize(
    ("content", "tag", "kind", "text"),
    [
        ({"imageMessage": {"caption": "look"}}, "media", "imageMessage", "look"),
        ({"videoMessage": {"caption": "see"}}, "media", "videoMessage", "see"),
        ({"documentMessage": {"fileName": "a.pdf"}}, "file", "documentMessage", ""),
        ({"audioMessage": {"PTT": True}}, "audio", "audioMessage", ""),
        ({"stickerMessage": {}}, "sticker", "stickerMessage", ""),
        ({"locationMessage": {"degreesLatitude": 0.0000001}}, "location", "locationMessage", ""),
        ({"liveLocationMessage": {"caption": "on my way"}}, "location", "liveLocationMessage", "on my way"),
        ({"contactMessage": {"displayName": "Budi"}}, "contact", "contactMessage", "Budi"),
        ({"contactsArrayMessage": {"displayName": "2 contacts"}}, "contacts", "contactsArrayMessage", "2 contacts"),
        ({"protocolMessage": {"type": "REVOKE"}}, "system", "protocolMessage", ""),
        ({"pollCreationMessage": {"name": "?"}}, "poll", "pollCreationMessage", ""),
        ({"senderKeyDistributionMessage": {"groupID": "g"}, "conversation": "x"}, "text", "conversation", "x"),
        ({"messageContextInfo": {}, "imageMessage": {}}, "media", "imageMessage", ""),
        ({"senderKeyDistributionMessage": {"groupID": "g"}}, "system", "unknown", ""),
        ({}, "system", "unknown", ""),
    ],
)  # fmt: skip
def test_kinds_of_contents(incoming: Incoming, content: dict[str, Any], tag: str, kind: str, text: str) -> None:
    """The tag, the name and the text of each; what we do not know is `system`."""
    data = received(incoming(E2E.Message(**content)))
    assert (data["tags"], data["contentType"], data["text"]) == (tag, kind, text)


def test_binary_fields_and_large_numbers(incoming: Incoming) -> None:
    """As JSON strings."""
    image = E2E.ImageMessage(mediaKey=bytes(range(250, 256)), fileLength=2**40, mediaKeyTimestamp=1)
    raw = received(incoming(E2E.Message(imageMessage=image)))["message"]["message"]["imageMessage"]
    assert raw == {"mediaKey": "+vv8/f7/", "fileLength": "1099511627776", "mediaKeyTimestamp": "1"}


@pytest.mark.parametrize(
    "wrapper",
    [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
    ],
)
def test_wrappers_are_opened(incoming: Incoming, wrapper: str) -> None:
    """The content is what is inside; `message` keeps what came."""
    data = received(incoming(E2E.Message(**{wrapper: {"message": {"imageMessage": {"caption": "once"}}}})))
    assert (data["tags"], data["text"], data["contentType"]) == ("media", "once", "imageMessage")
    assert wrapper in data["message"]["message"]


def test_many_wrappers_end_somewhere(incoming: Incoming) -> None:
    """Their number is the sender's choice; the time that they take is not."""
    content = E2E.Message(conversation="deep")
    for _ in range(40):
        content = E2E.Message(ephemeralMessage={"message": content})
    data = received(incoming(content))
    assert (data["contentType"], data["tags"]) == ("ephemeralMessage", "system")


@pytest.mark.parametrize(
    ("sender", "alternative", "chat"),
    [
        ("628111@s.whatsapp.net", "9001@lid", "628111@s.whatsapp.net"),
        ("9001:2@lid", "628111:2@s.whatsapp.net", "9001@lid"),
    ],
)
def test_both_identities_in_either_order(incoming: Incoming, sender: str, alternative: str, chat: str) -> None:
    """The number stands where receivers always read it, however WhatsApp addresses the chat."""
    data = received(incoming(E2E.Message(conversation="x"), sender=sender, alternative=alternative, chat=chat))
    number = "628111@s.whatsapp.net"
    assert data["sender"] == {
        "chatId": number, "fromMe": False, "isGroup": False, "authorJid": number,
        "pn": number, "lid": "9001@lid", "contactId": "9001@lid",
    }  # fmt: skip
    assert data["message"]["key"]["remoteJid"] == data["message"]["key"]["participant"] == number


def test_an_author_without_a_number(incoming: Incoming) -> None:
    """A LID is a reply target as well."""
    data = received(incoming(E2E.Message(conversation="x"), sender="9001:2@lid", alternative="", chat="9001@lid"))
    sender = data["sender"]
    assert (sender["chatId"], sender["authorJid"], sender["pn"], sender["lid"]) == (
        "9001@lid",
        "9001@lid",
        None,
        "9001@lid",
    )
    assert "senderPn" not in data["message"]["key"]


def test_an_author_without_a_lid(incoming: Incoming) -> None:
    """Then the number identifies the contact."""
    sender = received(incoming(E2E.Message(conversation="x"), alternative=""))["sender"]
    assert (sender["lid"], sender["contactId"]) == (None, "628111@s.whatsapp.net")


@pytest.mark.parametrize("sender", ["628111:4@s.whatsapp.net", "9001:4@lid"])
def test_a_group(incoming: Incoming, sender: str) -> None:
    """The chat is the group, the author the person."""
    alternative = "9001:4@lid" if sender.endswith("net") else "628111:4@s.whatsapp.net"
    data = received(
        incoming(E2E.Message(conversation="x"), chat="1-2@g.us", sender=sender, alternative=alternative, group=True)
    )
    assert data["sender"]["chatId"] == data["message"]["key"]["remoteJid"] == "1-2@g.us"
    assert data["sender"]["authorJid"] == data["message"]["key"]["participant"] == "628111@s.whatsapp.net"
    assert data["sender"]["isGroup"] is True


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, True),
        ({"group": True, "chat": "1-2@g.us"}, True),
        ({"from_me": True}, True),
        ({"Category": "peer"}, False),
        ({"chat": "1@newsletter"}, False),
        ({"chat": "status@broadcast"}, False),
    ],
)
def test_which_messages_are_of_a_chat(incoming: Incoming, options: dict[str, Any], wanted: bool) -> None:
    """Not the phone's talk with its devices, channels or status."""
    assert inbound.is_of_a_chat(incoming(E2E.Message(conversation="x"), **options)) is wanted


def test_a_senders_key_is_no_message(incoming: Incoming) -> None:
    """The engine reports it under the id of the message that follows; beside a content it does not matter."""
    key = {"groupID": "1-2@g.us", "axolotlSenderKeyDistributionMessage": b"secret"}
    alone = incoming(E2E.Message(senderKeyDistributionMessage=key), group=True, chat="1-2@g.us")
    assert not inbound.is_of_a_chat(alone)
    both = incoming(E2E.Message(senderKeyDistributionMessage=key, conversation="x"), group=True, chat="1-2@g.us")
    assert inbound.is_of_a_chat(both)


def test_event_ids_repeat_with_the_message(incoming: Incoming) -> None:
    """Delivered again, from another device of its author and with another text, it is the same event."""
    first = incoming(E2E.Message(conversation="x"))
    again = incoming(E2E.Message(conversation="y"), sender="628111:9@s.whatsapp.net", chat="628111@s.whatsapp.net")
    assert inbound.event_id("01ULID", first) == inbound.event_id("01ULID", again)
    others = [
        inbound.event_id("01OTHER", first),
        inbound.event_id("01ULID", incoming(E2E.Message(conversation="x"), ID="3EB0AB")),
        inbound.event_id("01ULID", incoming(E2E.Message(conversation="x"), sender="628112@s.whatsapp.net")),
        inbound.event_id("01ULID", incoming(E2E.Message(conversation="x"), chat="1@g.us", group=True)),
    ]
    assert len({inbound.event_id("01ULID", first), *others}) == 5


def bytes_in_place_of(message: Any, text: str) -> Any:
    """The message with a text that is no UTF-8, as a hostile sender may send it."""
    wire = message.SerializeToString()
    assert wire.count(text.encode()) >= 1
    return protos.engine.Message.FromString(wire.replace(text.encode(), b"\xff" * len(text)))


@pytest.mark.parametrize("where", ["content", "name", "id", "mention"])
def test_bytes_that_are_no_text_cost_no_event(incoming: Incoming, where: str) -> None:
    """Whatever a sender puts into its message, the event comes."""
    context = E2E.ContextInfo(mentionedJID=["MENTION"])
    content = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="CONTENT", contextInfo=context))
    message = bytes_in_place_of(incoming(content, Pushname="NAME", ID="ID"), where.upper())
    data = received(message)
    assert data["text"] == ("\ufffd" * 7 if where == "content" else "CONTENT")
    assert data["message"]["pushName"] == ("\ufffd" * 4 if where == "name" else "NAME")


@pytest.mark.parametrize("mention", ["", "nobody", "@", "a:b@lid", "1:²@lid", "\0@\0:\0"])
def test_a_mention_that_is_no_address_is_left_out(incoming: Incoming, mention: str) -> None:
    """The other ones stay."""
    context = E2E.ContextInfo(mentionedJID=[mention, "77@lid"])
    text = E2E.ExtendedTextMessage(text="x", contextInfo=context)
    mentions = received(incoming(E2E.Message(extendedTextMessage=text)))["mentions"]
    assert [one for one in mentions if one.endswith("@lid")] == ["77@lid"]


def test_quotes_of_quotes(incoming: Incoming) -> None:
    """As deep as protobuf takes them, they are written."""
    content = E2E.Message(conversation="deepest")
    for _ in range(24):
        context = E2E.ContextInfo(quotedMessage=content)
        content = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="x", contextInfo=context))
    assert "deepest" in json.dumps(received(incoming(content)))


@pytest.mark.parametrize("timestamp", [0, -1, 2**62])
def test_impossible_times_cost_no_event(incoming: Incoming, timestamp: int) -> None:
    """The engine hands on what it is told."""
    assert received(incoming(E2E.Message(conversation="x"), Timestamp=timestamp))["text"] == "x"

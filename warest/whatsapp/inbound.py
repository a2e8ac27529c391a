"""The engine's messages -> the facts of warest/events.py. Pure: nothing here waits, stores or asks.

The shape of `message_received` is the contract's (webhooks.md 4.1). An account is known by number (PN) and by hidden
identity (LID): the number stands where receivers have always read it, and both stand beside it.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import Message

from warest import ids
from warest.errors import InvalidInput
from warest.whatsapp.attachments import media_of
from warest.whatsapp.payload import json_name, text, to_json

# neonize's protobufs publish no types; the names say which is meant.
MessageEv = Any  #: Neonize.Message: a message (`Message`, of the schema waE2E) with what is known of it (`Info`)
Source = Any  #: Neonize.MessageSource
Content = Any  #: waContent
ContextInfo = Any  #: waContextInfo

#: Wrappers that hold the message proper in their own `message` field.
_WRAPPERS = (
    "deviceSentMessage",
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "lottieStickerMessage",
)

#: Fields that accompany a message and are never its content.
_COMPANIONS = {"messageContextInfo", "senderKeyDistributionMessage"}

#: contentType -> the contract's `tags`; whatever is missing is `system`.
_TAGS = {
    "conversation": "text",
    "extendedTextMessage": "extended_text",
    "imageMessage": "media",
    "videoMessage": "media",
    "documentMessage": "file",
    "audioMessage": "audio",
    "stickerMessage": "sticker",
    "locationMessage": "location",
    "liveLocationMessage": "location",
    "contactMessage": "contact",
    "contactsArrayMessage": "contacts",
    "ptvMessage": "media",
    "pollCreationMessage": "poll",
    "pollCreationMessageV2": "poll",
    "pollCreationMessageV3": "poll",
    "pollCreationMessageV4": "poll",
    "pollCreationMessageV5": "poll",
    "pollUpdateMessage": "poll",
    "interactiveMessage": "interactive",
    "interactiveResponseMessage": "interactive",
    "buttonsMessage": "interactive",
    "buttonsResponseMessage": "interactive",
    "listMessage": "interactive",
    "listResponseMessage": "interactive",
    "templateMessage": "interactive",
    "templateButtonReplyMessage": "interactive",
    "eventMessage": "event",
    "orderMessage": "order",
    "productMessage": "product",
    "groupInviteMessage": "group_invite",
    "sendPaymentMessage": "payment",
    "requestPaymentMessage": "payment",
    "declinePaymentRequestMessage": "payment",
    "cancelPaymentRequestMessage": "payment",
    "pinInChatMessage": "pin",
}

#: contentType of a quoted message -> its `type`; whatever is missing is `caption`.
_QUOTED = {
    "conversation": "text",
    "extendedTextMessage": "text",
    "contactMessage": "contact",
    "contactsArrayMessage": "contacts",
}

#: Servers of what people see elsewhere than in their chats.
UNSEEN_CHATS = {"newsletter", "broadcast"}


def is_of_a_chat(message: MessageEv) -> bool:
    """Whether people see it in a chat: it is not the phone talking to its devices, nor a channel's or a status.

    Nor is it a sender's key: the engine reports that by itself, ahead of the group's message of the same id.
    """
    fields = {field.name for field, _ in message.Message.ListFields()}
    is_key = bool(fields) and fields <= _COMPANIONS
    return message.Info.Category != "peer" and message.Info.MessageSource.Chat.Server not in UNSEEN_CHATS and not is_key


def seen_phone_at(message: MessageEv) -> float | None:
    """When the account's phone sent this, epoch s; None if it did not: our other devices are no sign of it."""
    source = message.Info.MessageSource
    return message.Info.Timestamp / 1000 if source.IsFromMe and source.Sender.Device == 0 else None


def event_id(session_ulid: str, message: MessageEv) -> str:
    """The same for every redelivery of one message, which WhatsApp identifies by chat, sender and id."""
    source, info = message.Info.MessageSource, message.Info
    origin = session_ulid, source.Chat.User, source.Sender.User, text(info.ID)
    return ids.event_id_for(info.Timestamp, "message", *origin)


def message_received(message: MessageEv) -> dict[str, Any]:
    """message_received is emitted when somebody writes to the session."""
    kind, body = content_of(unwrapped(message.Message))
    quoted = _quoted(_context(body))
    media = media_of(kind, body)
    return {
        "tags": _TAGS.get(kind, "system"),
        "message": raw_of(message),
        "text": _text(body),
        "contentType": kind,
        **({"quoted": quoted} if quoted else {}),
        "sender": sender_of(message),
        **({"media": media} if media else {}),
        "mentions": mentions_of(body),
        "type": "notify",
    }


def mentions_of(body: Any) -> list[str]:
    """The people whom a message names."""
    context = _context(body)
    return list(_mentions(context.mentionedJID)) if context else []


def jid(value: Any) -> ids.Jid:
    return ids.Jid(value.User, value.Server, value.Device)


def unwrapped(content: Content) -> Content:
    """The message inside its wrappers; their number is bounded, since the sender chose it."""
    for _ in range(len(_WRAPPERS)):
        wrapper = next((name for name in _WRAPPERS if content.HasField(name)), None)
        if wrapper is None:
            break
        content = getattr(content, wrapper).message
    return content


def content_of(content: Content) -> tuple[str, Any]:
    """contentType of an unwrapped message, and what stands under it: a protobuf or a text."""
    for field, value in content.ListFields():
        if field.name not in _COMPANIONS:
            return json_name(field.name), value
    return "unknown", None


def _text(body: Any) -> str:
    """The text of a message, the caption of a file or the name on a contact card."""
    if isinstance(body, str | bytes):
        return text(body)
    found = (getattr(body, field, "") for field in ("text", "caption", "displayName"))
    return text(next(filter(None, found), ""))


def _mentions(mentioned: Iterable[str]) -> Iterator[str]:
    """What is no address is left out: the sender may have put anything there."""
    for mention in mentioned:
        with contextlib.suppress(InvalidInput):
            yield str(ids.Jid.parse(text(mention)).account)


def _context(body: Any) -> ContextInfo | None:
    is_message = isinstance(body, Message) and "contextInfo" in body.DESCRIPTOR.fields_by_name
    return body.contextInfo if is_message and body.HasField("contextInfo") else None


def _quoted(context: ContextInfo | None) -> dict[str, Any] | None:
    if context is None or not context.HasField("quotedMessage"):
        return None
    kind, body = content_of(unwrapped(context.quotedMessage))
    words = _text(body)
    quoted = {"text": words, "type": _QUOTED.get(kind, "caption"), "contentType": kind, "raw": to_json(context)}
    return quoted if words else None


def identities_of(source: Source) -> tuple[ids.Jid | None, ids.Jid | None]:
    """The author's number and LID; WhatsApp gives one as Sender and, if it likes, the other as SenderAlt."""
    both = [jid(value).account for value in (source.Sender, source.SenderAlt) if value.User]
    number = next((known for known in both if known.server == ids.PN_SERVER), None)
    return number, next((known for known in both if known.is_lid), None)


def _chat(source: Source) -> ids.Jid:
    """Where a reply goes: the group, or the other one, under the number if that is known."""
    chat = jid(source.Chat).account
    if source.IsGroup or not chat.is_lid:
        return chat
    number = jid(source.RecipientAlt).account if source.IsFromMe else identities_of(source)[0]
    return number if number and number.server == ids.PN_SERVER else chat


def sender_of(message: MessageEv) -> dict[str, Any]:
    source = message.Info.MessageSource
    number, lid = identities_of(source)
    author = number or lid or jid(source.Sender).account
    return {
        "chatId": str(_chat(source)),
        "fromMe": source.IsFromMe,
        "isGroup": source.IsGroup,
        "authorJid": str(author),
        "pn": str(number) if number else None,
        "lid": str(lid) if lid else None,
        "contactId": str(lid or author),
    }


def raw_of(message: MessageEv) -> dict[str, Any]:
    info = message.Info
    source = info.MessageSource
    number, lid = identities_of(source)
    key = {
        "remoteJid": str(_chat(source)),
        "fromMe": source.IsFromMe,
        "id": text(info.ID),
        "participant": str(number or lid or jid(source.Sender).account),
        **({"senderPn": str(number)} if number else {}),
        **({"senderLid": str(lid)} if lid else {}),
    }
    return {
        "key": key,
        "messageTimestamp": info.Timestamp // 1000,
        "pushName": text(info.Pushname),
        "message": to_json(message.Message),
    }

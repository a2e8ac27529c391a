"""The engine's events -> the facts of warest/events.py. Pure: nothing here waits, stores or asks.

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
}

#: contentType of a quoted message -> its `type`; whatever is missing is `caption`.
_QUOTED = {
    "conversation": "text",
    "extendedTextMessage": "text",
    "contactMessage": "contact",
    "contactsArrayMessage": "contacts",
}

_UNSEEN_CHATS = {"newsletter", "broadcast"}


def is_for_receivers(message: MessageEv) -> bool:
    """Whether this is a message of somebody: not our own, nor the phone talking to its devices, nor a channel's."""
    source = message.Info.MessageSource
    return not source.IsFromMe and message.Info.Category != "peer" and source.Chat.Server not in _UNSEEN_CHATS


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
    content = unwrapped(message.Message)
    kind, body = _content(content)
    context = _context(body)
    quoted = _quoted(context)
    media = media_of(kind, body)
    return {
        "tags": _TAGS.get(kind, "system"),
        "message": _raw(message),
        "text": _text(body),
        "contentType": kind,
        **({"quoted": quoted} if quoted else {}),
        "sender": _sender(message),
        **({"media": media} if media else {}),
        "mentions": list(_mentions(context.mentionedJID)) if context else [],
        "type": "notify",
    }


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


def _content(content: Content) -> tuple[str, Any]:
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
    kind, body = _content(unwrapped(context.quotedMessage))
    words = _text(body)
    quoted = {"text": words, "type": _QUOTED.get(kind, "caption"), "contentType": kind, "raw": to_json(context)}
    return quoted if words else None


def _identities(source: Source) -> tuple[ids.Jid | None, ids.Jid | None]:
    """The author's number and LID; WhatsApp gives one as Sender and, if it likes, the other as SenderAlt."""
    both = [jid(value).account for value in (source.Sender, source.SenderAlt) if value.User]
    number = next((known for known in both if known.server == ids.PN_SERVER), None)
    return number, next((known for known in both if known.is_lid), None)


def _chat(source: Source) -> ids.Jid:
    """Where a reply goes: the group, or the author under the number if that is known."""
    chat = jid(source.Chat).account
    number, _ = _identities(source)
    return number if chat.is_lid and number and not source.IsGroup else chat


def _sender(message: MessageEv) -> dict[str, Any]:
    source = message.Info.MessageSource
    number, lid = _identities(source)
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


def _raw(message: MessageEv) -> dict[str, Any]:
    info = message.Info
    source = info.MessageSource
    number, lid = _identities(source)
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

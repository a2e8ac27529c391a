"""What people see in a message, as JSON: its kind and text, its file, poll or card, and what it is about."""

import json
from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import MessageToDict

from warest.sandbox import attachments, polls
from warest.whatsapp import protos

#: Fields that only accompany what a message says.
_COMPANIONS = frozenset({"messageContextInfo", "senderKeyDistributionMessage"})

#: Where people read a message that is no plain text.
_TEXTS = ("text", "caption")

#: How a JID is shown: by its phone number, where that is known.
Name = Callable[[str], str]


def describe(message: Any, name: Name) -> dict[str, Any]:
    """`kind` is the outermost field; `message` the whole protobuf, of all that is more than a text."""
    kind, body = _said(message)
    if kind == "conversation":
        return {"kind": "text", "text": body}
    content = attachments.unwrapped(message)
    inner, body = _said(content)
    attachment = attachments.find(message)
    shown: dict[str, Any] = {"kind": "text" if kind == "extendedTextMessage" else kind, "text": text_of(content)}
    shown |= {"message": MessageToDict(message)} | ({"file": attachment.show()} if attachment else {})
    if part := _PARTS.get(inner):
        shown |= part(body)
    return shown | _context(body, name)


def text_of(content: Any) -> str:
    """What is written in an unwrapped message, or below its file."""
    if content.HasField("conversation"):
        return str(content.conversation)
    _, body = _said(content)
    return next((text for field in _TEXTS if (text := getattr(body, field, "")) and isinstance(text, str)), "")


def target_of(content: Any) -> Any | None:
    """The key of the message that this one is about."""
    for field, key in _TARGETS.items():
        if content.HasField(field):
            return getattr(getattr(content, field), key)
    return None


_TARGETS = {
    "reactionMessage": "key",
    "pinInChatMessage": "key",
    "protocolMessage": "key",
    "pollUpdateMessage": "pollCreationMessageKey",
}


def _said(message: Any) -> tuple[str, Any]:
    said: list[tuple[str, Any]] = [(field.name, value) for field, value in message.ListFields()]
    return next((each for each in said if each[0] not in _COMPANIONS), ("empty", message))


def _reaction(body: Any) -> dict[str, Any]:
    return {"text": "", "reaction": {"id": body.key.ID, "emoji": body.text}}


def _protocol(body: Any) -> dict[str, Any]:
    if body.type == protos.e2e.ProtocolMessage.REVOKE and body.HasField("key"):
        return {"revoke": {"id": body.key.ID}}
    if body.type == protos.e2e.ProtocolMessage.MESSAGE_EDIT and body.HasField("editedMessage"):
        return {"edit": {"id": body.key.ID, "text": text_of(attachments.unwrapped(body.editedMessage))}}
    return {}


def _pin(body: Any) -> dict[str, Any]:
    return {"pin": {"id": body.key.ID, "pinned": body.type == protos.e2e.PinInChatMessage.PIN_FOR_ALL}}


def _poll(body: Any) -> dict[str, Any]:
    options = [option.optionName for option in body.options]
    told = {"name": body.name, "options": options, "selectable": body.selectableOptionsCount}
    return {"poll": {**told, "votes": {option: [] for option in options}}}


def _vote(body: Any) -> dict[str, Any]:
    return {"vote": {"id": body.pollCreationMessageKey.ID, "options": None}}


def _contact(body: Any) -> dict[str, Any]:
    return {"contact": {"name": body.displayName, "vcard": body.vcard}}


def _contacts(body: Any) -> dict[str, Any]:
    return {"contacts": [_contact(each)["contact"] for each in body.contacts]}


def _location(body: Any) -> dict[str, Any]:
    place = {"latitude": body.degreesLatitude, "longitude": body.degreesLongitude}
    return {"location": place | {field: getattr(body, field, "") for field in ("name", "address")}}


def _list(body: Any) -> dict[str, Any]:
    sections = [
        {
            "title": section.title,
            "rows": [{"id": row.rowID, "title": row.title, "description": row.description} for row in section.rows],
        }
        for section in body.sections
    ]
    told = {"title": body.title, "description": body.description, "button": body.buttonText, "footer": body.footerText}
    return {"list": {**told, "sections": sections}}


def _buttons(body: Any) -> dict[str, Any]:
    buttons = [{"id": button.buttonID, "text": button.buttonText.displayText} for button in body.buttons]
    header = body.text
    return {"buttons": {"header": header, "body": body.contentText, "footer": body.footerText, "buttons": buttons}}


def _interactive(body: Any) -> dict[str, Any]:
    """A button of the native flow brings its parameters as JSON in a text."""
    buttons = [{"name": each.name, "params": _json(each.buttonParamsJSON)} for each in body.nativeFlowMessage.buttons]
    told = {"header": body.header.title, "body": body.body.text, "footer": body.footer.text}
    return {"interactive": {**told, "buttons": buttons}}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_PARTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "reactionMessage": _reaction,
    "protocolMessage": _protocol,
    "pinInChatMessage": _pin,
    **dict.fromkeys(polls.CREATIONS, _poll),
    "pollUpdateMessage": _vote,
    "contactMessage": _contact,
    "contactsArrayMessage": _contacts,
    "locationMessage": _location,
    "liveLocationMessage": _location,
    "listMessage": _list,
    "buttonsMessage": _buttons,
    "interactiveMessage": _interactive,
}


def _context(body: Any, name: Name) -> dict[str, Any]:
    if "contextInfo" not in getattr(body, "DESCRIPTOR", protos.e2e.Call.DESCRIPTOR).fields_by_name:
        return {}
    context, about = body.contextInfo, dict[str, Any]()
    if context.stanzaID:
        quoted = describe(context.quotedMessage, name)
        about["quoted"] = {"id": context.stanzaID, "from": name(context.participant), **quoted}
    if context.mentionedJID:
        about["mentions"] = [name(jid) for jid in context.mentionedJID]
    if context.isForwarded:
        about["forwarded"] = context.forwardingScore
    if context.expiration:
        about["expiration"] = context.expiration
    return about

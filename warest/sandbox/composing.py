"""What phones write besides plain texts, made of what their owners tell. All of it raises InvalidInput."""

import secrets
import time
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from warest.errors import InvalidInput
from warest.sandbox import attachments, polls
from warest.sandbox.accounts import Account
from warest.sandbox.history import Target
from warest.whatsapp import protos

#: Of a poll.
_MAX_OPTIONS = 12

#: How long WhatsApp pins, s.
_PIN_SECONDS = 7 * 24 * 3600


def message(told: dict[str, Any]) -> Any:
    """One of `message` (a protobuf in JSON), `contact`, `location` and `text`."""
    if "message" in told:
        return raw(told["message"])
    for name, build in (("contact", _contact), ("location", _location)):
        if name in told:
            if not isinstance(told[name], dict):
                raise InvalidInput(f'"{name}" must be an object.')
            return build(told[name])
    return protos.e2e.Message(conversation=text(told, "text"))


def raw(told: Any) -> Any:
    """A Message, in JSON under the names of the engine's schema; bytes are base64."""
    if not isinstance(told, dict) or not told:
        raise InvalidInput('"message" must be an object that is not empty.')
    try:
        return ParseDict(told, protos.e2e.Message())
    except ParseError as error:
        raise InvalidInput(f'"message" is none: {error}') from error


def reply(words: str, quoted: Target) -> Any:
    context = protos.e2e.ContextInfo(stanzaID=quoted.id, participant=str(quoted.sender.lid))
    context.quotedMessage.CopyFrom(quoted.message)
    return protos.e2e.Message(extendedTextMessage=protos.e2e.ExtendedTextMessage(text=words, contextInfo=context))


def reaction(key: Any, emoji: str) -> Any:
    part = protos.e2e.ReactionMessage(key=key, text=emoji, senderTimestampMS=_now_ms())
    return protos.e2e.Message(reactionMessage=part)


def edit(key: Any, words: str, target: Target) -> Any:
    """The message anew: a text, or the file with another caption."""
    content = protos.e2e.Message()
    content.CopyFrom(attachments.unwrapped(target.message))
    if (attachment := attachments.find(content)) and hasattr(attachment.part, "caption"):
        attachment.part.caption = words
    elif content.HasField("extendedTextMessage"):
        content.extendedTextMessage.text = words
    elif content.HasField("conversation"):
        content.conversation = words
    else:
        raise InvalidInput("There is no text in that message.")
    protocol = protos.e2e.ProtocolMessage(
        key=key, type=protos.e2e.ProtocolMessage.MESSAGE_EDIT, editedMessage=content, timestampMS=_now_ms()
    )
    inner = protos.e2e.Message(protocolMessage=protocol)
    return protos.e2e.Message(editedMessage=protos.e2e.FutureProofMessage(message=inner))


def revoke(key: Any) -> Any:
    protocol = protos.e2e.ProtocolMessage(key=key, type=protos.e2e.ProtocolMessage.REVOKE)
    return protos.e2e.Message(protocolMessage=protocol)


def pin(key: Any, told: dict[str, Any]) -> Any:
    pinned, seconds = told.get("pin", True), told.get("seconds", _PIN_SECONDS)
    if not isinstance(pinned, bool) or type(seconds) is not int or not 0 < seconds < 2**31:
        raise InvalidInput('"pin" must be true or false, and "seconds" a whole number.')
    kinds = protos.e2e.PinInChatMessage
    kind = kinds.PIN_FOR_ALL if pinned else kinds.UNPIN_FOR_ALL
    made = protos.e2e.Message(pinInChatMessage=kinds(key=key, type=kind, senderTimestampMS=_now_ms()))
    if pinned:
        made.messageContextInfo.messageAddOnDurationInSecs = seconds
    return made


def poll(told: dict[str, Any]) -> Any:
    options, selectable = texts(told, "options"), told.get("selectable", 1)
    if not 2 <= len(options) <= _MAX_OPTIONS or len(set(options)) < len(options):
        raise InvalidInput(f'"options" must be 2 to {_MAX_OPTIONS} different texts.')
    if type(selectable) is not int or not 0 <= selectable <= len(options):
        raise InvalidInput('"selectable" must be how many options one may choose; 0 is all of them.')
    option = protos.e2e.PollCreationMessage.Option
    part = protos.e2e.PollCreationMessage(
        name=text(told, "name"),
        options=[option(optionName=name) for name in options],
        selectableOptionsCount=selectable,
    )
    made = protos.e2e.Message(**{"pollCreationMessageV3" if selectable == 1 else "pollCreationMessage": part})
    made.messageContextInfo.messageSecret = secrets.token_bytes(32)
    return made


def vote(key: Any, options: list[str], target: Target, voter: Account) -> Any:
    """No options take an earlier vote back."""
    created = polls.creation(attachments.unwrapped(target.message))
    if created is None:
        raise InvalidInput("That message is no poll.")
    known = {option.optionName for option in created.options}
    if not set(options) <= known or 0 < created.selectableOptionsCount < len(options):
        raise InvalidInput(f"The poll offers {', '.join(sorted(known))}, {created.selectableOptionsCount} at once.")
    return polls.update(key, polls.vote(target.message, target.id, target.sender, voter, options))


def text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f'The body needs "{name}", a text that is not empty.')
    return value


def texts(told: dict[str, Any], name: str) -> list[str]:
    value = told.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise InvalidInput(f'The body needs "{name}", a list of texts.')
    return value


def _contact(told: dict[str, Any]) -> Any:
    """`name`, and either `vcard` or `phone`."""
    name = text(told, "name")
    card = told["vcard"] if isinstance(told.get("vcard"), str) else _card(name, text(told, "phone"))
    return protos.e2e.Message(contactMessage=protos.e2e.ContactMessage(displayName=name, vcard=card))


def _card(name: str, phone: str) -> str:
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"FN:{name}", f"TEL;type=CELL;waid={phone}:+{phone}", "END:VCARD")
    return "\n".join(lines)


def _location(told: dict[str, Any]) -> Any:
    try:
        part = protos.e2e.LocationMessage(
            degreesLatitude=told.get("latitude"),
            degreesLongitude=told.get("longitude"),
            name=told.get("name"),
            address=told.get("address"),
        )
    except TypeError as error:
        raise InvalidInput(f'"location" cannot be that: {error}.') from error
    if not (part.HasField("degreesLatitude") and part.HasField("degreesLongitude")):
        raise InvalidInput('"location" needs "latitude" and "longitude", in degrees.')
    return protos.e2e.Message(locationMessage=part)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

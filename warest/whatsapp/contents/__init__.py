"""Commands -> messages, as protobufs. Pure: nothing here sends.

neonize's helpers read any path or URL, guess mentions and always send a text as an extended one (traps 38, 43).
"""

import base64
from collections.abc import Iterable
from typing import Any

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.contents import context
from warest.whatsapp.contents.context import Content
from warest.whatsapp.payload import from_json

#: Bytes of the secret that the votes of a poll are encrypted with.
POLL_SECRET = 32


def text(command: commands.SendText, to: str, mentions: Iterable[str] = ()) -> Content:
    """A plain text is `conversation`, as phones send it; anything about it makes it an extended text.

    `mentions` are those that only the chat itself knows, besides the command's.
    """
    about = context.of(command, to, dict.fromkeys((*command.mentions, *mentions)))
    if not about.ListFields() and not command.preview:
        return protos.e2e.Message(conversation=command.text)
    part = protos.e2e.ExtendedTextMessage(text=command.text, **_preview(command))
    if about.ListFields():
        part.contextInfo.CopyFrom(about)
    return protos.e2e.Message(extendedTextMessage=part)


def _preview(command: commands.SendText) -> dict[str, Any]:
    """Of the page that the text links to, if anything is known of it."""
    if not command.preview:
        return {}
    told: dict[str, Any] = {name: text for name in ("title", "description") if (text := command.preview.get(name))}
    if thumbnail := command.preview.get("thumbnail"):
        told["JPEGThumbnail"] = base64.b64decode(thumbnail)
    return {"matchedText": command.link, **told}


def status(command: commands.ShowStatus) -> Content:
    part = protos.e2e.ExtendedTextMessage(
        text=command.text, backgroundArgb=command.background, textArgb=command.foreground, font=command.font
    )
    return protos.e2e.Message(extendedTextMessage=part)


def contacts(command: commands.SendContacts, to: str) -> Content:
    """One card stands alone, several in an array."""
    cards = [protos.e2e.ContactMessage(displayName=name, vcard=vcard) for name, vcard in command.cards]
    if len(cards) == 1:
        return context.message("contactMessage", cards[0], command, to)
    together = protos.e2e.ContactsArrayMessage(displayName=command.title, contacts=cards)
    return context.message("contactsArrayMessage", together, command, to)


def location(command: commands.SendLocation, to: str) -> Content:
    place = protos.e2e.LocationMessage(degreesLatitude=command.latitude, degreesLongitude=command.longitude)
    if command.name:
        place.name = command.name
    if command.address:
        place.address = command.address
    return context.message("locationMessage", place, command, to)


def live_location(command: commands.SendLiveLocation, to: str, now_ns: int) -> Content:
    """Phones know by the number which of two is the later one: it is in us."""
    place = protos.e2e.LiveLocationMessage(
        degreesLatitude=command.latitude,
        degreesLongitude=command.longitude,
        accuracyInMeters=command.accuracy,
        speedInMps=command.speed,
        degreesClockwiseFromMagneticNorth=command.heading,
        sequenceNumber=now_ns // 1000,
        timeOffset=0,
    )
    if command.caption:
        place.caption = command.caption
    return context.message("liveLocationMessage", place, command, to)


def album(command: commands.SendAlbum, to: str) -> Content:
    """Tells phones what to wait for; the files come behind it."""
    kinds = [file["kind"] for file in command.files]
    part = protos.e2e.AlbumMessage(expectedImageCount=kinds.count("image"), expectedVideoCount=kinds.count("video"))
    return context.message("albumMessage", part, command, to)


def as_written(command: commands.SendContent, to: str) -> Content:
    """Raises InvalidInput for what is no message of WhatsApp's."""
    content = from_json(protos.e2e.Message, command.content)
    about = context.of(command, to)
    if not about.ListFields():
        return content
    if content.HasField("conversation"):  # has no room for a context
        content = protos.e2e.Message(extendedTextMessage=protos.e2e.ExtendedTextMessage(text=content.conversation))
    for field, part in content.ListFields():
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            if command.forwarded:
                part.ClearField("contextInfo")
            part.contextInfo.MergeFrom(about)
    return content


def poll(command: commands.SendPoll, to: str, secret: bytes) -> Content:
    """Phones make another kind of message of a poll with one choice. `secret` is needed to read the votes."""
    options = [protos.e2e.PollCreationMessage.Option(optionName=name) for name in command.options]
    question = protos.e2e.PollCreationMessage(
        name=command.question, options=options, selectableOptionsCount=command.selectable
    )
    name = "pollCreationMessageV3" if command.selectable == 1 else "pollCreationMessage"
    content = context.message(name, question, command, to)
    content.messageContextInfo.messageSecret = secret
    return content

"""Commands -> messages, as protobufs. Pure: nothing here sends.

neonize's helpers read any path or URL, guess mentions and always send a text as an extended one (traps 38, 43).
"""

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.contents import context
from warest.whatsapp.contents.context import Content

#: Bytes of the secret that the votes of a poll are encrypted with.
POLL_SECRET = 32


def text(command: commands.SendText, to: str) -> Content:
    """A plain text is `conversation`, as phones send it; anything about it makes it an extended text."""
    about = context.of(command, to, command.mentions)
    if not about.ListFields():
        return protos.e2e.Message(conversation=command.text)
    return protos.e2e.Message(extendedTextMessage=protos.e2e.ExtendedTextMessage(text=command.text, contextInfo=about))


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

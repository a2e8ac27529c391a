"""What a message's stanza says of it outside of the encryption, as WhatsApp's own clients write it."""

from dataclasses import dataclass
from typing import Any

from warest.sandbox import attachments, polls
from warest.sandbox.nodes import Node
from warest.whatsapp import protos

_EDIT, _PIN, _SENDER_REVOKE, _ADMIN_REVOKE = "1", "2", "7", "8"

#: What is media without bringing a file, and its `mediatype`.
_MEDIA = {
    "contactMessage": "vcard",
    "contactsArrayMessage": "contact_array",
    "locationMessage": "location",
    "liveLocationMessage": "livelocation",
    "listMessage": "list",
    "listResponseMessage": "list_response",
    "buttonsMessage": "button",
    "buttonsResponseMessage": "buttons_response",
    "interactiveResponseMessage": "native_flow_response",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """`edit` is empty for what stands for itself; `polltype` for what has nothing to do with polls."""

    type: str
    media_type: str
    edit: str
    polltype: str

    @property
    def is_quiet(self) -> bool:
        """Whether a device that cannot open it shows nothing."""
        return bool(self.edit) or self.type == "reaction" or self.polltype == "vote"

    def children(self) -> list[Node]:
        return [Node("meta", {"polltype": self.polltype})] if self.polltype else []


def envelope(message: Any) -> Envelope:
    content = attachments.unwrapped(message)
    media, poll = _media(message, content), _poll(content)
    kind = "reaction" if content.HasField("reactionMessage") else "poll" if poll else "media" if media else "text"
    return Envelope(kind, media, _edit(content), poll)


def _media(message: Any, content: Any) -> str:
    if attachment := attachments.find(message):
        return attachment.media_type
    return next((name for field, name in _MEDIA.items() if content.HasField(field)), "")


def _poll(content: Any) -> str:
    if polls.creation(content):
        return "creation"
    return "vote" if content.HasField("pollUpdateMessage") else ""


def _edit(content: Any) -> str:
    if content.HasField("pinInChatMessage"):
        return _PIN
    if content.HasField("reactionMessage"):
        return "" if content.reactionMessage.text else _SENDER_REVOKE
    protocol = content.protocolMessage
    if protocol.type == protos.e2e.ProtocolMessage.MESSAGE_EDIT and protocol.HasField("editedMessage"):
        return _EDIT
    if content.HasField("protocolMessage") and protocol.type == protos.e2e.ProtocolMessage.REVOKE:
        return _SENDER_REVOKE if protocol.key.fromMe else _ADMIN_REVOKE
    return ""

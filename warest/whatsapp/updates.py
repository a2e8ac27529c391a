"""Messages that are about another message: an edit, a revoke, a reaction, a vote, a pin.

Facts: contract, webhooks.md section 4; what the original's library makes of them (messages.update, messages.reaction).
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from warest.errors import InvalidInput
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.payload import text, to_json

#: WAMessageStubType.REVOKE of the original's library.
_REVOKED = 1

#: What stands in a pin's `type` when it pins.
_PIN_FOR_ALL = 1


@dataclass(frozen=True, slots=True)
class Update:
    """`kind`: edit, revoke, reaction, vote or pin. `target` is the key of the message that it is about, and `content`
    the part of the protobuf that says what about it."""

    kind: str
    target: Any
    content: Any

    @property
    def id(self) -> str:
        return text(self.target.ID)

    def target_key(self, chat: str, own: dict[str, Any], me: Iterable[str]) -> dict[str, Any]:
        """The target's key as receivers know keys; `own` is that of the message which brings the update, `me` are the
        names of the session's account.

        A key in a message is written from its sender's point of view: `fromMe` is what the sender has written.
        """
        is_senders = bool(self.target.fromMe)
        participant = _account(text(self.target.participant)) if self.target.HasField("participant") else ""
        # In a chat of two, what is not the sender's own is the other one's; in a group the key names who wrote it.
        is_ours = participant in set(me) if participant else not own["fromMe"]
        return {
            "remoteJid": chat,
            "fromMe": own["fromMe"] if is_senders else is_ours,
            "id": self.id,
            **({"participant": participant} if participant else {}),
        }


def of(content: Any) -> Update | None:
    """What an unwrapped message says of another one; None: it is about itself."""
    if content.HasField("protocolMessage"):
        return _of_protocol(content.protocolMessage)
    if content.HasField("reactionMessage"):
        return Update("reaction", content.reactionMessage.key, content.reactionMessage)
    if content.HasField("pollUpdateMessage"):
        return Update("vote", content.pollUpdateMessage.pollCreationMessageKey, content.pollUpdateMessage)
    if content.HasField("pinInChatMessage"):
        return Update("pin", content.pinInChatMessage.key, content.pinInChatMessage)
    return None


def _of_protocol(protocol: Any) -> Update | None:
    kinds = protos.e2e.ProtocolMessage
    if protocol.type == kinds.REVOKE and protocol.HasField("key"):
        return Update("revoke", protocol.key, protocol)
    if protocol.type == kinds.MESSAGE_EDIT and protocol.HasField("key"):
        return Update("edit", protocol.key, protocol)
    return None


def timer_of(content: Any) -> int | None:
    """After how long messages disappear from now on, s (0: they stay), if that is what an unwrapped message says."""
    protocol = content.protocolMessage
    is_timer = content.HasField("protocolMessage") and protocol.type == protos.e2e.ProtocolMessage.EPHEMERAL_SETTING
    return int(protocol.ephemeralExpiration) if is_timer else None


def message_edited(update: Update, key: dict[str, Any], at: int, mentions: list[str]) -> dict[str, Any]:
    """message_edited is emitted when somebody changes the text of a message."""
    edited = to_json(update.content.editedMessage)
    change = {"message": {"editedMessage": {"message": edited}}, "messageTimestamp": at}
    return {"key": key, "editedMessage": edited, "update": {"key": key, "update": change}, "mentions": mentions}


def message_revoked(key: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """message_revoked is emitted when somebody deletes a message for everybody."""
    return {"key": key, "update": {"message": None, "messageStubType": _REVOKED, "key": own}}


def message_reaction(
    update: Update, key: dict[str, Any], own: dict[str, Any], sender: dict[str, Any]
) -> dict[str, Any]:
    """message_reaction is emitted when somebody reacts to a message; an empty text takes the reaction back."""
    reaction = {**to_json(update.content), "key": key, "text": text(update.content.text)}
    return {"key": own, "reaction": reaction, "sender": sender}


def note(update: Update, key: dict[str, Any], *, by: str, at: int, own: str) -> dict[str, Any]:
    """What the database learns: who (`by`, a JID) did it, when (epoch s), by which message (`own`)."""
    told = {"do": update.kind, "chat": key["remoteJid"], "id": key["id"], "by": by, "at": at, "own": own}
    match update.kind:
        case "edit":
            told["message"] = to_json(update.content.editedMessage)
        case "reaction":
            told["emoji"] = text(update.content.text)
        case "pin":
            told["pinned"] = update.content.type == _PIN_FOR_ALL
        case "vote":
            vote = update.content.vote
            told |= {"payload": _base64(vote.encPayload), "iv": _base64(vote.encIV)}
    return told


def _account(jid: str) -> str:
    try:
        return str(Jid.parse(jid).account)
    except InvalidInput:
        return jid


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()

"""What is done to a message, or to a chat -> the message that says so."""

import time
from typing import Any

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.contents.context import Content


def reaction(key: commands.Key, emoji: str) -> Content:
    part = protos.e2e.ReactionMessage(key=key_of(key), text=emoji, senderTimestampMS=_now_ms())
    return protos.e2e.Message(reactionMessage=part)


def edit(command: commands.Edit) -> Content:
    """In a wrapper, as phones send it."""
    words = protos.e2e.Message(conversation=command.text)
    if command.mentions:
        about = protos.e2e.ContextInfo(mentionedJID=command.mentions)
        words = protos.e2e.Message(
            extendedTextMessage=protos.e2e.ExtendedTextMessage(text=command.text, contextInfo=about)
        )
    kinds = protos.e2e.ProtocolMessage
    protocol = kinds(key=key_of(command.key), type=kinds.MESSAGE_EDIT, editedMessage=words, timestampMS=_now_ms())
    inner = protos.e2e.Message(protocolMessage=protocol)
    return protos.e2e.Message(editedMessage=protos.e2e.FutureProofMessage(message=inner))


def timer(seconds: int) -> Content:
    """What is written in a chat of two disappears after this time, for both; 0: it stays."""
    kinds = protos.e2e.ProtocolMessage
    protocol = kinds(
        type=kinds.EPHEMERAL_SETTING, ephemeralExpiration=seconds, ephemeralSettingTimestamp=int(time.time())
    )
    return protos.e2e.Message(protocolMessage=protocol)


def revoke(key: commands.Key) -> Content:
    kinds = protos.e2e.ProtocolMessage
    return protos.e2e.Message(protocolMessage=kinds(key=key_of(key), type=kinds.REVOKE))


def pin(command: commands.PinMessage) -> Content:
    kinds = protos.e2e.PinInChatMessage
    kind = kinds.PIN_FOR_ALL if command.pin else kinds.UNPIN_FOR_ALL
    content = protos.e2e.Message(
        pinInChatMessage=kinds(key=key_of(command.key), type=kind, senderTimestampMS=_now_ms())
    )
    if command.pin:
        content.messageContextInfo.messageAddOnDurationInSecs = command.seconds
    return content


def key_of(key: commands.Key) -> Any:
    named = {"participant": key.participant} if key.participant else {}
    return protos.common.MessageKey(remoteJID=key.chat, fromMe=key.from_me, ID=key.id, **named)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

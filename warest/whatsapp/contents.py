"""Commands -> messages, as protobufs. Pure: nothing here sends.

neonize's helpers read any path or URL, guess mentions and always send a text as an extended one (traps 38, 43).
"""

import base64
import time
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.whatsapp import protos

# neonize's protobufs publish no types; the names say which is meant.
Content = Any  #: waE2E.Message
File = dict[str, Any]  #: where WhatsApp has a file, and the keys to it: fields that every message with a file has


def text(command: commands.SendText, to: str) -> Content:
    """A plain text is `conversation`, as phones send it; anything about it makes it an extended text."""
    if not (command.mentions or command.reply_to or command.forwarded):
        return protos.e2e.Message(conversation=command.text)
    context = _context(to, command.reply_to, command.forwarded)
    context.mentionedJID.extend(command.mentions)
    return _extended(command.text, context)


def reaction(key: commands.Key, emoji: str) -> Content:
    part = protos.e2e.ReactionMessage(key=key_of(key), text=emoji, senderTimestampMS=_now_ms())
    return protos.e2e.Message(reactionMessage=part)


def edit(command: commands.Edit) -> Content:
    """In a wrapper, as phones send it."""
    words = protos.e2e.Message(conversation=command.text)
    if command.mentions:
        words = _extended(command.text, protos.e2e.ContextInfo(mentionedJID=command.mentions))
    kinds = protos.e2e.ProtocolMessage
    protocol = kinds(key=key_of(command.key), type=kinds.MESSAGE_EDIT, editedMessage=words, timestampMS=_now_ms())
    inner = protos.e2e.Message(protocolMessage=protocol)
    return protos.e2e.Message(editedMessage=protos.e2e.FutureProofMessage(message=inner))


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


def file(command: commands.SendFile, uploaded: File, to: str) -> Content:
    """View-once files, and documents with a caption, travel in a wrapper, as phones send them."""
    name, build = _PARTS[command.kind]
    part = build(command, uploaded)
    if command.reply_to or command.forwarded:
        part.contextInfo.CopyFrom(_context(to, command.reply_to, command.forwarded))
    if command.view_once:
        part.viewOnce = True
    content = protos.e2e.Message(**{name: part})
    if wrapper := _wrapper(command):
        return protos.e2e.Message(**{wrapper: protos.e2e.FutureProofMessage(message=content)})
    return content


def _wrapper(command: commands.SendFile) -> str:
    if command.view_once:
        return "viewOnceMessageV2Extension" if command.kind in ("audio", "voice") else "viewOnceMessageV2"
    return "documentWithCaptionMessage" if command.kind == "document" and command.caption else ""


def _image(command: commands.SendFile, uploaded: File) -> Any:
    return protos.e2e.ImageMessage(**uploaded, **_known(command, "caption", "width", "height"), **_thumbnail(command))


def _video(command: commands.SendFile, uploaded: File) -> Any:
    known = _known(command, "caption", "width", "height", "seconds")
    return protos.e2e.VideoMessage(**uploaded, **known, **_thumbnail(command), gifPlayback=command.kind == "gif")


def _audio(command: commands.SendFile, uploaded: File) -> Any:
    is_voice = command.kind == "voice"
    audio = protos.e2e.AudioMessage(**uploaded, **_known(command, "seconds"), PTT=is_voice)
    if command.waveform:
        audio.waveform = base64.b64decode(command.waveform)
    return audio


def _sticker(command: commands.SendFile, uploaded: File) -> Any:
    known = _known(command, "width", "height")
    return protos.e2e.StickerMessage(**uploaded, **known, isAnimated=command.is_animated)


def _document(command: commands.SendFile, uploaded: File) -> Any:
    known = _known(command, "caption") | _thumbnail(command)
    return protos.e2e.DocumentMessage(**uploaded, **known, fileName=command.name, title=command.name)


#: What a file is sent as: the field of the message, and what stands in it.
_PARTS: dict[str, tuple[str, Callable[[commands.SendFile, File], Any]]] = {
    "image": ("imageMessage", _image),
    "video": ("videoMessage", _video),
    "gif": ("videoMessage", _video),
    "audio": ("audioMessage", _audio),
    "voice": ("audioMessage", _audio),
    "sticker": ("stickerMessage", _sticker),
    "document": ("documentMessage", _document),
}


def _known(command: commands.SendFile, *names: str) -> dict[str, Any]:
    """What is known of the file, under the same names."""
    return {name: value for name in names if (value := getattr(command, name))}


def _thumbnail(command: commands.SendFile) -> dict[str, bytes]:
    return {"JPEGThumbnail": base64.b64decode(command.thumbnail)} if command.thumbnail else {}


def _context(to: str, reply_to: str | None, forwarded: bool) -> Any:
    context = protos.e2e.ContextInfo()
    if forwarded:
        context.isForwarded, context.forwardingScore = True, 1
    if reply_to:
        # Without a stored copy of the message the quote is empty, as in the original (contract, endpoints.md 0.7).
        context.stanzaID, context.participant = reply_to, to
        context.quotedMessage.conversation = ""
    return context


def _extended(words: str, context: Any) -> Content:
    return protos.e2e.Message(extendedTextMessage=protos.e2e.ExtendedTextMessage(text=words, contextInfo=context))


def key_of(key: commands.Key) -> Any:
    named = {"participant": key.participant} if key.participant else {}
    return protos.common.MessageKey(remoteJID=key.chat, fromMe=key.from_me, ID=key.id, **named)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

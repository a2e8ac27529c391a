"""A file that WhatsApp has -> the message that tells of it."""

import base64
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.contents import context
from warest.whatsapp.contents.actions import key_of
from warest.whatsapp.contents.context import Content

File = dict[str, Any]  #: where WhatsApp has a file, and the keys to it: fields that every message with a file has


def file(command: commands.SendFile, uploaded: File, to: str) -> Content:
    """View-once files, and documents with a caption, travel in a wrapper, as phones send them."""
    name, build = _PARTS[command.kind]
    part = build(command, uploaded)
    if command.view_once:
        part.viewOnce = True
    content = context.message(name, part, command, to)
    if wrapper := _wrapper(command):
        return protos.e2e.Message(**{wrapper: protos.e2e.FutureProofMessage(message=content)})
    return content


def of_album(command: commands.SendFile, uploaded: File, to: str, album: commands.Key) -> Content:
    """One of the files that the message `album` has announced."""
    content = file(command, uploaded, to)
    association = content.messageContextInfo.messageAssociation
    association.associationType = protos.e2e.MessageAssociation.MEDIA_ALBUM
    association.parentMessageKey.CopyFrom(key_of(album))
    return content


def _wrapper(command: commands.SendFile) -> str:
    if command.view_once:
        return "viewOnceMessageV2Extension" if command.kind in ("audio", "voice") else "viewOnceMessageV2"
    return "documentWithCaptionMessage" if command.kind == "document" and command.caption else ""


def picture(command: commands.WithFile, uploaded: File) -> Any:
    """Without a caption unless the command has one."""
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
    "image": ("imageMessage", picture),
    "video": ("videoMessage", _video),
    "gif": ("videoMessage", _video),
    "audio": ("audioMessage", _audio),
    "voice": ("audioMessage", _audio),
    "sticker": ("stickerMessage", _sticker),
    "document": ("documentMessage", _document),
}


def _known(command: commands.WithFile, *names: str) -> dict[str, Any]:
    """What is known of the file, under the same names."""
    return {name: value for name in names if (value := getattr(command, name, None))}


def _thumbnail(command: commands.WithFile) -> dict[str, bytes]:
    return {"JPEGThumbnail": base64.b64decode(command.thumbnail)} if command.thumbnail else {}

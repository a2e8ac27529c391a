"""/api/v1/messages/send: media, gif, audio, sticker; what phones show or play by themselves.

Facts: contract, endpoints.md section 6. A worker makes each file fit to be sent before the session gets it.
"""

from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import SendFile
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.file_sending import CompressedFile, FileSending, FileToSend, Options, Taken, wishes
from warest.http.operation import Answer, Flag, Word, operation
from warest.http.sending import CODES, SentEntry, Shown, message_id
from warest.http.uploads import FileInput
from warest.media.options import Kind

_CODES = (*CODES, Code.DOWNSTREAM_ERROR)

MEDIA = ("media", "url", "mediaUrl", "file", "source")
_AUDIO = ("audio", "url", "media", "file", "source")
_STICKER = ("sticker", "url", "media", "file", "source", "upload")
_GIF = ("gif", "url", "media", "file", "source", "upload")

_AUDIO_TYPES = ("mime", "mimetype", "mimeType", "contentType", "audioMime", "audioMimeType")


class MediaToSend(CompressedFile):
    __doc__ = CompressedFile.__doc__

    media: Word = Field(None, validation_alias=AliasChoices(*MEDIA))
    view_once: Flag = Field(False, alias="viewOnce")


class GifToSend(CompressedFile):
    __doc__ = CompressedFile.__doc__

    gif: Word = Field(None, validation_alias=AliasChoices(*_GIF))


class AudioToSend(FileToSend):
    """`isVN`: as a voice note. `viewOnce`: it can be heard once."""

    audio: Word = Field(None, validation_alias=AliasChoices(*_AUDIO))
    is_vn: Flag = Field(False, validation_alias=AliasChoices("isVN", "isVoiceNote", "ptt"))
    mimetype: Word = Field(None, validation_alias=AliasChoices(*_AUDIO_TYPES))
    view_once: Flag = Field(False, alias="viewOnce")
    compress: Flag = True


class StickerToSend(CompressedFile):
    """`compression`: quality, maxDimension or size, webpEffort. `pack`: id, name, publisher, emojis, which phones show
    below the sticker."""

    sticker: Word = Field(None, validation_alias=AliasChoices(*_STICKER))
    pack: Options = Field({})


class SendMedia:
    """/api/v1/messages/send/media"""

    file_input = FileInput("Media", MEDIA, Code.MEDIA_OVER_LIMIT)

    def __init__(self, sending: FileSending) -> None:
        self._sending = sending

    @operation(
        "Send a picture or a video",
        family=Family.E2,
        parameters=MediaToSend,
        result=SentEntry,
        codes=(*_CODES, Code.UNSUPPORTED_MEDIA_TYPE, Code.MEDIA_OVER_LIMIT),
    )
    def on_post(self, request: falcon.Request, parameters: MediaToSend) -> Answer:
        taken = self._sending.take(request, parameters, parameters.media, self.file_input)
        kind = taken.shown_as
        if kind is None:
            raise self._sending.refuse(taken, Code.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type for this route")
        command = _command(kind, taken, parameters, view_once=parameters.view_once)
        extras = {
            "viewOnce": parameters.view_once,
            "caption": command.caption,
            "compression": parameters.compression if parameters.compress else {},
            "mediaKind": kind,
        }
        shown = Shown("Media message", kind, extras, (Code.BAD_REQUEST, "Invalid media input"))
        return self._sending.send(request, parameters, taken, command, shown, wishes(parameters))


class SendGif:
    """/api/v1/messages/send/gif"""

    file_input = FileInput("GIF", _GIF, Code.GIF_TOO_LARGE)

    def __init__(self, sending: FileSending) -> None:
        self._sending = sending

    @operation(
        "Send a GIF, or a video that plays like one",
        family=Family.E2,
        parameters=GifToSend,
        result=SentEntry,
        codes=(*_CODES, Code.UNSUPPORTED_MEDIA_TYPE, Code.GIF_TOO_LARGE),
    )
    def on_post(self, request: falcon.Request, parameters: GifToSend) -> Answer:
        taken = self._sending.take(request, parameters, parameters.gif, self.file_input)
        if taken.mimetype != "image/gif" and not taken.mimetype.startswith("video/"):
            raise self._sending.refuse(taken, Code.UNSUPPORTED_MEDIA_TYPE, "Unsupported gif type")
        command = _command("gif", taken, parameters)
        extras = {"caption": command.caption, "compression": parameters.compression if parameters.compress else {}}
        shown = Shown("GIF message", "gif", extras, (Code.BAD_REQUEST, "Invalid gif input"))
        return self._sending.send(request, parameters, taken, command, shown, wishes(parameters))


class SendAudio:
    """/api/v1/messages/send/audio"""

    file_input = FileInput("Audio", _AUDIO, Code.AUDIO_TOO_LARGE)

    def __init__(self, sending: FileSending) -> None:
        self._sending = sending

    @operation(
        "Send audio, or a voice note",
        family=Family.E2,
        parameters=AudioToSend,
        result=SentEntry,
        codes=(*_CODES, Code.UNSUPPORTED_MEDIA_TYPE, Code.AUDIO_TOO_LARGE, Code.VOICE_CONVERT_FAILED),
    )
    def on_post(self, request: falcon.Request, parameters: AudioToSend) -> Answer:
        taken = self._sending.take(request, parameters, parameters.audio, self.file_input)
        mimetype = (parameters.mimetype or taken.mimetype).partition(";")[0].strip().lower()
        if not mimetype.startswith("audio/") and mimetype != "application/ogg":
            raise self._sending.refuse(taken, Code.UNSUPPORTED_MEDIA_TYPE, "Unsupported audio type")
        kind: Kind = "voice" if parameters.is_vn else "audio"
        command = _command(kind, taken, parameters, view_once=parameters.view_once)
        unfit = (Code.BAD_REQUEST, "Invalid audio input")
        if parameters.is_vn:
            unfit = (Code.VOICE_CONVERT_FAILED, "The voice note could not be made")
        extras = {"isVoiceNote": parameters.is_vn, "mimeType": mimetype}
        shown = Shown("Audio message", "ptt" if parameters.is_vn else "audio", extras, unfit, "recording")
        return self._sending.send(request, parameters, taken, command, shown, {"enabled": parameters.compress})


class SendSticker:
    """/api/v1/messages/send/sticker"""

    file_input = FileInput("Sticker", _STICKER, Code.STICKER_TOO_LARGE)

    def __init__(self, sending: FileSending) -> None:
        self._sending = sending

    @operation(
        "Send a sticker, made of a picture, a GIF or a short video",
        family=Family.E2,
        parameters=StickerToSend,
        result=SentEntry,
        codes=(*_CODES, Code.STICKER_TOO_LARGE, Code.STICKER_CONVERT_FAILED),
    )
    def on_post(self, request: falcon.Request, parameters: StickerToSend) -> Answer:
        taken = self._sending.take(request, parameters, parameters.sticker, self.file_input)
        extras = {"compression": parameters.compression if parameters.compress else {}}
        failed = (Code.STICKER_CONVERT_FAILED, "The sticker could not be made")
        shown = Shown("Sticker message", "sticker", extras, failed)
        compression = {**wishes(parameters), "pack": parameters.pack}
        command = _command("sticker", taken, parameters)
        return self._sending.send(request, parameters, taken, command, shown, compression)


def _command(kind: Kind, taken: Taken, given: FileToSend, **more: Any) -> SendFile:
    return SendFile(
        kind=kind,
        to=taken.to,
        file=taken.key,
        mimetype=taken.mimetype,
        name=taken.name,
        caption=texts.as_whatsapp(given.caption or ""),
        reply_to=message_id(given.reply_message_id),
        forwarded=given.is_forwarded,
        **more,
    )

"""/api/v1/status: what an account shows for a day to those in its address book. Our own; the original has none."""

import re
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest import ids, texts
from warest.commands import SendFile, ShowStatus
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending, Options
from warest.http.operation import Answer, Flag, Word, operation
from warest.http.resources.media_sends import MEDIA
from warest.http.sending import CODES, Sending, SentEntry, Shown, WhenToSend
from warest.http.support import STATUS
from warest.http.uploads import FileInput

#: What phones let people write, characters.
LONGEST = 700

#: WhatsApp's numbers of its fonts.
FONTS = frozenset({0, 1, 2, 6, 7, 8, 9, 10})

_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")

_OPAQUE = 0xFF000000

_TO = (ids.STATUS,)


def _colour(value: object) -> int:
    """`#rrggbb` as ARGB. Raises ValueError for anything else."""
    found = _COLOUR.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a colour is #rrggbb")
    return _OPAQUE | int(found[1], 16)


def _font(value: object) -> int:
    if str(value) not in map(str, FONTS):
        raise ValueError(f"a font is one of {', '.join(map(str, sorted(FONTS)))}")
    return int(str(value))


Colour = Annotated[int, BeforeValidator(_colour, json_schema_input_type=str)]


class TextToShow(WhenToSend):
    """`backgroundColor` and `textColor`: `#rrggbb`. `font`: one of WhatsApp's numbers, 0, 1, 2 and 6 to 10."""

    message: Word = Field(None, validation_alias=AliasChoices("message", "text", "caption"))
    background: Colour = Field(_OPAQUE | 0x128C7E, alias="backgroundColor", examples=["#128c7e"])
    foreground: Colour = Field(_OPAQUE | 0xFFFFFF, alias="textColor", examples=["#ffffff"])
    font: Annotated[int, BeforeValidator(_font)] = 0


class MediaToShow(WhenToSend):
    """The file as in send/media. `compress` (true): make it smaller if that is worth it. `compression`: how."""

    media: Word = Field(None, validation_alias=AliasChoices(*MEDIA))
    filename: Word = None
    caption: Word = None
    compress: Flag = True
    compression: Options = Field({}, validation_alias=AliasChoices("compression", "compressOptions"))


class ShowText:
    """/api/v1/status/text"""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    @operation("Show a text as a status", family=Family.E2, parameters=TextToShow, result=SentEntry,
               codes=(*CODES, Code.MESSAGE_TOO_LONG), limit=STATUS)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: TextToShow) -> Answer:
        record = self._sending.session(request, parameters)
        text = texts.as_whatsapp(parameters.message or "")
        if not text.strip():
            raise Refusal(Code.MISSING_PARAMETER, "Parameter 'message' is required")
        if len(text) > LONGEST:
            raise Refusal(Code.MESSAGE_TOO_LONG, f"The text of a status can be {LONGEST} characters long")
        command = ShowStatus(
            to=_TO,
            text=text,
            background=parameters.background,
            foreground=parameters.foreground,
            font=parameters.font,
        )
        return self._sending.send(request, parameters, record, command, Shown("Status", "status"))


class ShowMedia:
    """/api/v1/status/media"""

    file_input = FileInput("Media", MEDIA, Code.MEDIA_OVER_LIMIT)

    def __init__(self, sending: Sending, files: FileSending) -> None:
        self._sending = sending
        self._files = files

    @operation(
        "Show a picture or a video as a status",
        family=Family.E2,
        parameters=MediaToShow,
        result=SentEntry,
        codes=(*CODES, Code.DOWNSTREAM_ERROR, Code.UNSUPPORTED_MEDIA_TYPE, Code.MEDIA_OVER_LIMIT),
        limit=STATUS,
    )
    def on_post(self, request: falcon.Request, parameters: MediaToShow) -> Answer:
        record = self._sending.session(request, parameters)
        self._files.check_time(parameters)
        file = self._files.required(request, parameters.media or "", self.file_input, parameters.filename or "")
        kind = file.shown_as
        if kind is None:
            raise self._files.refuse(file, Code.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type for this route")
        command = SendFile(
            kind=kind,
            to=_TO,
            file=file.key,
            mimetype=file.mimetype,
            name=file.name,
            caption=texts.as_whatsapp(parameters.caption or ""),
        )
        wishes = {**parameters.compression, "enabled": parameters.compress}
        extras = {"caption": command.caption, "mediaKind": kind}
        shown = Shown("Status", "status", extras, (Code.BAD_REQUEST, "Invalid media input"))
        return self._files.send_with(request, parameters, record, command, shown, file, wishes)


def routes(sending: Sending, files: FileSending) -> dict[str, Any]:
    return {"/api/v1/status/text": ShowText(sending), "/api/v1/status/media": ShowMedia(sending, files)}

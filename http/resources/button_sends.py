"""/api/v1/messages/send: button, list; a text with something to press below it.

Facts: contract, endpoints.md section 6; quirk Q30.
"""

from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import buttons, texts
from warest.buttons import Button
from warest.commands import SendInteractive
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending
from warest.http.loose import Loose
from warest.http.operation import Answer, Word, operation
from warest.http.sending import CODES, Sending, SendParameters, SentEntry, Shown, message_id
from warest.http.support import BUTTONS
from warest.http.uploads import FileInput
from warest.store import SessionRecord

_NO_ONE = (Code.BAD_REQUEST, "Invalid destination")


class InteractiveToSend(SendParameters):
    footer: Word = None
    image: Word = None


class ButtonsToSend(InteractiveToSend):
    """`buttons`: up to ten of `{type, displayText, id, url, copyCode, phoneNumber}`, where `type` is reply (the usual),
    url, copy or call; or a text each. `image`: a URL, a data URI or base64, shown above the text."""

    text: Word = Field(None, validation_alias=AliasChoices("text", "message"))
    buttons: Loose = None


class ListToSend(InteractiveToSend):
    """`list`: `{buttonText, sections: [{title, rows: [{id, title, description, header}]}]}`, a row may be a text. Or
    `lists` with several of them, or `sections` and `buttonText` without it."""

    text: Word = Field(None, validation_alias=AliasChoices("text", "title", "message"))
    list: Loose = None
    lists: Loose = None
    sections: Loose = None
    button_text: Word = Field(None, alias="buttonText")


Addressed = tuple[SessionRecord, tuple[str, ...]]


class Interactive:
    """What both have in common."""

    file_input = FileInput("Image", ("image",), Code.MEDIA_OVER_LIMIT)

    def __init__(self, sending: Sending, files: FileSending) -> None:
        self._sending = sending
        self._files = files

    def addressed(self, request: falcon.Request, given: InteractiveToSend) -> Addressed:
        self._files.check_time(given)
        return self._sending.addressed(request, given, _NO_ONE)

    def send(
        self,
        request: falcon.Request,
        given: InteractiveToSend,
        addressed: Addressed,
        text: str | None,
        below: tuple[Button, ...],
        shown: Shown,
    ) -> Answer:
        record, to = addressed
        image = self._files.file(request, given.image or "", self.file_input)
        if image is None and given.image:
            raise Refusal(*shown.unfit)
        if image and not image.mimetype.startswith("image/"):
            raise self._files.refuse(image, *shown.unfit)
        command = SendInteractive(
            to=to,
            text=texts.as_whatsapp(text or ""),
            footer=texts.as_whatsapp(given.footer or ""),
            buttons=below,
            file=image.key if image else "",
            mimetype=image.mimetype if image else "",
            reply_to=message_id(given.reply_message_id),
            forwarded=given.is_forwarded,
        )
        return self._files.send_with(request, given, record, command, shown, image, {})


class SendButton:
    """/api/v1/messages/send/button"""

    file_input = Interactive.file_input

    def __init__(self, interactive: Interactive) -> None:
        self._interactive = interactive

    @operation("Send a text with buttons", family=Family.E2, parameters=ButtonsToSend, result=SentEntry,
               codes=(*CODES, Code.MEDIA_OVER_LIMIT), limit=BUTTONS,)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: ButtonsToSend) -> Answer:
        addressed = self._interactive.addressed(request, parameters)
        below = buttons.buttons(parameters.buttons)
        shown = _shown("interactive button", {"buttonCount": len(below)})
        return self._interactive.send(request, parameters, addressed, parameters.text, below, shown)


class SendList:
    """/api/v1/messages/send/list"""

    file_input = Interactive.file_input

    def __init__(self, interactive: Interactive) -> None:
        self._interactive = interactive

    @operation("Send a text with a list to choose from", family=Family.E2, parameters=ListToSend, result=SentEntry,
               codes=(*CODES, Code.MEDIA_OVER_LIMIT), limit=BUTTONS,)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: ListToSend) -> Answer:
        addressed = self._interactive.addressed(request, parameters)
        below = buttons.lists(parameters.list, parameters.lists, parameters.sections, parameters.button_text)
        shown = _shown("interactive list", {"sectionCount": below.sections, "rowCount": below.rows})
        return self._interactive.send(request, parameters, addressed, parameters.text, below.buttons, shown)


def _shown(kind: str, extras: dict[str, Any]) -> Shown:
    return Shown(f"{kind.capitalize()} message", kind, extras, (Code.BAD_REQUEST, "Invalid image input"))

"""/api/v1/messages/send: button, list; a text with something to press below it.

Facts: contract, endpoints.md section 6; quirk Q30.
"""

from collections.abc import Iterator
from typing import Any

import falcon
import orjson
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import SendInteractive
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending
from warest.http.loose import Loose, first, parsed
from warest.http.operation import Answer, Word, operation, word
from warest.http.sending import CODES, Sending, SendParameters, SentEntry, Shown, message_id
from warest.http.support import BUTTONS
from warest.http.uploads import FileInput
from warest.store import SessionRecord

#: Buttons and rows of one message.
MOST_BUTTONS, MOST_ROWS = 10, 1000

_NO_ONE = (Code.BAD_REQUEST, "Invalid destination")

#: What a button does -> WhatsApp's word, and what it needs: our name of it, those that callers use, WhatsApp's.
_KINDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "reply": ("quick_reply", ("id", "displayText", "text"), "id"),
    "url": ("cta_url", ("url",), "url"),
    "copy": ("cta_copy", ("copyCode", "copy_code", "code"), "copy_code"),
    "call": ("cta_call", ("phoneNumber", "phone_number", "phone"), "phone_number"),
}


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
        buttons: list[tuple[str, str]],
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
            buttons=tuple(buttons),
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
        given = parameters.buttons
        if not isinstance(given, list) or not given:
            raise Refusal(Code.BAD_REQUEST, "buttons must be a non-empty array")
        if len(given) > MOST_BUTTONS:
            raise Refusal(Code.BAD_REQUEST, f"at most {MOST_BUTTONS} buttons can be sent")
        buttons = [_button(one, f"buttons[{place}]") for place, one in enumerate(given)]
        shown = _shown("interactive button", {"buttonCount": len(buttons)})
        return self._interactive.send(request, parameters, addressed, parameters.text, buttons, shown)


class SendList:
    """/api/v1/messages/send/list"""

    file_input = Interactive.file_input

    def __init__(self, interactive: Interactive) -> None:
        self._interactive = interactive

    @operation("Send a text with a list to choose from", family=Family.E2, parameters=ListToSend, result=SentEntry,
               codes=(*CODES, Code.MEDIA_OVER_LIMIT), limit=BUTTONS,)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: ListToSend) -> Answer:
        addressed = self._interactive.addressed(request, parameters)
        lists = [told for told in _lists(parameters) if told["sections"]]
        sections = [section for told in lists for section in told["sections"]]
        if not sections:
            raise Refusal(Code.BAD_REQUEST, "at least one section with one row is required")
        rows = sum(len(section["rows"]) for section in sections)
        if rows > MOST_ROWS or len(lists) > MOST_BUTTONS:
            raise Refusal(Code.BAD_REQUEST, f"at most {MOST_ROWS} rows in {MOST_BUTTONS} lists can be sent")
        buttons = [("single_select", _json(told)) for told in lists]
        shown = _shown("interactive list", {"sectionCount": len(sections), "rowCount": rows})
        return self._interactive.send(request, parameters, addressed, parameters.text, buttons, shown)


def _shown(kind: str, extras: dict[str, Any]) -> Shown:
    return Shown(f"{kind.capitalize()} message", kind, extras, (Code.BAD_REQUEST, "Invalid image input"))


def _button(given: object, name: str) -> tuple[str, str]:
    """WhatsApp's kind of a button and its parameters. A text is a button to reply with."""
    told = parsed(given)
    told = {"text": word(told)} if not isinstance(told, dict) else told
    kind = (first(told, "type") or "reply").lower()
    if kind not in _KINDS:
        raise Refusal(Code.BAD_REQUEST, f"{name}.type must be one of {', '.join(_KINDS)}")
    native, sources, target = _KINDS[kind]
    value = first(told, *sources)
    if not value:
        raise Refusal(Code.BAD_REQUEST, f"{name}.{sources[0]} is required")
    label = first(told, "displayText", "text") or value
    more = {"merchant_url": value} if kind == "url" else {}
    return native, _json({"display_text": label, target: value, **more})


def _lists(given: ListToSend) -> Iterator[dict[str, Any]]:
    flat = {"sections": given.sections, "buttonText": given.button_text}
    found = given.lists if isinstance(given.lists, list) else [given.list or flat]
    for told in map(parsed, found):
        if isinstance(told, dict):
            title = first(told, "buttonText", "title") or given.button_text or "Open"
            yield {"title": title, "sections": list(_sections(parsed(told.get("sections"))))}


def _sections(given: object) -> Iterator[dict[str, Any]]:
    """Those that have rows."""
    for told in given if isinstance(given, list) else []:
        rows = told.get("rows") if isinstance(told, dict) else None
        shown = [row for one in rows if (row := _row(one))] if isinstance(rows, list) else []
        if shown:
            yield {"title": first(told, "title"), "rows": shown}


def _row(given: object) -> dict[str, str]:
    """Empty: nothing can be read in it."""
    told = given if isinstance(given, dict) else {"title": given}
    title = first(told, "title", "id")
    row = {"header": first(told, "header"), "title": title, "description": first(told, "description")}
    return {**row, "id": first(told, "id") or title} if title else {}


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()

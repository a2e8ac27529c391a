"""What stands below a text to be pressed: buttons and lists, as callers write them -> as WhatsApp wants them.

Facts: contract, endpoints.md section 6; quirk Q30. All here raise InvalidInput.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from warest.errors import InvalidInput
from warest.loose import first, parsed, word

#: WhatsApp's kind of a button, and its parameters in JSON.
Button = tuple[str, str]

#: Buttons and rows of one message.
MOST_BUTTONS, MOST_ROWS = 10, 1000

#: What a button does -> WhatsApp's word, and what it needs: our name of it, those that callers use, WhatsApp's.
_KINDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "reply": ("quick_reply", ("id", "displayText", "text"), "id"),
    "url": ("cta_url", ("url",), "url"),
    "copy": ("cta_copy", ("copyCode", "copy_code", "code"), "copy_code"),
    "call": ("cta_call", ("phoneNumber", "phone_number", "phone"), "phone_number"),
}


@dataclass(frozen=True, slots=True)
class Lists:
    """A button for each list, and how much is in them together."""

    buttons: tuple[Button, ...]
    sections: int
    rows: int


def buttons(given: object) -> tuple[Button, ...]:
    """A list of objects (`type`, `displayText`, `id`, `url`, `copyCode`, `phoneNumber`), or of texts to reply with."""
    if not isinstance(given, list) or not given:
        raise InvalidInput("buttons must be a non-empty array")
    if len(given) > MOST_BUTTONS:
        raise InvalidInput(f"at most {MOST_BUTTONS} buttons can be sent")
    return tuple(_button(one, f"buttons[{place}]") for place, one in enumerate(given))


def lists(one: object, several: object, sections: object, button_text: str | None) -> Lists:
    """`one` list, or `several` of them, or its `sections` by themselves; `button_text` is what opens one that does not
    say it itself."""
    found = several if isinstance(several, list) else [one or {"sections": sections, "buttonText": button_text}]
    filled = [told for told in _lists(found, button_text) if told["sections"]]
    inside = [section for told in filled for section in told["sections"]]
    if not inside:
        raise InvalidInput("at least one section with one row is required")
    rows = sum(len(section["rows"]) for section in inside)
    if rows > MOST_ROWS or len(filled) > MOST_BUTTONS:
        raise InvalidInput(f"at most {MOST_ROWS} rows in {MOST_BUTTONS} lists can be sent")
    return Lists(tuple(("single_select", _json(told)) for told in filled), len(inside), rows)


def _button(given: object, name: str) -> Button:
    told = parsed(given)
    told = {"text": word(told)} if not isinstance(told, dict) else told
    kind = (first(told, "type") or "reply").lower()
    if kind not in _KINDS:
        raise InvalidInput(f"{name}.type must be one of {', '.join(_KINDS)}")
    native, sources, target = _KINDS[kind]
    value = first(told, *sources)
    if not value:
        raise InvalidInput(f"{name}.{sources[0]} is required")
    label = first(told, "displayText", "text") or value
    more = {"merchant_url": value} if kind == "url" else {}
    return native, _json({"display_text": label, target: value, **more})


def _lists(given: list[Any], button_text: str | None) -> Iterator[dict[str, Any]]:
    for told in map(parsed, given):
        if isinstance(told, dict):
            title = first(told, "buttonText", "title") or button_text or "Open"
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

"""One action of an answer: its name, and how it is told from others.

Facts: contract, webhooks.md section 6. `act` or `action` names a control, and so does a `type` that is one; a control
that nobody knows counts by its `type`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warest.errors import InvalidInput
from warest.loose import first, parsed, word

#: Actions that send a message.
SENDS = frozenset({
    "text", "media", "document", "sticker", "vcard", "location", "button", "list", "poll", "forward", "raw", "noop",
})  # fmt: skip

#: Actions that hold others.
GROUPS = frozenset({"queue", "parallel", "when", "retry"})

#: Actions that only take time.
PAUSES = frozenset({"delay", "typing"})

#: Actions that do something to a message or a chat. Those from mute on the original had promised.
DEEDS = frozenset({
    "presence", "react", "star", "unstar", "delete", "revoke", "edit", "read",
    "mute", "unmute", "archive", "unarchive", "pin", "unpin", "chat-read", "chat-unread",
})  # fmt: skip

_CONTROLS = {name.replace("-", ""): name for name in GROUPS | PAUSES | DEEDS}

#: What people mean by no.
_FALSY = frozenset({"", "0", "false", "null", "undefined", "no"})


class Incomplete(Exception):
    """A control lacks something, so nothing is done. The message says what."""


@dataclass(frozen=True, slots=True)
class Action:
    """`position` is its place in the answer, such as `2.then.0`."""

    name: str
    told: dict[str, Any]
    position: str

    def text(self, *names: str) -> str:
        """The first of these fields that holds more than blanks, as it is."""
        return next((found for name in names if (found := word(self.told.get(name)) or "").strip()), "")

    def seconds(self, *names: str, unit: float = 0.001) -> float | None:
        """Of the first of these fields that holds a positive number, in units of so many seconds; None: none does."""
        return next((number * unit for name in names if (number := _number(self.told.get(name))) > 0), None)

    def number(self, name: str, default: int) -> int:
        return int(_number(self.told.get(name))) or default

    def flag(self, *names: str, default: bool) -> bool:
        found = next((self.told[name] for name in names if self.told.get(name) is not None), default)
        return is_true(found)

    def part(self, name: str) -> dict[str, Any]:
        """An object in a field, or the JSON of one; anything else is an empty one."""
        value = parsed(self.told.get(name))
        return value if isinstance(value, dict) else {}

    def items(self, *names: str) -> list[Any]:
        """The first of these fields that holds actions: a list, or one by itself."""
        found: Any = next((self.told[name] for name in names if self.told.get(name)), [])
        return found if isinstance(found, list) else [found]


def action(told: object, position: str) -> Action:
    """Raises InvalidInput for what is none."""
    if not isinstance(told, dict):
        raise InvalidInput("an action is an object")
    given = first(told, "act", "action")
    name = _CONTROLS.get(_plain(given)) or _of_type(told)
    if name is None:
        raise InvalidInput(f"no such action: {called(told)!r}")
    return Action(name, told, position)


def called(told: object) -> str:
    """What somebody has called an action, whether it is one or not."""
    return first(told, "act", "action", "type")[:32] if isinstance(told, dict) else ""


def is_true(value: object) -> bool:
    """What a condition comes to (contract: falsy are "", 0, false, null, undefined, no)."""
    if isinstance(value, str):
        return value.strip().lower() not in _FALSY
    return value not in (None, False, 0)


def _of_type(told: Mapping[str, Any]) -> str | None:
    name = first(dict(told), "type").lower()
    return _CONTROLS.get(_plain(name)) or (name if name in SENDS else None)


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower())


def _number(value: object) -> float:
    """0 for what is none."""
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return number if abs(number) < 1e15 else 0.0  # neither infinite nor no number at all

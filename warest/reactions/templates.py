"""`{{a.b.c}}` in the texts of an action: what the event has under that path.

Facts: contract, webhooks.md section 6. A path begins with a name of the event's body (`event`, `data`, `ts`,
`session`) or of its `data`, which wins; a number is a place in a list. What is not there is the empty text. What stands
for a path is not looked through again, since strangers wrote it.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from warest.errors import InvalidInput
from warest.events import as_javascript

#: Characters that the paths of one answer may put in together: a few of them could stand for the whole event.
LONGEST = 1_000_000

_PATH = re.compile(r"\{\{\s*([^{}\s]{1,200})\s*\}\}")


class Template:
    """Fills in what one event says. May be used for one answer only: it counts."""

    def __init__(self, body: str | bytes) -> None:
        """`body` is that of the event, JSON."""
        event: dict[str, Any] = orjson.loads(body)
        data = event.get("data")
        self._known: Mapping[str, Any] = {**event, **(data if isinstance(data, dict) else {})}
        self._left = LONGEST

    def filled(self, value: Any) -> Any:
        """The value with every text in it filled in. Raises InvalidInput when that is too much."""
        if isinstance(value, str):
            return _PATH.sub(lambda found: self._counted(shown(self.at(found[1]))), value)
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return {name: self.filled(each) for name, each in value.items()} if isinstance(value, dict) else value

    def at(self, path: str) -> Any:
        """What the event has there; None: nothing."""
        value: Any = self._known
        for name in path.split("."):
            if isinstance(value, list):
                value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _counted(self, text: str) -> str:
        self._left -= len(text)
        if self._left < 0:
            raise InvalidInput(f"the templates of an answer may put in {LONGEST} characters together")
        return text


def shown(value: Any) -> str:
    """As JavaScript writes it into a text; objects, which that cannot write, as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return ",".join(map(shown, value))
    return value if isinstance(value, str) else as_javascript(value).decode()

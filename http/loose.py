"""Objects and lists in parameters, however callers write them: as JSON, as its text in a form, or with commas."""

import re
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator

from warest.http.operation import word


def parsed(value: object) -> Any:
    """A text that is the JSON of an object or a list becomes it; anything else stays as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def words(value: object) -> list[str]:
    """What a list holds, or what stands between the commas of a text; without the empty ones."""
    value = parsed(value)
    items = re.split(r"[,;\n]", value) if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [found for item in items if (found := (word(item) or "").strip())]


def first(given: dict[str, Any], *names: str) -> str:
    """The first of these that holds a word."""
    return next((found for name in names if (found := (word(given.get(name)) or "").strip())), "")


#: A parameter that may be an object, a list or the text of either.
Loose = Annotated[Any, BeforeValidator(parsed)]

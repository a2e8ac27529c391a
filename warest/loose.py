"""What callers write loosely: words for numbers, objects and lists as JSON, as its text in a form, or with commas."""

import re
from typing import Any

import orjson


def word(value: object) -> str | None:
    """Where one word is wanted, a list or an object is as good as nothing; so the original read its parameters."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if isinstance(value, bool) or not isinstance(value, str | int | float) else str(value)


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


def listed(value: object, what: str) -> list[str]:
    """A list of texts, or one with commas between; each once. Raises ValueError for anything else: it is no list of
    `what`."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"it is a list of {what}")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))

"""JSON as clients of the original expect it: names, their order, and types."""

from dataclasses import dataclass
from typing import Any

#: What we say besides, anywhere in an object (docs/differences.md and docs/api.md).
ADDED = {
    "toPn", "toLid", "contactId", "synced", "archived", "pinned", "mutedUntil", "pn", "lid", "chatId", "status",
    "isStarred",
}  # fmt: skip


@dataclass(frozen=True)
class Null:
    """JSON's null, or what else it may be."""

    or_else: Any = None


NULL = Null()


def faults(shape: Any, value: Any, at: str = "answer") -> list[str]:
    """Where a JSON value is not what it should be.

    `shape`: an object's keys in their order, a list with the shape of each of its items, a type, or the value itself.
    """
    if isinstance(shape, Null):
        return [] if value is None else [f"{at} is not null"] if shape is NULL else faults(shape.or_else, value, at)
    if isinstance(shape, dict):
        return _object_faults(shape, value, at)
    if isinstance(shape, list):
        if type(value) is not list or not value:
            return [f"{at} is not a list that has items: {value!r}"]
        return [fault for number, item in enumerate(value) for fault in faults(shape[0], item, f"{at}[{number}]")]
    if isinstance(shape, type):
        return [] if type(value) is shape else [f"{at} is not {shape.__name__}: {value!r}"]
    return [] if type(value) is type(shape) and value == shape else [f"{at} is not {shape!r}: {value!r}"]


def _object_faults(shape: dict[str, Any], value: Any, at: str) -> list[str]:
    if type(value) is not dict:
        return [f"{at} is not an object: {value!r}"]
    found = [f"{at}.{name} is not known" for name in value if name not in shape and name not in ADDED]
    if (told := [name for name in value if name in shape]) != list(shape):
        return [*found, f"{at} has {told}, not {list(shape)}"]
    return found + [fault for name in shape for fault in faults(shape[name], value[name], f"{at}.{name}")]

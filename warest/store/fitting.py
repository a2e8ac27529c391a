"""Values as every database can hold them.

What comes from WhatsApp was written by strangers. PostgreSQL refuses a NUL, none encodes half of a surrogate pair, and
MySQL refuses what is longer than its column: none of these may cost a message, or the thousand that came with it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import orjson

from warest.entities import KEY, NAME
from warest.events import as_javascript

T = TypeVar("T")

_UNFIT = re.compile("[\0\ud800-\udfff]")

#: Rows that are looked up and written at once.
PORTION = 500

#: Digits of a SHA-256 that make a cut key unique again.
_TAIL = 64

#: JavaScript counts so far, and every database at least.
_HIGHEST = 2**53


def text(value: str) -> str:
    """Of any length."""
    return _UNFIT.sub("\ufffd", value) if _UNFIT.search(value) else value


def short(value: str, length: int = NAME) -> str:
    """Cut to a column's length."""
    return text(value[:length])


def key(value: str) -> str:
    """An address, or the id of a message. One that is too long is still found by the whole of it, and by that only."""
    fit = text(value)
    if fit == value and len(value) <= KEY:
        return value
    return fit[: KEY - _TAIL] + hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()


def seconds(value: int) -> int:
    return min(max(value, 0), _HIGHEST)


def dump(value: Any) -> str:
    """JSON as text; nothing is the empty text."""
    if not value:
        return ""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half of a surrogate pair, somewhere
        return as_javascript(value).decode()


def load(value: str | None) -> Any:
    return orjson.loads(value) if value else {}


def portions(items: Iterable[T], size: int = PORTION) -> Iterator[list[T]]:
    rest = iter(items)
    while portion := list(islice(rest, size)):
        yield portion


def padded(keys: Iterable[str]) -> list[str]:
    """At most PORTION keys to ask for at once, as a list of one of two lengths: Pony keeps the SQL of each."""
    listed = list(keys)
    return listed if len(listed) == 1 else listed + listed[-1:] * (PORTION - len(listed))

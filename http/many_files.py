"""The files of one call to send/files, in all the forms in which callers name them.

Facts: contract, endpoints.md section 6; quirk Q11.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warest.loose import first, parsed, word

#: Where the content of a file stands in an object: as bytes or as text, and where it may be fetched from.
_BYTES = ("buffer", "data", "file", "binary", "blob")
_TEXTS = (
    *_BYTES, "base64", "upload", "value", "contents", "content", "body", "payload", "dataUri", "dataURI", "uri",
    "url", "href", "link",
)  # fmt: skip

_NAMES = ("filename", "name", "fileName", "label")
_TYPES = ("mimetype", "mimeType", "contentType", "partMime", "type")
_REPLIES = ("replyMessageId", "quotedMessageId", "quoteMessageId", "replyId", "quoteId")

#: Several URLs in a text; a comma may also stand in one.
_BETWEEN_URLS = re.compile(r"[,;\s]+(?=https?://)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file by what it holds: bytes, or what a text names. `problem`: it cannot be read, and why."""

    content: bytes | str
    name: str = ""
    mimetype: str = ""
    caption: str = ""
    reply_to: str = ""
    problem: str = ""


def named(files: Any, urls: Any, others: list[Any]) -> list[NamedFile]:
    """Of the parameters `files`, `urls`, and those that hold one each, in this order."""
    return [_named(one) for one in (*_items(files), *_urls(urls), *others) if one not in (None, "", {}, [])]


def _items(files: Any) -> Iterator[Any]:
    """Lists may hold the JSON of further objects, as forms repeat a field."""
    files = parsed(files)
    if not isinstance(files, list):
        yield files
    elif _as_bytes(files) is not None:
        yield {"data": files}
    else:
        yield from map(parsed, files)


def _urls(urls: Any) -> Iterator[Any]:
    urls = parsed(urls)
    for one in urls if isinstance(urls, list) else [urls]:
        if isinstance(one, str):
            yield from (url for url in _BETWEEN_URLS.split(one.strip()) if url)
        else:
            yield one


def _named(given: Any) -> NamedFile:
    if isinstance(given, str):
        return NamedFile(given)
    if not isinstance(given, dict):
        return NamedFile("", problem="neither an object nor a text")
    about = {
        "name": first(given, *_NAMES),
        "mimetype": first(given, *_TYPES) if given.get("type") != "Buffer" else "",
        "caption": word(given.get("caption")) or "",
        "reply_to": first(given, *_REPLIES),
    }
    held = [_as_bytes(given)] + [_as_bytes(given.get(name)) for name in _BYTES]
    data = next((one for one in held if one is not None), None)
    content = first(given, *_TEXTS) if data is None else data
    return NamedFile(content, **about, problem="" if content else "there is nothing in it")


def _as_bytes(value: Any) -> bytes | None:
    """A Buffer of Node.js in JSON, or the list of its bytes."""
    if isinstance(value, dict) and value.get("type") == "Buffer":
        value = value.get("data")
    if not isinstance(value, list) or not value:
        return None
    try:
        return bytes(value)
    except (TypeError, ValueError):
        return None

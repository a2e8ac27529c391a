"""A stored file as an answer: all of it or the part that was asked for (RFC 9110), with headers that make it harmless.

Files are other people's. A browser must not take one for a page of ours: its type is what we say, nothing in it runs,
and what could hold a script is saved rather than shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

import falcon

from warest import file_headers
from warest.drivers.storage import Opened, Storage, Stored
from warest.errors import DriverError, InvalidInput, NotFound
from warest.http.operation import Bytes

_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"

_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",  # the address of a private file lets in whoever knows it
}

_RANGE = re.compile(r"bytes=([0-9]{0,4000})-([0-9]{0,4000})", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """Of a length of 0: there is none."""

    start: int
    length: int


def answer(request: falcon.Request, files: Storage, stored: Stored, *, cache: str, download: str = "") -> Bytes:
    """`stored` is what is known of the file; `cache` is who may keep it; `download` a name to save it under."""
    head = _headers(stored, cache, download)
    if _is_known(request, head):
        return Bytes(304, {name: head[name] for name in ("ETag", "Last-Modified", "Cache-Control")})
    if getattr(request.context, "is_head", False):
        return Bytes(200, {**head, "Content-Length": str(stored.size)})
    part = _part(request, stored.size, head["ETag"])
    if part and not part.length:
        return Bytes(416, {"Content-Range": f"bytes */{stored.size}"})
    if part and (opened := _opened(files, stored, part)):
        return _body(206, head, opened, part.length, {"Content-Range": _content_range(part, stored.size)})
    opened = files.open(stored.key)
    if opened.stored.visibility != stored.visibility:
        opened.close()
        raise NotFound("No such file")
    return _body(200, _headers(opened.stored, cache, download), opened, opened.stored.size, {})


class Content:
    """What is sent. The server closes the connection when it ends too early, so that nobody takes it for the file."""

    def __init__(self, opened: Opened, length: int) -> None:
        self._opened = opened
        self._length = length

    def __iter__(self) -> Iterator[bytes]:
        left = self._length
        for piece in self._opened:
            left -= len(piece)
            yield piece
        if left:
            raise DriverError(f"file {self._opened.stored.key} is not as long as it should be")

    def close(self) -> None:
        self._opened.close()


def _body(status: int, head: dict[str, str], opened: Opened, length: int, more: dict[str, str]) -> Bytes:
    return Bytes(status, {**head, "Content-Length": str(length), **more}, Content(opened, length))


def _opened(files: Storage, stored: Stored, part: Part) -> Opened | None:
    """None if the file has become another one, to which the part no longer belongs."""
    try:
        opened = files.open(stored.key, part.start, part.length)
    except InvalidInput:
        return None
    if (_etag(opened.stored), opened.stored.size, opened.stored.visibility) == (
        _etag(stored), stored.size, stored.visibility,
    ):  # fmt: skip
        return opened
    opened.close()
    return None


def _headers(stored: Stored, cache: str, download: str) -> dict[str, str]:
    name = download or stored.original_name or stored.key.rpartition("/")[2]
    return {
        **_HARMLESS,
        "Content-Type": file_headers.content_type(stored.mime_type),
        "Content-Disposition": file_headers.disposition(stored.mime_type, name, download=bool(download)),
        "Accept-Ranges": "bytes",
        "ETag": _etag(stored),
        "Last-Modified": formatdate(stored.uploaded_at, usegmt=True),
        "Cache-Control": cache,
    }


def _etag(stored: Stored) -> str:
    """Of a file without a checksum a weak one, which no part is asked for by."""
    if _SHA256.fullmatch(stored.checksum):
        return f'"{stored.checksum[:32]}"'
    return f'W/"{stored.size:x}-{int(stored.uploaded_at * 1000):x}"'


def _is_known(request: falcon.Request, head: dict[str, str]) -> bool:
    """The caller has it already."""
    if (known := request.get_header("If-None-Match")) is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or head["ETag"].removeprefix("W/") in tags
    return request.get_header("If-Modified-Since") == head["Last-Modified"]


def _part(request: falcon.Request, size: int, etag: str) -> Part | None:
    """None is all of it: also when several parts are asked for, or those of a file that this one has replaced."""
    found = _RANGE.fullmatch((request.get_header("Range") or "").strip())
    unchanged = request.get_header("If-Range")
    if not found or (unchanged is not None and (unchanged != etag or etag.startswith("W/"))):
        return None
    first, last = (int(each) if each else None for each in found.groups())
    if first is None:
        return _end(last, size)
    if last is not None and last < first:
        return None
    return Part(first, max(0, min(size if last is None else last + 1, size) - first))


def _end(length: int | None, size: int) -> Part | None:
    """The last so many bytes."""
    if length is None or (length and not size):
        return None
    return Part(max(0, size - length), min(length, size))


def _content_range(part: Part, size: int) -> str:
    return f"bytes {part.start}-{part.start + part.length - 1}/{size}"

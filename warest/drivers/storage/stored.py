"""What is known of a stored file, and what its key may look like."""

import json
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from warest.errors import InvalidInput

Visibility = Literal["public", "private"]

#: Longest key, and longest part of one; a file system allows 255 bytes, and the sidecar's name is the longer one.
KEY_MAX, SEGMENT_MAX = 1024, 200

#: Longest name of a file; S3 allows 2 KB of metadata in all.
NAME_MAX = 200

#: Largest `extra`, as JSON.
EXTRA_MAX = 900

_FOREIGN = re.compile(r"[^A-Za-z0-9._-]")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class Stored:
    """`size` and `checksum` (SHA-256, hex) are those of the content, encrypted or not.

    A file whose writer died at the last moment, or that somebody else put there, may lack a name and a checksum.
    """

    key: str
    visibility: Visibility
    size: int
    mime_type: str
    original_name: str
    checksum: str
    extra: Mapping[str, object]
    uploaded_at: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a list."""

    key: str
    size: int
    uploaded_at: float


class Opened:
    """The content of a file, piece by piece; to be closed, at best by `with`."""

    def __init__(self, stored: Stored, pieces: Iterator[bytes], close: Callable[[], object]) -> None:
        self.stored = stored
        self._pieces = pieces
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self) -> bytes:
        """All that is left, in memory."""
        return b"".join(self._pieces)

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def clean(key: str) -> str:
    """The key as it is kept: parts of `[A-Za-z0-9._-]`, none of which begins with a dot.

    So no key leads out of its folder, and none to what the driver itself keeps there, which all begins with one.
    """
    parts = [part for each in key.split("/") if (part := _FOREIGN.sub("_", each).lstrip("."))]
    cleaned = "/".join(parts)
    if not parts or len(cleaned) > KEY_MAX or any(len(part) > SEGMENT_MAX for part in parts):
        raise InvalidInput(f"not a storage key: {key[:100]!r}")
    return cleaned


def check_prefix(prefix: str) -> str:
    """The beginning of keys, or InvalidInput."""
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInput(f"no storage key begins with {prefix[:100]!r}")
    return prefix


def check_range(start: int, length: int | None, size: int) -> None:
    """As HTTP has it: a range begins within the file; only the whole of an empty one can be had."""
    if start < 0 or (length is not None and length < 1) or ((start or length) and start >= size):
        raise InvalidInput(f"bytes {start} to {length} are not within {size}", size=size)


def check_extra(extra: Mapping[str, object] | None) -> str:
    """As JSON, or InvalidInput."""
    text = json.dumps(dict(extra or {}), separators=(",", ":"))
    if len(text) > EXTRA_MAX:
        raise InvalidInput(f"the metadata of a file can be {EXTRA_MAX} bytes long, not {len(text)}")
    return text


def guess_mime_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"

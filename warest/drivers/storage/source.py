"""What is put into storage: a stream, read once, counted and hashed on its way."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

#: Bytes that are read at once.
PIECE = 65536


class Source(Protocol):
    """A file, a request's body: whatever can be read."""

    def read(self, size: int, /) -> bytes: ...


class Measured:
    """Passes the content on; at its end `size` and `checksum` are right. `error` is what the content has raised."""

    def __init__(self, content: Source | Iterable[bytes]) -> None:
        self.size = 0
        self.error: Exception | None = None
        self._hash = hashlib.sha256()
        self._pieces = pieces(content)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._next():
            self.size += len(piece)
            self._hash.update(piece)
            yield piece

    def _next(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except Exception as error:
            self.error = error
            raise

    @property
    def checksum(self) -> str:
        return self._hash.hexdigest()


class Blocks:
    """Pieces of any length as a stream: `read` returns as much as was asked for until the end."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._pieces = iter(content)
        self._left = b""

    def read(self, size: int, /) -> bytes:
        parts, missing = [], size
        while missing and (piece := self._left or next(self._pieces, b"")):
            parts.append(piece[:missing])
            self._left = piece[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)


def pieces(content: Source | Iterable[bytes]) -> Iterator[bytes]:
    """The content piece by piece, none of them empty."""
    if isinstance(content, Iterable) and not hasattr(content, "read"):  # a file would be iterated by lines
        yield from filter(None, content)
        return
    assert hasattr(content, "read")
    while piece := content.read(PIECE):
        yield piece

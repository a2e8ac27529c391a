"""Temporary files on their way from one process to another, through storage: bytes never travel in messages.

Whoever puts one gives only its key to the next process. What nobody deletes, say because a process has died, is deleted
when its time is over: that time stands in the key, so the expired ones come first in a list of keys.
"""

import itertools
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from warest.drivers.storage import Opened, Source, Storage
from warest.drivers.storage.source import pieces
from warest.errors import InvalidInput, NotFound
from warest.ids import new_ulid

PREFIX = "spool/"

#: A file waits so long for its session, which may have others to send before, s.
ON_ITS_WAY = 3600

#: A write that nobody has gone on with for so long was that of a process that died, s.
ABANDONED = 3600

_KEY = re.compile(r"spool/([0-9]{12})-[0-9a-z]{26}")


class Spool:
    def __init__(self, storage: Storage, *, seconds: float, limit: int) -> None:
        """`seconds`: how long a file is kept unless its caller says so. `limit`: bytes of the largest one."""
        self._storage = storage
        self._seconds = seconds
        self.limit = limit

    def put(
        self,
        content: Source | Iterable[bytes],
        *,
        seconds: float | None = None,
        limit: int | None = None,
        original_name: str = "",
        mime_type: str = "",
    ) -> str:
        """Keep the content for so long; the key under which it is found.

        Raises InvalidInput when it is larger than `limit`, bytes, or than any may be (`details["limit"]`).
        """
        expires = int(time.time() + (self._seconds if seconds is None else seconds))
        key = f"{PREFIX}{expires:012}-{new_ulid().lower()}"
        self._storage.put(
            key,
            _limited(content, self.limit if limit is None else min(limit, self.limit)),
            original_name=original_name,
            mime_type=mime_type,
        )
        return key

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        """Raises NotFound for one whose time is over, too, whether it is still there or not."""
        if _expires(key) <= time.time():
            raise NotFound(f"temporary file {key} has expired")
        return self._storage.open(key, start, length)

    def copy(self, key: str, path: Path) -> None:
        """Into a file of this host. Raises NotFound."""
        with self.open(key) as opened, path.open("wb") as file:
            file.writelines(opened)

    def delete(self, key: str) -> None:
        _expires(key)
        self._storage.delete(key)

    def sweep(self, at_most: int = 1000) -> int:
        """Delete what has expired, and what died while it was written; returns how many. Less than `at_most`: all."""
        removed = self._storage.tidy(ABANDONED)
        # Looked up before the first is deleted: a list must not lose its place.
        expired = list(itertools.islice(self._expired(), at_most))
        for key in expired:
            self._storage.delete(key)
        return removed + len(expired)

    def _expired(self) -> Iterator[str]:
        now = time.time()
        keys = (entry.key for entry in self._storage.walk(PREFIX) if _KEY.fullmatch(entry.key))
        return itertools.takewhile(lambda key: _expires(key) <= now, keys)


def _limited(content: Source | Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for piece in pieces(content):
        left -= len(piece)
        if left < 0:
            raise InvalidInput(f"the file is larger than {limit} bytes", limit=limit)
        yield piece


def _expires(key: str) -> int:
    """Raises InvalidInput for the key of anything else in storage."""
    if not (found := _KEY.fullmatch(key)):
        raise InvalidInput(f"not the key of a temporary file: {key[:100]!r}")
    return int(found[1])

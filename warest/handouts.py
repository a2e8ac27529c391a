"""Files that the API makes for its callers: public ones that stay, public ones for a while, and private ones.

    misc/2026-11-22/01m81b9qht3kdgb85mn9tdeg5y.png          stays until somebody deletes it
    misc/temp/2026-11-22/01m81b9qpsvg1cbfk445wbb5st.png     goes when its time is over

The names sort by age, so the oldest come first in a list of keys.
"""

import itertools
import mimetypes
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from warest.drivers.storage import Storage, Visibility
from warest.ids import new_ulid

PREFIX = "misc/"

#: Below it are those that go.
TEMPORARY = "misc/temp/"

_EXTENSIONS = {"image/jpeg": ".jpg", "image/webp": ".webp", "application/octet-stream": ".bin"}


@dataclass(frozen=True, slots=True)
class Handout:
    """`url` is empty for a private file, `expires_at` (epoch s) 0 for one that stays."""

    key: str
    size: int
    url: str = ""
    expires_at: float = 0.0


class Handouts:
    def __init__(self, storage: Storage, *, seconds: float) -> None:
        """`seconds`: how long a temporary one is there."""
        self._storage = storage
        self._seconds = seconds

    def publish(self, content: Iterable[bytes], mime_type: str) -> Handout:
        key, size = self._put(PREFIX, content, mime_type, "public")
        return Handout(key, size, self._storage.public_url(key))

    def lend(self, content: Iterable[bytes], mime_type: str) -> Handout:
        """Public, for a while."""
        expires_at = time.time() + self._seconds
        key, size = self._put(TEMPORARY, content, mime_type, "public")
        return Handout(key, size, self._storage.public_url(key), expires_at)

    def keep(self, content: Iterable[bytes], mime_type: str) -> Handout:
        """Private."""
        return Handout(*self._put(PREFIX, content, mime_type, "private"))

    def _put(self, folder: str, content: Iterable[bytes], mime_type: str, visibility: Visibility) -> tuple[str, int]:
        extension = _EXTENSIONS.get(mime_type) or mimetypes.guess_extension(mime_type) or ".bin"
        key = f"{folder}{datetime.now(UTC):%Y-%m-%d}/{new_ulid().lower()}{extension}"
        return key, self._storage.put(key, content, visibility=visibility, mime_type=mime_type).size

    def sweep(self, at_most: int = 1000) -> int:
        """Delete temporary ones whose time is over; returns how many. Less than `at_most`: all."""
        # Looked up before the first is deleted: a list must not lose its place.
        expired = list(itertools.islice(self._expired(), at_most))
        for key in expired:
            self._storage.delete(key)
        return len(expired)

    def _expired(self) -> Iterator[str]:
        latest = time.time() - self._seconds
        entries = itertools.takewhile(lambda entry: entry.uploaded_at <= latest, self._storage.walk(TEMPORARY))
        return (entry.key for entry in entries)

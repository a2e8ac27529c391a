"""Files under keys: in folders of this host, or in an S3 bucket. One contract, whichever it is.

A key is one file, public or private. A file is there as a whole or not at all; putting it again replaces it. Whatever
differs between the drivers says so here.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from warest.drivers.storage.signed_urls import Grant
from warest.drivers.storage.source import Source
from warest.drivers.storage.stored import Entry, Opened, Stored, Visibility, clean
from warest.drivers.storage.where import Bucket, Folders
from warest.errors import NotFound
from warest.ids import new_ulid

__all__ = [
    "Bucket", "Entry", "Folders", "Grant", "Opened", "Source", "Storage", "Stored", "Visibility", "clean", "open",
]  # fmt: skip


class Storage(Protocol):
    """Raises InvalidInput for a key that cannot be one, DriverError when folders or bucket are out of reach or damaged.

    May be used by many threads at once, and must be opened anew after a fork.
    """

    #: What WAREST_STORAGE_DRIVER calls it.
    driver: str

    #: Other hosts see the same files.
    is_shared: bool

    def put(
        self,
        key: str,
        content: Source | Iterable[bytes],
        *,
        visibility: Visibility = "private",
        original_name: str = "",
        mime_type: str = "",
        extra: Mapping[str, object] | None = None,
    ) -> Stored:
        """Keep what can be read from `content`, of whatever length; memory holds only a part of it at a time.

        An exception of `content` goes on to the caller, and nothing is kept. `mime_type` is guessed from the name when
        it is empty, a long name is cut off. Raises InvalidInput for an `extra` that is too large.
        """

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        """The content from byte `start` on, `length` bytes at most. Raises NotFound; InvalidInput past the end."""

    def stat(self, key: str) -> Stored:
        """What is known of a file. Raises NotFound."""

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except NotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        """It is gone afterwards, whether it was there or not."""

    def walk(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        """The files whose key begins with `prefix`, in the order of their keys, those past `after`.

        Files that come or go meanwhile may be listed or not. To go on later, give the last key as `after`.
        """

    def public_url(self, key: str) -> str:
        """Where anybody can fetch a public file; for a private one it leads nowhere."""

    def signed_url(self, key: str, *, seconds: float | None = None, download: str = "") -> str:
        """A link with which anybody can fetch the file until it expires; `download` is the name to save it under.

        `seconds` None: what the settings say. Raises InvalidInput for longer than the driver can (S3: 7 days).
        """

    def grant(self, query: Mapping[str, str]) -> Grant:
        """What a link of `signed_url` that came back to this server allows. Raises NotAllowed.

        S3 checks its links itself, so none comes back here.
        """

    def tidy(self, older_than: float) -> int:
        """Drop what writers that died left half-done, untouched for so many seconds; returns how many."""

    def ping(self) -> float:
        """Seconds that it takes to write, read and delete a small file. Raises DriverError."""
        began = time.perf_counter()
        key = f"health-checks/{new_ulid().lower()}"
        self.put(key, [b"ok"])
        with self.open(key) as found:
            found.read()
        self.delete(key)
        return time.perf_counter() - began


def open(where: Folders | Bucket) -> Storage:
    """The storage of these folders or of this bucket. Raises SetupError for options that cannot work."""
    # Each driver is loaded only where it is used: a session process should not pay for S3's client.
    if isinstance(where, Folders):
        from warest.drivers.storage.local import LocalStorage

        return LocalStorage(where)
    from warest.drivers.storage.s3 import S3Storage

    return S3Storage(where)

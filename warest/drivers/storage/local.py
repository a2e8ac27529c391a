"""Files in folders of this host: public ones as they are, private ones encrypted, metadata beside them.

Data and sidecar are two files, and a crash can come between them. So a new file goes the way: old sidecar away, data in
its place, new sidecar in its place. Whoever finds data without a sidecar takes what the file itself says; a sidecar is
never that of other data. A lock holds readers off for the moment between.
"""

import dataclasses
import fcntl
import heapq
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Protocol

from warest.drivers.storage import Entry, Folders, Grant, Opened, Source, Storage, Stored, Visibility, sealed, sidecar
from warest.drivers.storage import signed_urls as urls
from warest.drivers.storage.folder import Draft, Folder
from warest.drivers.storage.original import OfTheOriginal
from warest.drivers.storage.sidecar import Sidecar
from warest.drivers.storage.source import PIECE, Measured
from warest.drivers.storage.stored import NAME_MAX, check_extra, check_prefix, check_range, clean, guess_mime_type
from warest.errors import DriverError, NotFound, SetupError
from warest.keyring import Keyring


class _Body(Protocol):
    """Content that can be read from anywhere, checked."""

    size: int

    def read(self, start: int, length: int) -> Iterator[bytes]: ...


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, start: int, length: int) -> Iterator[bytes]:
        self._file.seek(start)
        while length > 0 and (piece := self._file.read(min(PIECE, length))):
            length -= len(piece)
            yield piece


class LocalStorage(Storage):
    driver = "local"
    is_shared = False

    def __init__(self, where: Folders) -> None:
        if not where.keys or not where.signing_secret:
            raise SetupError("local storage needs an encryption key and a secret to sign links with")
        self._where = where
        self._keyring = Keyring(where.keys, "WAREST_STORAGE_OLD_KEYS")
        # Private first: when a crash has left both, the careful one counts.
        self._roots: dict[Visibility, Folder] = {
            "private": Folder(where.private),
            "public": Folder(where.public, is_public=True),
        }
        self._metadata = Folder(where.metadata)

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
        key = clean(key)
        check_extra(extra)
        original_name = original_name[:NAME_MAX]
        measured = Measured(content)
        is_encrypted = visibility == "private" and self._where.encrypts
        with _failing_to("keep", key, measured), self._roots[visibility].draft() as data:
            if is_encrypted:
                sealed.seal(measured, data.file, self._keyring.newest, key)
            else:
                data.file.writelines(measured)
            mime_type = mime_type or guess_mime_type(original_name or key)
            stored = Stored(
                key,
                visibility,
                measured.size,
                mime_type,
                original_name,
                measured.checksum,
                dict(extra or {}),
                time.time(),
            )
            with self._metadata.draft() as beside:
                beside.file.write(Sidecar(stored, is_encrypted).to_json())
                self._commit(stored, data, beside)
        return stored

    def _commit(self, stored: Stored, data: Draft, beside: Draft) -> None:
        other = self._roots["public" if stored.visibility == "private" else "private"]
        data.sync()
        beside.sync()
        with self._locked(fcntl.LOCK_EX):
            self._metadata.remove(stored.key + sidecar.SUFFIX)
            data.place(stored.key)
            other.remove(stored.key)
            beside.place(stored.key + sidecar.SUFFIX)

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        key = clean(key)
        with ExitStack() as opened:
            file, found = self._find(key)
            opened.enter_context(file)
            body = self._body(file, found)
            check_range(start, length, body.size)
            left = body.size - start
            pieces = body.read(start, left if length is None else min(length, left))
            stored = dataclasses.replace(found.stored, size=body.size)  # a sidecar may say anything
            return Opened(stored, pieces, opened.pop_all().close)

    def stat(self, key: str) -> Stored:
        file, found = self._find(clean(key))
        file.close()
        return found.stored

    def delete(self, key: str) -> None:
        key = clean(key)
        with _failing_to("delete", key), self._locked(fcntl.LOCK_EX):
            # In this order: what is left by a crash is still listed, and will be deleted again.
            self._metadata.remove(key + sidecar.SUFFIX)
            for root in self._roots.values():
                root.remove(key)

    def walk(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        check_prefix(prefix)
        for key in _merged([root.walk(prefix, after) for root in self._roots.values()]):
            try:
                stored = self.stat(key)
            except NotFound:
                continue
            yield Entry(key, stored.size, stored.uploaded_at)

    def public_url(self, key: str) -> str:
        return f"{self._where.public_url.rstrip('/')}/{clean(key)}"

    def signed_url(self, key: str, *, seconds: float | None = None, download: str = "") -> str:
        seconds = self._where.signed_seconds if seconds is None else seconds
        secret = self._where.signing_secret
        return urls.sign(self._where.signed_url, secret, clean(key), seconds=seconds, download=download)

    def grant(self, query: Mapping[str, str]) -> Grant:
        return urls.verify(self._where.signing_secret, query)

    def tidy(self, older_than: float) -> int:
        with _failing_to("tidy", "storage"):
            folders = {folder.path: folder for folder in (*self._roots.values(), self._metadata)}
            return sum(folder.tidy(older_than) for folder in folders.values())

    def _find(self, key: str) -> tuple[BinaryIO, Sidecar]:
        """A file, open, and what is known of it."""
        with _failing_to("open", key), self._locked(fcntl.LOCK_SH), ExitStack() as opened:
            for visibility, root in self._roots.items():
                try:
                    file = opened.enter_context(root.open(key))
                except FileNotFoundError:
                    continue
                known = self._known(file, key, visibility)
                opened.pop_all()
                return file, known
        raise NotFound(f"no file {key}")

    def _known(self, file: BinaryIO, key: str, visibility: Visibility) -> Sidecar:
        try:
            with self._metadata.open(key + sidecar.SUFFIX) as beside:
                text = beside.read()
        except FileNotFoundError:
            text = b""
        return (sidecar.parse(text, key, visibility) if text else None) or self._guessed(file, key, visibility)

    def _guessed(self, file: BinaryIO, key: str, visibility: Visibility) -> Sidecar:
        """What the file itself says. Where files are encrypted, one that is not needs a sidecar to say so."""
        status = os.fstat(file.fileno())
        is_encrypted = visibility == "private" and (self._where.encrypts or sealed.is_sealed(file))
        size = sealed.Sealed(file, self._keyring, key).size if is_encrypted else status.st_size
        return Sidecar(Stored(key, visibility, size, guess_mime_type(key), "", "", {}, status.st_mtime), is_encrypted)

    def _body(self, file: BinaryIO, found: Sidecar) -> _Body:
        file.seek(0)
        key = found.stored.key
        if found.iv:
            return OfTheOriginal(file, found.iv, found.tag, self._keyring.keys, key)
        return sealed.Sealed(file, self._keyring, key) if found.is_encrypted else _Plain(file)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Many may read while nobody writes, in all processes of this host."""
        private = self._where.private
        private.mkdir(0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(private / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as lock:
            fcntl.flock(lock, how)
            yield


@contextmanager
def _failing_to(do: str, key: str, source: Measured | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if source and error is source.error:
            raise
        raise DriverError(f"cannot {do} file {key}: {error.strerror or error}") from error


def _merged(walks: list[Iterator[str]]) -> Iterator[str]:
    """All names once, in order."""
    last = ""
    for name in heapq.merge(*walks):
        if name != last:
            yield name
        last = name

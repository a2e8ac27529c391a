"""Encrypted files: how a sender closes and a receiver opens them, and where the media host keeps them.

They lie in a folder beside the store, which only knows their names: however large one is, it is never in memory as a
whole, unless a phone opens it.
"""

import base64
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from warest.errors import InvalidInput, NotFound
from warest.sandbox.accounts import Device
from warest.sandbox.crypto import CbcDecryptor, CbcEncryptor, hkdf, sha256
from warest.sandbox.store import Store

HOST = "mmg.whatsapp.net"

#: The kinds of files, as their keys are derived, and as the host names them.
FOLDERS = {"History": "md-msg-hist", "Image": "image", "Video": "video", "Audio": "audio", "Document": "document"}

#: Of what nobody's device owns: it stays until the sandbox is emptied.
_NOBODY = ("", -1)

_MAC = 10

#: Bytes that are read, encrypted and written at a time.
PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """What a message tells of a file, so that its receiver can fetch and open it."""

    path: str
    key: bytes
    size: int
    sha256: bytes
    encrypted_sha256: bytes

    @property
    def url(self) -> str:
        return f"https://{HOST}{self.path}"


class Upload:
    """An encrypted file on its way in. Nobody sees it before it is laid down; `close` forgets it."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115  `close` closes it
        self._hash = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._hash.update(piece)

    @property
    def sha256(self) -> bytes:
        return self._hash.digest()

    def lie_down(self, place: Path) -> None:
        """The same file again is what it was."""
        self._file.flush()
        place.unlink(missing_ok=True)
        os.link(self._file.name, place)
        self.close()

    def close(self) -> None:
        self._file.close()


class Files:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder / "files"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        """Delete what a sandbox that was killed has left half done."""
        known = {self._place(name) for (name,) in self._store.read("select name from files")}
        for place in set(self._folder.iterdir()) - known:
            place.unlink()

    def _place(self, name: str) -> Path:
        """Names come from clients, so none of them becomes the name of a file."""
        return self._folder / sha256(name.encode()).hex()

    def put(self, kind: str, content: Iterable[bytes], device: Device | None = None) -> File:
        """Encrypt a file and lay it down; one that is only for `device` goes with it."""
        key, upload, measured = secrets.token_bytes(32), self.receive(), _Measured(content)
        for piece in _closed(key, kind, measured):
            upload.write(piece)
        encrypted_sha256 = upload.sha256
        # By the same name whatsmeow deletes what it has fetched.
        name = f"/mms/{FOLDERS[kind]}/{base64.urlsafe_b64encode(encrypted_sha256).decode()}"
        return File(self.lay_down(name, upload, device), key, measured.size, measured.sha256.digest(), encrypted_sha256)

    def receive(self) -> Upload:
        return Upload(self._folder)

    def lay_down(self, name: str, upload: Upload, device: Device | None = None) -> str:
        """The path of what lies there from now on. whatsmeow puts `&hash=` behind it, so it has a question mark."""
        owner = (device.account.phone, device.id) if device else _NOBODY
        upload.lie_down(self._place(name))
        self._store.write("insert or ignore into files values (?, ?, ?)", name, *owner)
        return f"{name}?ccb=1"

    def open(self, name: str) -> BinaryIO | None:
        """The encrypted file; the caller closes it."""
        if not self._store.read("select 1 from files where name = ?", name):
            return None
        try:
            return self._place(name).open("rb")
        except FileNotFoundError:  # Killed while it was deleted.
            return None

    def delete(self, name: str) -> None:
        self._store.write("delete from files where name = ?", name)
        self._place(name).unlink(missing_ok=True)

    def forget(self, device: Device) -> None:
        """The device is gone, and with it what was only for it."""
        owner = (device.account.phone, device.id)
        for (name,) in self._store.read("select name from files where phone = ? and device = ?", *owner):
            self.delete(name)

    def opened(self, part: Any, kind: str) -> bytearray:
        """The file that a part of a message tells of, as its receiver opens it.

        Raises InvalidInput when a hash, the size or the MAC is wrong, NotFound when there is nothing.
        """
        source = self.open(part.directPath.partition("?")[0])
        if source is None:
            raise NotFound("The file is not on the media host.")
        with source:
            return _opened(part, kind, source)


class _Measured:
    """Counts what goes through it."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content
        self.size = 0
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._content:
            self.size += len(piece)
            self.sha256.update(piece)
            yield piece


def _closed(key: bytes, kind: str, content: Iterable[bytes]) -> Iterator[bytes]:
    iv, cipher_key, mac_key = _keys(key, kind)
    encryptor, mac = CbcEncryptor(cipher_key, iv), hmac.new(mac_key, iv, "sha256")
    for plain in content:
        piece = encryptor.update(plain)
        mac.update(piece)
        yield piece
    last = encryptor.finalize()
    mac.update(last)
    yield last + mac.digest()[:_MAC]


def _opened(part: Any, kind: str, source: BinaryIO) -> bytearray:
    iv, cipher_key, mac_key = _keys(part.mediaKey, kind)
    decryptor, mac = CbcDecryptor(cipher_key, iv), hmac.new(mac_key, iv, "sha256")
    whole, data = hashlib.sha256(), bytearray()
    left = source.seek(0, os.SEEK_END) - _MAC
    source.seek(0)
    while left > 0 and (piece := source.read(min(PIECE, left))):
        left -= len(piece)
        whole.update(piece)
        mac.update(piece)
        data += decryptor.update(piece)
    tag = source.read()
    whole.update(tag)
    if whole.digest() != part.fileEncSHA256:
        raise InvalidInput("The encrypted file is not what the message says.")
    if not hmac.compare_digest(mac.digest()[:_MAC], tag):
        raise InvalidInput("The file was encrypted with another key.")
    try:
        data += decryptor.finalize()
    except ValueError as error:
        raise InvalidInput("The file was not encrypted as files are.") from error
    if (len(data), sha256(data)) != (part.fileLength, part.fileSHA256):
        raise InvalidInput("The file is not what the message says.")
    return data


def _keys(media_key: bytes, kind: str) -> tuple[bytes, bytes, bytes]:
    """IV, and the keys of cipher and MAC."""
    keys = hkdf(media_key, 112, info=f"WhatsApp {kind} Keys".encode())
    return keys[:16], keys[16:48], keys[48:80]

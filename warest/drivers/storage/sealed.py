"""The encrypted format: chunks of AES-256-GCM, written and read without ever holding the whole file.

    header   magic "WARSEAL", version 1, key id (8 bytes), salt (16 random bytes)
    chunk    64 KiB of content, encrypted, and a tag of 16 bytes; only the last may be shorter
    ...

The key of a file comes from the storage key by HKDF-SHA256, with the salt, and with header and name of the file as
purpose: under another name a file does not decrypt. The nonce of a chunk is its number, and whether it is the last one:
chunks that change places, and ones that are missing, do not decrypt either (the STREAM construction, as in age). An
older version of a whole file under the same name cannot be told from the newer one.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warest.drivers.storage.source import Blocks
from warest.errors import DriverError
from warest.keyring import Key, Keyring, derive

CHUNK = 65536
TAG = 16

_HEADER = struct.Struct(">7sB8s16s")
_MAGIC, _VERSION = b"WARSEAL", 1


def seal(content: Iterable[bytes], out: BinaryIO, key: Key, name: str) -> None:
    """Write the content to `out`, encrypted as the file of this name."""
    header = _HEADER.pack(_MAGIC, _VERSION, key.id, os.urandom(16))
    out.write(header)
    cipher = _cipher(key, header, name)
    blocks = Blocks(content)
    chunk, number = blocks.read(CHUNK), 0
    while following := blocks.read(CHUNK):
        out.write(cipher.encrypt(_nonce(number, is_last=False), chunk, None))
        chunk, number = following, number + 1
    out.write(cipher.encrypt(_nonce(number, is_last=True), chunk, None))


def is_sealed(file: BinaryIO) -> bool:
    """By its first bytes; the file stands at its beginning again afterwards."""
    found = file.read(len(_MAGIC))
    file.seek(0)
    return found == _MAGIC


def key_of(file: BinaryIO) -> bytes:
    """The name of its key, from where it stands at its beginning."""
    header = file.read(_HEADER.size)
    file.seek(0)
    return bytes(_HEADER.unpack(header)[2]) if len(header) == _HEADER.size else b""


class Sealed:
    """A file in this format, from where it stands. It is complete: its last chunk has been decrypted already."""

    def __init__(self, file: BinaryIO, keyring: Keyring, name: str) -> None:
        """Raises DriverError when it is damaged, or encrypted with a key that is not in the ring."""
        self._file = file
        self._name = name
        self._begin = file.tell()
        header = file.read(_HEADER.size)
        body = os.fstat(file.fileno()).st_size - self._begin - _HEADER.size
        self._last = max(0, (body - 1) // (CHUNK + TAG))
        self.size = body - TAG * (self._last + 1)
        if self.size < 0 or len(header) < _HEADER.size:
            raise self._damaged()
        _, version, key_id, _ = _HEADER.unpack(header)
        if version != _VERSION:
            raise DriverError(f"file {name} has the encrypted format {version}, of a newer release")
        self._cipher = _cipher(keyring.named(key_id), header, name)
        self._chunk(self._last)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """That part of the content, each piece of it checked before it is given out."""
        end = start + length
        for number in range(start // CHUNK, (end - 1) // CHUNK + 1):
            first = number * CHUNK
            yield self._chunk(number)[max(0, start - first) : end - first]

    def _chunk(self, number: int) -> bytes:
        self._file.seek(self._begin + _HEADER.size + number * (CHUNK + TAG))
        try:
            is_last = number == self._last
            return self._cipher.decrypt(_nonce(number, is_last=is_last), self._file.read(CHUNK + TAG), None)
        except InvalidTag:
            raise self._damaged() from None

    def _damaged(self) -> DriverError:
        return DriverError(f"file {self._name} is damaged: it is not what was written under this name")


def _cipher(key: Key, header: bytes, name: str) -> AESGCM:
    salt = header[-16:]
    return AESGCM(derive(key.secret, salt=salt, purpose=b"warest storage file" + header + name.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")

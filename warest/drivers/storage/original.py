"""Encrypted files of the original: bare AES-256-GCM, its IV and tag in the sidecar, one tag for the whole file.

Only the tag at the end says whether a file is genuine. So it is read twice: once to check it, once to give it out; then
from wherever it is wanted, since GCM encrypts as the counter mode does. Nothing decrypted is written to disk.
"""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from warest.drivers.storage.source import PIECE
from warest.errors import DriverError
from warest.keyring import Key, key_of

#: The original encrypted with this when nobody set a secret; whoever comes from there has such files.
DEFAULT_SECRET = "warest-storage-secret"

_BLOCK = 16


class OfTheOriginal:
    """A file of the original that is genuine; it has been read to its end when this exists."""

    def __init__(self, file: BinaryIO, iv: bytes, tag: bytes, keys: Sequence[Key], name: str) -> None:
        """Such a file does not name its key. Raises DriverError when none of `keys`, nor the default, has made it."""
        self._file = file
        self._iv = iv
        self.size = os.fstat(file.fileno()).st_size
        found = next((key for key in [*keys, key_of(DEFAULT_SECRET)] if self._is_genuine(key, tag)), None)
        if not found:
            raise DriverError(f"file {name} of the original is damaged, or its key is not in WAREST_STORAGE_OLD_KEYS")
        self._key = found

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """That part of the content."""
        block = start // _BLOCK
        counter = self._iv + (block + 2).to_bytes(4, "big")  # GCM keeps counter 1 for the tag
        decryptor = Cipher(algorithms.AES256(self._key.secret), modes.CTR(counter)).decryptor()
        self._file.seek(block * _BLOCK)
        decryptor.update(self._file.read(start % _BLOCK))
        while length > 0 and (piece := self._file.read(min(PIECE, length))):
            length -= len(piece)
            yield decryptor.update(piece)

    def _is_genuine(self, key: Key, tag: bytes) -> bool:
        decryptor = Cipher(algorithms.AES256(key.secret), modes.GCM(self._iv, tag)).decryptor()
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            decryptor.update(piece)
        try:
            decryptor.finalize()
        except InvalidTag:
            return False
        return True

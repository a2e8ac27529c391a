"""What is secret and has to be kept: encrypted with keys that can be replaced, and each thing for its own place.

A text:   sealed.1.KEY.DATA    the key's name in hex; nonce and AES-256-GCM's output in base64url
A file:   as the storage encrypts files (drivers/storage/sealed.py), with these keys

The newest key encrypts, all decrypt. What was moved to another row, column or file does not decrypt.
"""

import base64
import binascii
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from warest.errors import DriverError, KeyMissing
from warest.keyring import Key, Keyring, derive

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

T = TypeVar("T")

#: Whoever misses a key is sent here.
SETTING = "WAREST_SECRETS_KEY, or to `secrets_keys` in secrets.json of the data folder"

_MARK = "sealed.1."

_NONCE = 12


@dataclass
class Vault:
    """`keys` gives them as they stand in settings, the newest first; it is asked again for one that is missing.

    It can be pickled, for session processes. Without any key it leaves texts as they are.
    """

    keys: Callable[[], Sequence[str]] = field(repr=False, default=tuple)

    @cached_property
    def _ring(self) -> Keyring:
        return Keyring(self.keys(), SETTING)

    def __reduce__(self) -> tuple[type["Vault"], tuple[Callable[[], Sequence[str]]]]:
        return Vault, (self.keys,)

    @property
    def key_id(self) -> str:
        """The name of the key that encrypts."""
        return self._ring.newest.id.hex()

    def seal(self, text: str, *place: str) -> str:
        if not self._ring.keys:
            return text
        nonce = os.urandom(_NONCE)
        data = nonce + _cipher(self._ring.newest).encrypt(nonce, text.encode(), _bound(place))
        return f"{_MARK}{self.key_id}.{base64.urlsafe_b64encode(data).decode()}"

    def open(self, text: str, *place: str) -> str:
        """What was kept before it was encrypted comes back as it is.

        Raises KeyMissing; DriverError when it was not sealed for this place.
        """
        if not text.startswith(_MARK):
            return text
        try:
            name, _, data = text.removeprefix(_MARK).partition(".")
            return self._opened(bytes.fromhex(name), base64.urlsafe_b64decode(data), place)
        except (ValueError, binascii.Error):
            raise _damaged(place) from None

    def is_current(self, text: str) -> bool:
        """Whether the newest key has encrypted it."""
        return not self._ring.keys or text.startswith(f"{_MARK}{self.key_id}.")

    def seal_file(self, content: Iterable[bytes], out: BinaryIO, name: str) -> None:
        from warest.drivers.storage import sealed

        sealed.seal(content, out, self._ring.newest, name)

    def open_file(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """Raises KeyMissing; DriverError when it is damaged, also in the midst of it."""
        from warest.drivers.storage import sealed

        def opened(ring: Keyring) -> sealed.Sealed:
            file.seek(0)
            return sealed.Sealed(file, ring, name)

        found = self._with_ring(opened)
        return found.read(0, found.size)

    def is_current_file(self, file: BinaryIO) -> bool:
        from warest.drivers.storage import sealed

        return sealed.key_of(file) == self._ring.newest.id

    def _opened(self, name: bytes, data: bytes, place: tuple[str, ...]) -> str:
        from cryptography.exceptions import InvalidTag

        cipher = _cipher(self._with_ring(lambda ring: ring.named(name)))
        try:
            return cipher.decrypt(data[:_NONCE], data[_NONCE:], _bound(place)).decode()
        except InvalidTag:
            raise _damaged(place) from None

    def _with_ring(self, work: Callable[[Keyring], T]) -> T:
        """A key that somebody has added since this process began is found."""
        try:
            return work(self._ring)
        except KeyMissing:
            self.__dict__.pop("_ring", None)  # another thread may be at it
            return work(self._ring)


def _cipher(key: Key) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a session process has no use for OpenSSL

    return AESGCM(derive(key.secret, salt=b"", purpose=b"warest vault"))


def _bound(place: tuple[str, ...]) -> bytes:
    return json.dumps(place).encode()


def _damaged(place: tuple[str, ...]) -> DriverError:
    return DriverError(f"What is kept in {' '.join(place)} is damaged: it is not what was encrypted for this place.")

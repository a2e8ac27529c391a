"""Encryption keys, made from what people write into settings."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from warest.errors import DriverError

#: The original encrypted with this when nobody set a secret; whoever comes from there has such files.
DEFAULT_OF_THE_ORIGINAL = "warest-storage-secret"

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Key:
    """An AES-256 key, and a name for it that says nothing about it."""

    id: bytes
    secret: bytes = field(repr=False)


class Keyring:
    """The newest key encrypts, all decrypt."""

    def __init__(self, texts: Sequence[str]) -> None:
        """`texts`: as they stand in settings, the newest first."""
        self._keys = [_key(text) for text in texts]
        #: For files of the original, which do not name their key.
        self.of_the_original = [*self._keys, _key(DEFAULT_OF_THE_ORIGINAL)]

    @property
    def newest(self) -> Key:
        return self._keys[0]

    def named(self, name: bytes) -> Key:
        """Raises DriverError when there is no such key."""
        for key in self._keys:
            if key.id == name:
                return key
        raise DriverError(f"a file is encrypted with key {name.hex()}, which is not set; see WAREST_STORAGE_OLD_KEYS")


def derive(secret: bytes, *, salt: bytes, purpose: bytes, length: int = 32) -> bytes:
    """HKDF-SHA256: another key for each purpose."""
    return HKDF(hashes.SHA256(), length, salt, purpose).derive(secret)


def _key(text: str) -> Key:
    secret = _secret(text)
    return Key(derive(secret, salt=b"", purpose=b"warest storage key id", length=8), secret)


def _secret(text: str) -> bytes:
    """32 bytes of a text, by the original's rules."""
    if _HEX.fullmatch(text):
        made = bytes.fromhex(text)
    elif len(text) % 4 == 0 and _BASE64.fullmatch(text):
        made = base64.b64decode(text)
    else:
        made = hashlib.sha256(text.encode()).digest()
    return made[:32] if len(made) >= 32 else hashlib.sha256(made).digest()

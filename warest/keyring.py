"""Encryption keys, made from what people write into settings."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from warest.errors import KeyMissing

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Key:
    """An AES-256 key, and a name for it that says nothing about it."""

    id: bytes
    secret: bytes = field(repr=False)


class Keyring:
    """The newest key encrypts, all decrypt."""

    def __init__(self, texts: Sequence[str], setting: str) -> None:
        """`texts`: as they stand in settings, the newest first. `setting`: where a missing one can be added."""
        self.keys = [key_of(text) for text in texts]
        self._setting = setting

    @classmethod
    def of(cls, key: Key) -> "Keyring":
        """Of one that was not written into settings."""
        ring = cls((), "")
        ring.keys.append(key)
        return ring

    @property
    def newest(self) -> Key:
        return self.keys[0]

    def named(self, name: bytes) -> Key:
        """Raises KeyMissing."""
        for key in self.keys:
            if key.id == name:
                return key
        raise KeyMissing(f"It is encrypted with key {name.hex()}, which is not set: add that key to {self._setting}.")


def derive(secret: bytes, *, salt: bytes, purpose: bytes, length: int = 32) -> bytes:
    """HKDF-SHA256: another key for each purpose."""
    from cryptography.hazmat.primitives import hashes  # a session process has no use for OpenSSL
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(hashes.SHA256(), length, salt, purpose).derive(secret)


def key_of(text: str) -> Key:
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

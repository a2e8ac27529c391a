"""Files as WhatsApp keeps them: encrypted with a key that only the message tells, opened while they come.

Facts: whatsapp/wire.md, whatsmeow's `download.go`: HKDF-SHA256 of the media key (32 bytes) gives IV, cipher key and MAC
key; the file is AES-256-CBC with PKCS#7, followed by the first 10 bytes of HMAC-SHA256 over IV and ciphertext.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from warest.errors import InvalidInput

#: contentType of a message -> how the keys of its file are derived, and what the media host calls the kind.
KINDS = {
    "imageMessage": ("Image", "image"),
    "videoMessage": ("Video", "video"),
    "ptvMessage": ("Video", "video"),
    "audioMessage": ("Audio", "audio"),
    "documentMessage": ("Document", "document"),
    "stickerMessage": ("Image", "image"),
}

_KEY, _MAC, _BLOCK = 32, 10, 16

#: What is decrypted at once, bytes.
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedFile:
    """What a message says of its file. A hash that is empty is not compared; `size` None is not either."""

    kind: str  #: one of KINDS
    media_key: bytes
    sha256: bytes = b""  #: of the file
    encrypted_sha256: bytes = b""  #: of what lies on the media host
    size: int | None = None  #: of the file, bytes

    def decrypted(self, encrypted: Iterable[bytes]) -> Iterator[bytes]:
        """The file, a piece at a time. Only at the end is it known to be the right one: whoever keeps the pieces must
        drop them when this raises InvalidInput."""
        opener = _Opener(self)
        for piece in encrypted:
            for start in range(0, len(piece), _PIECE):
                yield opener.update(piece[start : start + _PIECE])
        yield opener.finish()


class _Opener:
    """Holds back the last block, which holds the padding, and what may be the MAC."""

    def __init__(self, file: EncryptedFile) -> None:
        if len(file.media_key) != _KEY or file.kind not in KINDS:
            raise InvalidInput("The message does not say how its file is encrypted")
        info = f"WhatsApp {KINDS[file.kind][0]} Keys".encode()
        keys = HKDF(hashes.SHA256(), 112, salt=None, info=info).derive(file.media_key)
        self._file = file
        self._cipher = Cipher(algorithms.AES(keys[16:48]), modes.CBC(keys[:16])).decryptor()
        self._mac = hmac.new(keys[48:80], keys[:16], hashlib.sha256)
        self._padding = padding.PKCS7(_BLOCK * 8).unpadder()
        self._held = b""
        self._whole, self._plain, self._size = hashlib.sha256(), hashlib.sha256(), 0

    def update(self, piece: bytes) -> bytes:
        self._whole.update(piece)
        together = self._held + piece
        sure = max(0, len(together) - _MAC) // _BLOCK * _BLOCK
        ciphertext, self._held = together[:sure], together[sure:]
        self._mac.update(ciphertext)
        return self._counted(self._padding.update(self._cipher.update(ciphertext)))

    def finish(self) -> bytes:
        """The last bytes, and the proof. The MAC comes first: what it does not cover was never WhatsApp's."""
        if len(self._held) != _MAC or not hmac.compare_digest(self._mac.digest()[:_MAC], self._held):
            raise InvalidInput(
                "The file is damaged, or another than the message says: MAC verification failed", fault="mac"
            )
        try:
            last = self._counted(self._padding.finalize())
        except ValueError:
            raise InvalidInput("The file is damaged: its end is missing") from None
        self._compare()
        return last

    def _counted(self, plain: bytes) -> bytes:
        self._plain.update(plain)
        self._size += len(plain)
        return plain

    def _compare(self) -> None:
        file = self._file
        hashed = ((file.sha256, self._plain), (file.encrypted_sha256, self._whole))
        if any(said and said != found.digest() for said, found in hashed):
            raise InvalidInput("The file is another than the message says: its hash differs")
        if file.size is not None and file.size != self._size:
            raise InvalidInput("The file is another than the message says: its size differs")

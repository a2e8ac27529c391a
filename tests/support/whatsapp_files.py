"""Files as a sender lays them down on WhatsApp's media host: encrypted all at once, with nothing of the product."""

import base64
import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY = bytes(range(32))


def sealed(data: bytes, info: bytes = b"WhatsApp Image Keys") -> bytes:
    """What lies on the host, under KEY."""
    keys = HKDF(hashes.SHA256(), 112, salt=None, info=info).derive(KEY)
    padder = padding.PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(keys[16:48]), modes.CBC(keys[:16])).encryptor()
    ciphertext = cipher.update(padder.update(data) + padder.finalize()) + cipher.finalize()
    return ciphertext + hmac.digest(keys[48:80], keys[:16] + ciphertext, "sha256")[:10]


def received(data: bytes, id: str = "M1", **media: Any) -> dict[str, Any]:
    """The data of the message_received that brings `data` as a picture; `media` is said otherwise."""
    encrypted = sealed(data)
    node = {"directPath": f"/{id}?ccb=1", "fileEncSha256": _text(hashlib.sha256(encrypted).digest())}
    told = {
        "hasMedia": True, "type": "imageMessage", "mimeType": "image/jpeg", "caption": "",
        "fileSha256": _text(hashlib.sha256(data).digest()), "mediaKey": _text(KEY), "directPath": f"/{id}?ccb=1",
        "fileLength": {"low": len(data), "high": 0, "unsigned": True},
    }  # fmt: skip
    return {
        "tags": "media",
        "message": {"key": {"id": id}, "messageTimestamp": 1_700_000_000, "message": {"imageMessage": node}},
        "contentType": "imageMessage",
        "sender": {"chatId": "628222@s.whatsapp.net"},
        "media": told | media,
    }


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()

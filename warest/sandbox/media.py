"""Encrypted files: how a sender closes and a receiver opens them, and where the media host keeps them."""

import base64
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from warest.errors import InvalidInput, NotFound
from warest.sandbox.accounts import Device
from warest.sandbox.crypto import decrypt_cbc, encrypt_cbc, hkdf, hmac256, sha256
from warest.sandbox.store import Store

#: The kinds of files, as their keys are derived, and as the host names them.
FOLDERS = {"History": "md-msg-hist", "Image": "image", "Video": "video", "Audio": "audio", "Document": "document"}

#: The fields of a message that hold a file, and its kind.
PARTS = {
    "imageMessage": "Image",
    "stickerMessage": "Image",
    "videoMessage": "Video",
    "audioMessage": "Audio",
    "documentMessage": "Document",
}

#: Of what nobody's device owns: it stays until the sandbox is emptied.
_NOBODY = ("", -1)

_MAC = 10


@dataclass(frozen=True, slots=True)
class File:
    """What a message tells of a file, so that its receiver can fetch and open it."""

    path: str
    key: bytes
    size: int
    sha256: bytes
    encrypted_sha256: bytes


class Files:
    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, kind: str, data: bytes, device: Device | None = None) -> File:
        """Encrypt a file and lay it down; one that is only for `device` goes with it."""
        key = secrets.token_bytes(32)
        iv, cipher_key, mac_key = _keys(key, kind)
        ciphertext = encrypt_cbc(cipher_key, iv, data)
        encrypted = ciphertext + hmac256(mac_key, iv + ciphertext)[:_MAC]
        # By the same name whatsmeow deletes what it has fetched.
        path = self.lay_down(
            f"/mms/{FOLDERS[kind]}/{base64.urlsafe_b64encode(sha256(encrypted)).decode()}", encrypted, device
        )
        return File(path, key, len(data), sha256(data), sha256(encrypted))

    def lay_down(self, name: str, encrypted: bytes, device: Device | None = None) -> str:
        """The path of what lies there from now on. whatsmeow puts `&hash=` behind it, so it has a question mark."""
        owner = (device.account.phone, device.id) if device else _NOBODY
        self._store.write("insert or ignore into files values (?, ?, ?, ?)", name, *owner, encrypted)
        return f"{name}?ccb=1"

    def get(self, name: str) -> bytes | None:
        return next((bytes(data) for (data,) in self._store.read("select data from files where name = ?", name)), None)

    def delete(self, name: str) -> None:
        self._store.write("delete from files where name = ?", name)

    def of_message(self, message: Any) -> bytes:
        """The file that a message brings, as its receiver opens it.

        Raises InvalidInput when a hash, the size or the MAC is wrong, NotFound when there is nothing.
        """
        if message.HasField("documentWithCaptionMessage"):
            message = message.documentWithCaptionMessage.message
        name = next((name for name in PARTS if message.HasField(name)), None)
        if name is None:
            raise NotFound("The message brings no file.")
        part = getattr(message, name)
        encrypted = self.get(part.directPath.partition("?")[0])
        if encrypted is None:
            raise NotFound("The file is not on the media host.")
        return _opened(part, PARTS[name], encrypted)


def _opened(part: Any, kind: str, encrypted: bytes) -> bytes:
    iv, cipher_key, mac_key = _keys(part.mediaKey, kind)
    ciphertext, mac = encrypted[:-_MAC], encrypted[-_MAC:]
    if sha256(encrypted) != part.fileEncSHA256:
        raise InvalidInput("The encrypted file is not what the message says.")
    if not hmac.compare_digest(hmac256(mac_key, iv + ciphertext)[:_MAC], mac):
        raise InvalidInput("The file was encrypted with another key.")
    data = decrypt_cbc(cipher_key, iv, ciphertext)
    if (len(data), sha256(data)) != (part.fileLength, part.fileSHA256):
        raise InvalidInput("The file is not what the message says.")
    return data


def _keys(media_key: bytes, kind: str) -> tuple[bytes, bytes, bytes]:
    """IV, and the keys of cipher and MAC."""
    keys = hkdf(media_key, 112, info=f"WhatsApp {kind} Keys".encode())
    return keys[:16], keys[16:48], keys[48:80]

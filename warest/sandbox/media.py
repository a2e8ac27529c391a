"""Encrypted files, and the host that clients fetch them from. So far only phones put files there."""

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warest.sandbox.accounts import Device
from warest.sandbox.crypto import encrypt_cbc, hkdf, hmac256, sha256
from warest.sandbox.store import Store
from warest.sandbox.tunnel import TunnelEnd

if TYPE_CHECKING:
    from warest.sandbox.network import Network

HOST = "mmg.whatsapp.net"

#: The kinds of files, as their keys are derived and as the host names them.
_FOLDERS = {"History": "md-msg-hist"}

_MAC = 10
_MAX_HEAD = 64 * 1024


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

    def put(self, device: Device, kind: str, data: bytes) -> File:
        """Encrypt a file for one device; `kind` is one of those in _FOLDERS."""
        key = secrets.token_bytes(32)
        keys = hkdf(key, 112, info=f"WhatsApp {kind} Keys".encode())
        iv, cipher_key, mac_key = keys[:16], keys[16:48], keys[48:80]
        ciphertext = encrypt_cbc(cipher_key, iv, data)
        encrypted = ciphertext + hmac256(mac_key, iv + ciphertext)[:_MAC]
        # By the same name whatsmeow deletes what it has fetched.
        name = f"/mms/{_FOLDERS[kind]}/{base64.urlsafe_b64encode(sha256(encrypted)).decode()}"
        self._store.write("insert into files values (?, ?, ?, ?)", name, device.account.phone, device.id, encrypted)
        # whatsmeow puts `&hash=` behind it, so there must be a question mark.
        return File(f"{name}?ccb=1", key, len(data), sha256(data), sha256(encrypted))

    def get(self, name: str) -> bytes | None:
        return next((bytes(data) for (data,) in self._store.read("select data from files where name = ?", name)), None)

    def delete(self, name: str) -> None:
        self._store.write("delete from files where name = ?", name)


class MediaHost(TunnelEnd):
    """HTTP/1.1 behind TLS: one request without a body after the other."""

    def __init__(self, network: "Network") -> None:
        super().__init__()
        self._network = network
        self._received = bytearray()

    def on_bytes(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0 and self.is_open:
            self._answer(self._received[:end].decode("latin-1"))
            del self._received[: end + 4]
        if len(self._received) > _MAX_HEAD:
            self.close()

    def _answer(self, head: str) -> None:
        method, _, rest = head.partition(" ")
        name = rest.partition(" ")[0].partition("?")[0]
        if method not in ("GET", "DELETE"):
            self._network.violations.record("an unknown client", f"{method} {name} at {HOST}")
            self._write("501 Not Implemented")
            self.close()
        elif (data := self._network.files.get(name)) is None:
            self._write("404 Not Found")  # Its device may have been unlinked a moment ago.
        elif method == "GET":
            self._write("200 OK", data)
        else:
            self._network.files.delete(name)
            self._write("200 OK")

    def _write(self, status: str, body: bytes = b"") -> None:
        assert self.transport
        self.transport.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def on_closed(self) -> None:
        pass

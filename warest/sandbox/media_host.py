"""The host that clients fetch encrypted files from and upload them to."""

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warest.sandbox.crypto import sha256
from warest.sandbox.media import FOLDERS
from warest.sandbox.tunnel import TunnelEnd

if TYPE_CHECKING:
    from warest.sandbox.network import Network

HOST = "mmg.whatsapp.net"

_MAX_HEAD = 64 * 1024

#: Bytes of the largest upload.
_MAX_BODY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    name: str
    size: int

    @staticmethod
    def parse(text: str) -> "_Head":
        """`name` is the path without the query; `size` that of the body."""
        first, *lines = text.split("\r\n")
        method, _, rest = first.partition(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = headers.get("content-length", "0")
        return _Head(method, rest.partition(" ")[0].partition("?")[0], int(size) if size.isdigit() else -1)


class MediaHost(TunnelEnd):
    """HTTP/1.1 behind TLS: one request after the other, bodies with a Content-Length."""

    def __init__(self, network: "Network") -> None:
        super().__init__()
        self._network = network
        self._received = bytearray()
        self._head: _Head | None = None

    def on_bytes(self, data: bytes) -> None:
        self._received += data
        while self.is_open and self._take_head() and self._take_request():
            pass

    def _take_head(self) -> bool:
        """Whether the head of a request is there."""
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > _MAX_HEAD:
                    self.close()
                return False
            self._head = _Head.parse(self._received[:end].decode("latin-1"))
            del self._received[: end + 4]
        if not 0 <= self._head.size <= _MAX_BODY:
            self._write("413 Content Too Large")
            self.close()
        return self.is_open

    def _take_request(self) -> bool:
        """Whether it was all there, and is answered."""
        head = self._head
        if head is None or len(self._received) < head.size:
            return False
        body = bytes(self._received[: head.size])
        del self._received[: head.size]
        self._head = None
        self._answer(head, body)
        return True

    def _answer(self, head: _Head, body: bytes) -> None:
        files = self._network.files
        if head.method == "POST" and _is_upload(head.name, body):
            path = files.lay_down(head.name, body)
            told = {"url": f"https://{HOST}{path}", "direct_path": path, "handle": ""}
            self._write("200 OK", json.dumps(told).encode())
        elif head.method not in ("GET", "DELETE"):
            self._network.violations.record("an unknown client", f"{head.method} {head.name} at {HOST}")
            self._write("501 Not Implemented")
            self.close()
        elif (data := files.get(head.name)) is None:
            self._write("404 Not Found")  # Its device may have been unlinked a moment ago.
        elif head.method == "GET":
            self._write("200 OK", data)
        else:
            files.delete(head.name)
            self._write("200 OK")

    def _write(self, status: str, body: bytes = b"") -> None:
        assert self.transport
        self.transport.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def on_closed(self) -> None:
        pass


def _is_upload(name: str, body: bytes) -> bool:
    """The last part of its path is the hash of what is sent."""
    empty, mms, folder, token = f"{name}///".split("/")[:4]
    expected = base64.urlsafe_b64encode(sha256(body)).decode().rstrip("=")
    return (empty, mms) == ("", "mms") and folder in FOLDERS.values() and token.rstrip("=") == expected

"""The host that clients fetch encrypted files from and upload them to.

HTTP/1.1 behind TLS: one request after the other, bodies with a Content-Length, ranges. What comes in goes to the disk
as it comes, and what leaves is read as fast as the client takes it.
"""

import asyncio
import base64
import json
import os
import re
from dataclasses import dataclass
from http.client import responses
from typing import TYPE_CHECKING, BinaryIO

from warest.sandbox import mischief
from warest.sandbox.media import FOLDERS, HOST, PIECE, Upload
from warest.sandbox.tunnel import TunnelEnd

if TYPE_CHECKING:
    from warest.sandbox.network import Network

_MAX_HEAD = 64 * 1024

#: Bytes of the largest upload: the largest file, with its padding and MAC.
_MAX_BODY = 128 * 1024 * 1024 + 64

#: How often in a second a slow download moves on.
_STEPS = 10


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    name: str
    size: int
    range: str

    @staticmethod
    def parse(text: str) -> "_Head":
        """`name` is the path without the query; `size` that of the body."""
        first, *lines = text.split("\r\n")
        method, _, rest = first.partition(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = headers.get("content-length", "0")
        name = rest.partition(" ")[0].partition("?")[0]
        return _Head(method, name, int(size) if size.isdigit() else -1, headers.get("range", ""))


class MediaHost(TunnelEnd):
    def __init__(self, network: "Network") -> None:
        super().__init__()
        self._network = network
        self._received = bytearray()
        self._head: _Head | None = None
        #: The body of the request, and how much of it has not come yet.
        self._upload: Upload | None = None
        self._left = 0
        self._sending: asyncio.Task[None] | None = None
        #: Set when the client takes what is sent.
        self._flows = asyncio.Event()
        self._flows.set()

    def on_bytes(self, data: bytes) -> None:
        self._received += data
        self._go_on()

    def _go_on(self) -> None:
        while self.is_open and self._sending is None and self._take_head() and self._take_body():
            pass

    def pause_writing(self) -> None:
        self._flows.clear()

    def resume_writing(self) -> None:
        self._flows.set()

    def on_closed(self) -> None:
        if self._sending:
            self._sending.cancel()
        self._forget_upload()

    # Requests

    def _take_head(self) -> bool:
        """Whether the head of a request is there."""
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > _MAX_HEAD:
                    self.close()
                return False
            head = _Head.parse(self._received[:end].decode("latin-1"))
            del self._received[: end + 4]
            self._begin(head)
        return self.is_open

    def _begin(self, head: _Head) -> None:
        self._head, self._left = head, head.size
        if not 0 <= head.size <= _MAX_BODY:
            self._write(413)
            self.close()
        elif head.method == "POST":
            self._upload = self._network.files.receive()

    def _take_body(self) -> bool:
        """Whether the request was all there, and is answered."""
        if self._left:
            piece = bytes(self._received[: self._left])
            del self._received[: len(piece)]
            self._left -= len(piece)
            if self._upload:
                self._upload.write(piece)
        if self._left or self._head is None:
            return False
        head, self._head = self._head, None
        self._answer(head)
        self._forget_upload()
        return True

    def _forget_upload(self) -> None:
        if self._upload:
            self._upload.close()
            self._upload = None

    # Answers

    def _answer(self, head: _Head) -> None:
        if head.method == "POST" and self._upload and _is_upload(head.name, self._upload):
            self._take_upload(head, self._upload)
        elif head.method not in ("GET", "DELETE"):
            self._network.violations.record("an unknown client", f"{head.method} {head.name} at {HOST}")
            self._write(501)
            self.close()
        elif head.method == "GET" and (fault := mischief.of_file(self._network, "media_status", head.name)):
            self._write(fault.options["status"])
        elif (file := self._network.files.open(head.name)) is None:
            self._write(404)  # Its device may have been unlinked a moment ago.
        elif head.method == "GET":
            self._send(head, file)
        else:
            file.close()
            self._network.files.delete(head.name)
            self._write(200)

    def _take_upload(self, head: _Head, upload: Upload) -> None:
        if fault := self._network.faults.take("upload_refused"):
            self._write(fault.options["status"])
            return
        path = self._network.files.lay_down(head.name, upload)
        told = {"url": f"https://{HOST}{path}", "direct_path": path, "handle": ""}
        self._network.outbox.flush()  # What an answer says is true after a kill, too.
        self._write(200, json.dumps(told).encode())

    def _write(self, status: int, body: bytes = b"") -> None:
        assert self.transport
        self.transport.write(_head(status, len(body)) + body)

    # Downloads

    def _send(self, head: _Head, file: BinaryIO) -> None:
        assert self.transport
        size = file.seek(0, os.SEEK_END)
        asked = _range(head.range, size)
        if asked is None:
            file.close()
            self.transport.write(_head(416, 0, f"Content-Range: bytes */{size}\r\n"))
            return
        start, end = asked
        told = "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"
        told += f"Content-Range: bytes {start}-{end - 1}/{size}\r\n" if head.range else ""
        self.transport.write(_head(206 if head.range else 200, end - start, told))
        self.transport.pause_reading()
        flaws = _Flaws.of(self._network, head.name)
        self._sending = asyncio.get_running_loop().create_task(self._pour(file, start, end, flaws))

    async def _pour(self, file: BinaryIO, start: int, end: int, flaws: "_Flaws") -> None:
        """Send these bytes, and then go on with what the client has asked meanwhile."""
        assert self.transport
        middle = (start + end) // 2
        with file:
            file.seek(start)
            position, stop = start, middle if flaws.truncated else end
            while position < stop and self.is_open:
                piece = file.read(min(flaws.step, stop - position))
                if flaws.broken and position <= middle < position + len(piece):
                    piece = _flipped(piece, middle - position)
                self.transport.write(piece)
                position += len(piece)
                await self._flows.wait()
                if flaws.slow:
                    await asyncio.sleep(1 / _STEPS)
        self._sending = None
        if flaws.truncated:
            self.close()
        elif self.is_open:
            self.transport.resume_reading()
            self._go_on()


@dataclass(frozen=True, slots=True)
class _Flaws:
    """What is to go wrong with one download."""

    truncated: bool
    broken: bool
    slow: bool
    #: Bytes that are sent at a time.
    step: int

    @staticmethod
    def of(network: "Network", name: str) -> "_Flaws":
        truncated, broken, slow = (
            mischief.of_file(network, kind, name) for kind in ("media_truncated", "media_broken", "media_slow")
        )
        step = max(1, slow.options["bytes_per_second"] // _STEPS) if slow else PIECE
        return _Flaws(truncated is not None, broken is not None, slow is not None, min(step, PIECE))


def _flipped(piece: bytes, position: int) -> bytes:
    return piece[:position] + bytes([piece[position] ^ 1]) + piece[position + 1 :]


def _head(status: int, size: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} {responses.get(status, '')}\r\nContent-Length: {size}\r\n{more}\r\n".encode()


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last; None: there are no such bytes. Several ranges are not known here."""
    if not asked:
        return 0, size
    found = re.fullmatch(r"bytes=([0-9]*)-([0-9]*)", asked)
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
    return (start, end) if start < end else None


def _is_upload(name: str, upload: Upload) -> bool:
    """The last part of its path is the hash of what is sent."""
    empty, mms, folder, token = f"{name}///".split("/")[:4]
    expected = base64.urlsafe_b64encode(upload.sha256).decode().rstrip("=")
    return (empty, mms) == ("", "mms") and folder in FOLDERS.values() and token.rstrip("=") == expected

"""A webhook receiver of our own, on loopback."""

import contextlib
import hmac
import json
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request, as it came over the wire: header names in their casing."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def is_signed_with(self, secret: str) -> bool:
        """As the contract's receivers check it: the key is the secret and the username header."""
        key = (secret + self.headers["X-WAREST-Username"]).encode()
        algorithm, _, signature = self.headers["X-WAREST-Signature"].partition("=")
        digest = hmac.new(key, self.body, algorithm.removeprefix("HMAC-").lower()).hexdigest()
        return hmac.compare_digest(digest, signature)


class Receiver:
    """Answers every POST, after `delay` seconds, and keeps what came, oldest first."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.answer = b""
        self.answers: dict[str, Any] = {}  #: those to events of some names, as JSON
        self.delay = 0.0
        self.received: list[Received] = []
        self.connections: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def of(self, event: str) -> list[Received]:
        return [one for one in list(self.received) if one.headers.get("X-WAREST-Event") == event]

    def texts(self) -> list[str]:
        return [one.json["data"]["text"] for one in self.of("message_received")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:  # those that were kept alive: nobody is there any more
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(30)
        self.server.receiver.connections.append(self.connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.server.receiver
        receiver.received.append(Received(time.time(), self.path, dict(self.headers.items()), body))
        event = self.headers.get("X-WAREST-Event", "")
        answer = json.dumps(receiver.answers[event]).encode() if event in receiver.answers else receiver.answer
        time.sleep(receiver.delay)
        self.send_response(receiver.status)
        for name, value in {**receiver.headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass

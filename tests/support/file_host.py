"""A host that files are fetched from, on loopback: as odd as a test wants it."""

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Answer = Callable[["Asked"], None]


class FileHost:
    """Answers each path as `paths` says, and keeps what was asked, oldest first. `closing` ends endless answers."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0, *, certificate: ssl.SSLContext | None = None) -> None:
        self.paths: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._address = address
        self._server = _Server((address, port), Asked)
        self._server.host = self
        self._scheme = "https" if certificate else "http"
        if certificate:
            self._server.socket = certificate.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, name: str = "") -> str:
        """`name`: under which the host is called, if not by its address."""
        return f"{self._scheme}://{name or self._address}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    host: FileHost

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller who hangs up, or does not believe the certificate, is no news."""


class Asked(BaseHTTPRequestHandler):
    """One request, and the way to answer it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(30)

    def do_GET(self) -> None:
        self.server.host.asked.append(self)
        self.close_connection = True
        self.server.host.paths.get(self.path.partition("?")[0], says(404))(self)

    def log_message(self, *_: object) -> None:
        pass

    def send_endlessly(self, piece: bytes, pause: float = 0.0) -> None:
        """Until the caller hangs up."""
        while not self.server.host.closing.wait(pause):
            self.wfile.write(piece)


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer with a length that is right, unless it is given."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(asked: Asked) -> None:
        asked.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(body)

    return answer


def starts(**headers: str) -> Answer:
    """The head of an answer that ends when the connection does."""

    def answer(asked: Asked) -> None:
        asked.send_response(200)
        for name, value in headers.items():
            asked.send_header(name.replace("_", "-"), value)
        asked.end_headers()

    return answer

"""A CONNECT proxy on loopback that leads every name to one server of the test."""

import contextlib
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self


class Tunnel:
    """`asked`: the `HOST:PORT` of each connection, oldest first."""

    def __init__(self, port: int) -> None:
        """`port` is where the connections end, on 127.0.0.1."""
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.tunnel, self._server.target = self, port
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    tunnel: Tunnel
    target: int


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.tunnel.asked.append(self.rfile.readline().split()[1].decode())
        while self.rfile.readline().strip():
            pass
        with socket.create_connection(("127.0.0.1", self.server.target)) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_copy, args=(other, self.connection), daemon=True)
            back.start()
            _copy(self.connection, other)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until one of them ends; the other hears of it."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)

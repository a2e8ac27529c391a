"""Proxies on loopback that lead to the sandbox's own, and that can be told to die, to stall or to refuse."""

import base64
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

#: How it is: as it should be; gone, with all its connections; taking everything and passing nothing on; answering no.
WELL, DEAD, STALLING, REFUSING = "well", "dead", "stalling", "refusing"


class LocalProxy:
    """`asked`: the `HOST:PORT` of each tunnel that it was asked for, oldest first."""

    def __init__(
        self,
        upstream: int,
        scheme: str = "http",
        credentials: tuple[str, str] | None = None,
        certificate: ssl.SSLContext | None = None,
    ) -> None:
        """`upstream`: the port of a CONNECT proxy on this machine, through which it leads. `certificate`: what an https
        proxy shows, as `localhost`."""
        self._certificate = certificate
        self.scheme = scheme
        self.credentials = credentials
        self.asked: list[str] = []
        self.state = WELL
        self._upstream = upstream
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = self._listen(0)

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return "localhost" if self._certificate else "127.0.0.1"

    @property
    def url(self) -> str:
        user = f"{self.credentials[0]}:{self.credentials[1]}@" if self.credentials else ""
        return f"{self.scheme}://{user}{self._host}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.die()

    def die(self) -> None:
        """As a process that is killed: nobody listens, and all connections are reset."""
        self.state = DEAD
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()
        self._flows.set()

    def stall(self) -> None:
        """Connections are taken and stay open, old ones too, and nothing comes through."""
        self.state = STALLING
        self._flows.clear()

    def refuse(self) -> None:
        """Whoever comes hears no; those who are there are sent away."""
        self.state = REFUSING
        self.cut()

    def recover(self) -> None:
        if self.state == DEAD:
            self._listen(self.port)
        self.state = WELL
        self._flows.set()

    def cut(self) -> None:
        """Reset all connections."""
        with self._lock:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    each.shutdown(socket.SHUT_RDWR)

    def _listen(self, port: int) -> int:
        listener = socket.create_server(("127.0.0.1", port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                if self._certificate:
                    client = self._certificate.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._kept(client), contextlib.suppress(OSError, EOFError):
            self._flows.wait()
            target = self._socks(client) if self.scheme == "socks5" else self._connect(client)
            if not target:
                return
            self.asked.append(target)
            with socket.create_connection(("127.0.0.1", self._upstream)) as server, self._kept(server):
                server.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
                if b" 200 " not in _head(server).split(b"\r\n", 1)[0]:
                    return
                client.sendall(_socks_answer(0) if self.scheme == "socks5" else b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join()

    @contextlib.contextmanager
    def _kept(self, one: socket.socket) -> Iterator[None]:
        with self._lock:
            self._sockets.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(one)
                one.close()

    def _connect(self, client: socket.socket) -> str:
        """What is asked for; empty: it was refused."""
        lines = _head(client).decode().split("\r\n")
        if self.state == REFUSING:
            client.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return ""
        if self.credentials:
            token = base64.b64encode(":".join(self.credentials).encode()).decode()
            if f"proxy-authorization: basic {token}".lower() not in [line.lower() for line in lines]:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return ""
        return lines[0].split()[1]

    def _socks(self, client: socket.socket) -> str:
        _, count = _exactly(client, 2)
        methods = _exactly(client, count)
        method = 2 if self.credentials else 0
        client.sendall(bytes([5, method if method in methods else 255]))
        if self.credentials:
            user = _exactly(client, _exactly(client, 2)[1]).decode()
            password = _exactly(client, _exactly(client, 1)[0]).decode()
            client.sendall(bytes([1, 0 if (user, password) == self.credentials else 1]))
            if (user, password) != self.credentials:
                return ""
        kind = _exactly(client, 4)[3]
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET, _exactly(client, 4))
        port = int.from_bytes(_exactly(client, 2), "big")
        if self.state == REFUSING:
            client.sendall(_socks_answer(2))
            return ""
        return f"{host}:{port}"

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """Until one of them ends; the other hears of it."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
        self._flows.wait()
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _socks_answer(status: int) -> bytes:
    return bytes([5, status, 0, 1, 0, 0, 0, 0, 0, 0])


def _head(one: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += _exactly(one, 1)
    return found


def _exactly(one: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = one.recv(size - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found

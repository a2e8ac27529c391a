"""Through a proxy: CONNECT for http and https, and SOCKS5, for whatever httpcore connects.

Facts: RFC 9110 section 9.3.6, RFC 1928, RFC 1929. What is asked for is an address or a name, as the caller gives it;
TLS to the far end is httpcore's, over the connection that comes out here, and verifies the name.
"""

import base64
import ipaddress
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from warest.errors import FetchError
from warest.fetch.connections import CONNECT_PATIENCE, Deadline, Time, TimedStream, usual_trust
from warest.proxies import Proxy

#: What a proxy may say before the connection is through, bytes.
_LONGEST_ANSWER = 16_384

_SOCKS_TROUBLES = {
    1: "general failure", 2: "not allowed", 3: "network unreachable", 4: "host unreachable", 5: "connection refused",
    6: "TTL expired", 7: "command not supported", 8: "address type not supported",
}  # fmt: skip


class Way(httpcore.NetworkBackend):
    """The way out through one proxy."""

    def __init__(self, proxy: Proxy, deadline: Time, *, trusted: ssl.SSLContext | None = None) -> None:
        """`trusted`: whose certificates an https proxy may have, if not the usual."""
        self._proxy = proxy
        self._deadline = deadline
        self._trusted = trusted
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        proxy, patience = self._proxy, self._deadline.left(timeout or CONNECT_PATIENCE)
        plain = self._plain.connect_tcp(proxy.host, proxy.port, patience, socket_options=socket_options)
        stream: httpcore.NetworkStream = TimedStream(plain, self._deadline)
        try:
            if proxy.scheme == "https":
                stream = stream.start_tls(self._trusted or usual_trust(), proxy.host, patience)
            if proxy.scheme == "socks5":
                _socks(stream, proxy, host, port)
            else:
                _connect(stream, proxy, host, port)
        except BaseException:
            stream.close()
            raise
        return stream


def probe(proxy: Proxy, host: str, *, seconds: float, trusted: ssl.SSLContext | None = None) -> float:
    """How long it takes through the proxy until a host has answered by TLS, ms. Nothing else is said to it.

    Raises FetchError, which says why it was in vain.
    """
    deadline, began = Deadline(seconds), time.monotonic()
    try:
        stream = Way(proxy, deadline, trusted=trusted).connect_tcp(host, 443, seconds)
        try:
            stream = stream.start_tls(trusted or usual_trust(), host, seconds)
        finally:
            stream.close()
    except httpcore.TimeoutException as error:
        raise FetchError(f"it has led nowhere in {seconds:g} s") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise FetchError(str(error) or type(error).__name__) from error
    return round((time.monotonic() - began) * 1000, 1)


def _connect(stream: httpcore.NetworkStream, proxy: Proxy, host: str, port: int) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if any(proxy.credentials):
        token = base64.b64encode(":".join(proxy.credentials).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {token}")
    stream.write("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):  # byte by byte: what follows belongs to the tunnel
        piece = stream.read(1)
        if not piece or len(answer) > _LONGEST_ANSWER:
            raise httpcore.ConnectError("the proxy does not answer as one")
        answer += piece
    words = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if not words[0].startswith(b"HTTP/") or len(words) < 2 or not words[1].startswith(b"2"):
        status = words[1].decode("ascii", "replace")[:3] if len(words) > 1 else "nothing"
        raise httpcore.ConnectError(f"the proxy answered {status}")


def _socks(stream: httpcore.NetworkStream, proxy: Proxy, host: str, port: int) -> None:
    method = 2 if any(proxy.credentials) else 0
    stream.write(bytes([5, 1, method]))
    if _exactly(stream, 2) != bytes([5, method]):
        raise httpcore.ConnectError("the proxy does not speak SOCKS5, or wants other credentials")
    if method:
        user, password = (part.encode() for part in proxy.credentials)
        stream.write(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if _exactly(stream, 2)[1]:
            raise httpcore.ConnectError("the proxy does not know these credentials")
    stream.write(bytes([5, 1, 0]) + _socks_address(host) + port.to_bytes(2, "big"))
    _, trouble, _, kind = _exactly(stream, 4)
    if trouble:
        raise httpcore.ConnectError(f"the proxy answered: {_SOCKS_TROUBLES.get(trouble, trouble)}")
    _exactly(stream, {1: 4, 4: 16}.get(kind) or _exactly(stream, 1)[0])
    _exactly(stream, 2)


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        if len(name) > 255:
            raise httpcore.ConnectError("the name is too long") from None
        return bytes([3, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed


def _exactly(stream: httpcore.NetworkStream, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = stream.read(size - len(found))
        if not piece:
            raise httpcore.ConnectError("the proxy has hung up")
        found += piece
    return found

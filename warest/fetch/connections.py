"""Connections to addresses that have been checked, none of which lasts longer than it may.

A name is looked up once, and the connection goes to what was found then: a name that means something else a moment
later (DNS rebinding) gains nothing. TLS goes on to verify the name, not the address.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol

import httpcore
import httpx

from warest.addresses import Address, Networks, is_public
from warest.errors import FetchError, InvalidInput

#: How long one address may take to answer a connection, s.
CONNECT_PATIENCE = 10.0


@cache
def usual_trust() -> ssl.SSLContext:
    """The certificates that this machine believes; to read them takes a while."""
    return httpx.create_ssl_context()


class Deadline:
    """When all has to be done; a host that sends a byte now and then must not get more time by it."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds. Raises TimeoutException when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("the time is up")
        return min(left, most)


class Time(Protocol):
    """What says how long one may still wait."""

    def left(self, most: float = ..., /) -> float: ...


class Door(httpcore.NetworkBackend):
    """The way out, to what is allowed; `setting` is what its owner may change about that."""

    def __init__(
        self, networks: Networks, deadline: Time, *, setting: str, way: httpcore.NetworkBackend | None = None
    ) -> None:
        """`way` leads to what is public, a proxy say: it is given the address that was checked, and never a name."""
        self._networks = networks
        self._deadline = deadline
        self._setting = setting
        self._way = way
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = self._checked(host, port)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connected(address, port, socket_options)
        return self._connected(last, port, socket_options)

    def _connected(self, address: Address, port: int, options: Iterable[Any] | None) -> httpcore.NetworkStream:
        patience = self._deadline.left(CONNECT_PATIENCE)
        way = self._way if self._way and is_public(address) else self._plain
        stream = way.connect_tcp(str(address), port, patience, socket_options=options)
        return TimedStream(stream, self._deadline)

    def _checked(self, host: str, port: int) -> list[Address]:
        """All addresses of a name, if all are allowed: the one that is not might be the next to be tried.

        How long a name takes to be looked up is up to this machine's resolver.
        """
        found = _looked_up(host, port)
        if not all(map(self._networks.allow, found)):
            raise InvalidInput(f"{host} is not on the public internet; {self._setting} says what is allowed besides")
        return found


class TimedStream(httpcore.NetworkStream):
    """A connection on which nothing waits past the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Time) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        patience = self._deadline.left(CONNECT_PATIENCE)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, patience), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _looked_up(host: str, port: int) -> list[Address]:
    """As the operating system understands the name: `0x7f.1` is an address to it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the name {host} is not known: {error}") from error
    return [ipaddress.ip_address(sockaddr[0]) for *_, sockaddr in found]

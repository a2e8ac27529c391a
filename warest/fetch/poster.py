"""POSTs to URLs that users give: the way to their webhook receivers.

Addresses are checked as for whatever is fetched (connections.py). Connections are kept alive between posts. Redirects
are not followed: a receiver answers itself. Proxies of the environment are not used, since they would look names up
themselves.
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from warest.addresses import Networks
from warest.errors import FetchError
from warest.fetch.connections import Deadline, Door, usual_trust
from warest.fetch.urls import basic, decoded, encoded, parsed

#: A connection that nobody has used for so long is closed, s: common servers wait for 5.
KEPT_ALIVE = 4.0

#: Receivers whose connections are kept.
RECEIVERS = 500


@dataclass(frozen=True, slots=True)
class Posted:
    """What was answered: `body` is the beginning of it, `headers` have names in lower case; `seconds` it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class _Watch(threading.local):
    """How long the post of this thread may still take. Connections outlive it, so they ask whoever uses them."""

    deadline = Deadline(0)

    def left(self, most: float = float("inf"), /) -> float:
        return self.deadline.left(most)


@dataclass(slots=True)
class _Pool:
    """The connections of one receiver, and how many posts are on their way on them."""

    connections: httpcore.ConnectionPool
    busy: int = 0


class Poster:
    """May be used by many threads at once."""

    def __init__(self, networks: Networks, *, setting: str, trusted: ssl.SSLContext | None = None) -> None:
        """`setting` says which private networks are allowed; `trusted`: whose certificates count, if not the usual."""
        self._trusted = trusted or usual_trust()
        self._watch = _Watch()
        self._door = Door(networks, self._watch, setting=setting)
        self._lock = threading.Lock()
        self._pools: OrderedDict[str, _Pool] = OrderedDict()

    def close(self) -> None:
        """The connections that were kept."""
        for pool in self._pools.values():
            pool.connections.close()

    @contextmanager
    def _pool(self, receiver: str) -> Iterator[httpcore.ConnectionPool]:
        """One for each receiver: a pool looks at all its connections for each post."""
        with self._lock:
            pool = self._pools.get(receiver) or self._new(receiver)
            self._pools.move_to_end(receiver)
            pool.busy += 1
        try:
            yield pool.connections
        finally:
            with self._lock:
                pool.busy -= 1

    def _new(self, receiver: str) -> _Pool:
        """In place of the one that was not used for the longest, if there are too many."""
        oldest = next(iter(self._pools), None)
        if oldest is not None and len(self._pools) >= RECEIVERS and not self._pools[oldest].busy:
            self._pools.pop(oldest).connections.close()
        made = httpcore.ConnectionPool(
            self._trusted, max_connections=None, keepalive_expiry=KEPT_ALIVE, network_backend=self._door
        )
        return self._pools.setdefault(receiver, _Pool(made))

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, receiver: str, seconds: float, limit: int
    ) -> Posted:
        """`limit` bytes of the answer are read; `seconds`: how long all of it may take. Posts for one `receiver` share
        their connections.

        Raises InvalidInput for what is no URL, or leads to an address that is not allowed; FetchError when nobody
        answers.
        """
        target, began = parsed(url), time.monotonic()
        self._watch.deadline = Deadline(seconds)
        try:
            with (
                self._pool(receiver) as pool,
                pool.stream("POST", _raw(target), headers=_headers(target, headers), content=body) as response,
            ):
                found = {decoded(name).lower(): decoded(value) for name, value in response.headers}
                answer = _beginning(response, limit)
                return Posted(response.status, found, answer, time.monotonic() - began)
        except httpcore.TimeoutException as error:
            raise FetchError(f"no answer within {seconds:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise FetchError(str(error) or type(error).__name__) from error


def _raw(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _headers(url: httpx.URL, given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    found = [(b"Host", url.netloc), (b"Accept", b"*/*")]
    if url.userinfo:
        found.append((b"Authorization", basic(url)))
    return found + [(name.encode(), encoded(value)) for name, value in given.items()]


def _beginning(response: httpcore.Response, limit: int) -> bytes:
    """What is not read of an answer costs its connection, and nothing else."""
    found = bytearray()
    for piece in response.iter_stream():
        found += piece
        if len(found) >= limit:
            break
    return bytes(found[:limit])

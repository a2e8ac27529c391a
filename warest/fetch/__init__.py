"""The one fetcher of URLs that users give: whatever the API takes by address comes in through here.

A URL of somebody else's can mean a machine that only this server can reach. So each connection, also the one that a
redirect leads to, goes to an address that has been checked (connections.py), and what comes is limited in time and size
while it comes. Proxies of the environment (`HTTP_PROXY`) are not used: they would look the name up themselves, and
nobody would have checked where it leads. Nothing is kept between two fetches, neither cookies nor connections.
"""

import ssl
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from warest.addresses import Networks
from warest.errors import FetchError, InvalidInput
from warest.fetch.connections import Deadline, Door, usual_trust
from warest.fetch.urls import basic, decoded, parsed
from warest.fetch.ways import Way
from warest.file_headers import file_name, media_type
from warest.proxies import Proxy

#: How many redirects are followed.
REDIRECTS = 5

#: The most that is unpacked at once, bytes.
PIECE = 65536

_HEADERS = ((b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"WAREST"))

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Refusals that may be none an hour later, as HTTP has it.
_FOR_NOW = frozenset({408, 425, 429})


class Fetched:
    """What a URL leads to: an iterable of bytes, that can be gone through once, and what its host says of it."""

    def __init__(self, url: httpx.URL, response: httpcore.Response, limit: int) -> None:
        """Raises InvalidInput when its host says that it is too large."""
        headers = {name.lower(): decoded(value) for name, value in response.headers}
        self._host = url.host
        self._limit = limit
        self._response = response
        self._encoding = headers.get(b"content-encoding", "").strip().lower()
        #: Without parameters; empty if the host does not say.
        self.mime_type = media_type(headers.get(b"content-type", ""))
        #: Fit to be one; empty if neither the host nor the URL says.
        self.file_name = file_name(headers.get(b"content-disposition", ""), url.path)
        if int(headers.get(b"content-length", "0")) > limit:
            raise _too_large(limit)

    def __iter__(self) -> Iterator[bytes]:
        """Raises InvalidInput past the limit, and FetchError when the rest does not come."""
        with _failing(self._host):
            came = _limited(self._response.iter_stream(), self._limit)
            yield from came if self._encoding in ("", "identity") else _limited(self._unpacked(came), self._limit)

    def _unpacked(self, packed: Iterable[bytes]) -> Iterator[bytes]:
        """Nobody asked for it packed, but some hosts keep their files so. A little at a time: a small file may hold a
        thousand times its size."""
        if self._encoding not in ("gzip", "x-gzip"):
            raise FetchError(f"{self._host} sends its file packed as {self._encoding[:20]!r}", permanent=True)
        unpacker = zlib.decompressobj(31)
        for piece in packed:
            while piece:
                unpacker = zlib.decompressobj(31) if unpacker.eof else unpacker  # several may follow each other
                yield unpacker.decompress(piece, PIECE)
                piece = unpacker.unconsumed_tail or unpacker.unused_data
        yield unpacker.flush()
        if not unpacker.eof:
            raise FetchError(f"{self._host} sent a part of the file only")


class Fetcher:
    """May be used by many threads at once."""

    def __init__(self, networks: Networks, *, seconds: float, trusted: ssl.SSLContext | None = None) -> None:
        """`seconds`: how long all of a fetch may take. `trusted`: whose certificates are believed, if not the usual."""
        self._networks = networks
        self._seconds = seconds
        self._trusted = trusted or usual_trust()

    @contextmanager
    def open(self, url: str, *, limit: int, proxy: Proxy | None = None) -> Iterator[Fetched]:
        """What the URL leads to, `limit` bytes at most; what is not read of it is left. What is public is asked for
        through the `proxy`, by the address that was checked here.

        Raises InvalidInput for what is no URL, leads to an address that is not allowed, or is too large
        (`details["limit"]`); FetchError when its host does not answer, or says no (`details["status"]`).
        """
        given = parsed(url)
        deadline = Deadline(self._seconds)
        way = Way(proxy, deadline) if proxy else None
        door = Door(self._networks, deadline, setting="WAREST_FETCH_PRIVATE_NETWORKS", way=way)
        pool = httpcore.ConnectionPool(self._trusted, network_backend=door)
        with _failing(given.host), pool, _followed(pool, given) as (last, response):
            yield Fetched(last, response, limit)


@contextmanager
def _followed(pool: httpcore.ConnectionPool, given: httpx.URL) -> Iterator[tuple[httpx.URL, httpcore.Response]]:
    """Where the redirects end, and what is there. The credentials of the URL are for the host that it names only."""
    here = given
    for _ in range(REDIRECTS + 1):
        headers = [*_HEADERS, (b"Host", here.netloc)]
        if given.userinfo and _origin(here) == _origin(given):
            headers.append((b"Authorization", basic(given)))
        target = httpcore.URL(scheme=here.raw_scheme, host=here.raw_host, port=here.port, target=here.raw_path)
        with pool.stream("GET", target, headers=headers) as response:
            locations = [decoded(value) for name, value in response.headers if name.lower() == b"location"]
            if response.status not in _REDIRECTS or not locations:
                _check(response.status, here.host)
                yield here, response
                return
        here = parsed(locations[0], here)
    raise FetchError(f"{given.host} redirects more than {REDIRECTS} times", permanent=True)


def _check(status: int, host: str) -> None:
    if not 200 <= status < 300:
        permanent = status < 500 and status not in _FOR_NOW
        raise FetchError(f"{host} answered HTTP {status}", permanent=permanent, status=status)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}[url.scheme]


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise _too_large(limit)
        yield piece


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput(f"the file is larger than {limit} bytes", limit=limit)


@contextmanager
def _failing(host: str) -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise FetchError(f"{host} did not send the file in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, zlib.error) as error:
        raise FetchError(f"{host} did not send the file: {error or type(error).__name__}") from error

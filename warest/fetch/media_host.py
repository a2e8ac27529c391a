"""WhatsApp's media host: what a message says is there, as it lies there, encrypted.

The sender of a message wrote where its file is. So only WhatsApp's own hosts are asked, whatever it says; redirects are
not followed. Facts: whatsmeow's `download.go`.
"""

import base64
import re
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpcore

from warest.errors import FetchError, InvalidInput
from warest.fetch.connections import usual_trust
from warest.fetch.ways import Way
from warest.proxies import Proxy

HOST = "mmg.whatsapp.net"

#: How long the host may say nothing, s.
STALL = 30.0

_TIMEOUTS = {"timeout": {"connect": 10.0, "read": STALL, "write": STALL, "pool": STALL}}

#: A connection that nobody has used for so long is closed, s; ways whose connections are kept.
KEPT_ALIVE, WAYS = 5.0, 50

#: What it answers for a file that it has no longer, and will not have again.
_GONE = frozenset({403, 404, 410})

_PATH = re.compile(r"/[!-~]{1,4000}")

_HOSTS = re.compile(r"[a-z0-9.-]+\.whatsapp\.net")

_HEADERS = (
    (b"Origin", b"https://web.whatsapp.com"),
    (b"Referer", b"https://web.whatsapp.com/"),
    (b"Accept-Encoding", b"identity"),
)


class _Stalling:
    """The time of a connection that many files use one after the other: each read may take as long."""

    def left(self, most: float = STALL) -> float:
        return min(most, STALL)


_STALLING = _Stalling()


class MediaHost:
    """May be used by many threads at once."""

    def __init__(self, *, seconds: float, proxy: Proxy | None = None, trusted: ssl.SSLContext | None = None) -> None:
        """`seconds`: how long all of a download may take. `proxy`: the way of files whose session has none, a
        sandbox's say."""
        self._seconds = seconds
        self._usual = proxy
        self._trusted = trusted or usual_trust()
        self._lock = threading.Lock()
        self._pools: OrderedDict[Proxy | None, httpcore.ConnectionPool] = OrderedDict()

    @contextmanager
    def open(
        self, direct_path: str, url: str, *, hash_: bytes, kind: str, limit: int, proxy: Proxy | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The pieces of an encrypted file, `limit` bytes at most, through the `proxy` of its session, if that has one.
        `hash_` is that of the encrypted file.

        Raises FetchError, permanent when the file is gone (`details["gone"]`), and InvalidInput for an address that is
        not WhatsApp's, or a file that is too large (`details["limit"]`).
        """
        try:
            address, pool = _address(direct_path, url, hash_, kind), self._pool(proxy or self._usual)
            with pool.stream("GET", address, headers=_HEADERS, extensions=_TIMEOUTS) as answer:
                _check(answer)
                if _size(answer) > limit:
                    raise _too_large(limit)
                yield self._pieces(answer, limit)
        except httpcore.TimeoutException as error:
            raise FetchError("WhatsApp's media host did not send the file in time") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise FetchError(f"WhatsApp's media host did not send the file: {error or type(error).__name__}") from error

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _pool(self, proxy: Proxy | None) -> httpcore.ConnectionPool:
        """The connections of one way; those of the way that was not used for the longest are given up for a new one,
        as long as nobody uses them."""
        with self._lock:
            if proxy not in self._pools:
                oldest = next(iter(self._pools.values()), None)
                if oldest is not None and len(self._pools) >= WAYS and not oldest.connections:
                    self._pools.popitem(last=False)
                way = Way(proxy, _STALLING, trusted=self._trusted) if proxy else None
                self._pools[proxy] = httpcore.ConnectionPool(
                    self._trusted, max_connections=None, keepalive_expiry=KEPT_ALIVE, network_backend=way
                )
            self._pools.move_to_end(proxy)
            return self._pools[proxy]

    def _pieces(self, answer: httpcore.Response, limit: int) -> Iterator[bytes]:
        """A host that sends a byte now and then gets no more time by it."""
        left, deadline = limit, time.monotonic() + self._seconds
        for piece in answer.iter_stream():
            left -= len(piece)
            if left < 0:
                raise _too_large(limit)
            if time.monotonic() > deadline:
                raise FetchError("WhatsApp's media host did not send the file in time")
            yield piece


def _address(direct_path: str, url: str, hash_: bytes, kind: str) -> str:
    """The path is signed by WhatsApp and holds a query already; the URL is for messages that have no path."""
    if _PATH.fullmatch(direct_path) and not direct_path.startswith("//"):
        token = base64.urlsafe_b64encode(hash_).decode()
        mark = "&" if "?" in direct_path else "?"
        return f"https://{HOST}{direct_path}{mark}hash={token}&mms-type={kind}&__wa-mms="
    try:
        parts = urlsplit(url)
        is_whatsapps = parts.scheme == "https" and _HOSTS.fullmatch(parts.netloc) is not None
    except ValueError:
        is_whatsapps = False
    if not is_whatsapps:
        raise InvalidInput("The message does not say where its file is")
    return url


def _size(answer: httpcore.Response) -> int:
    """What it says that it will be."""
    said = next((value for name, value in answer.headers if name.lower() == b"content-length"), b"0")
    return int(said)


def _check(answer: httpcore.Response) -> None:
    status = answer.status
    if status in _GONE:
        raise FetchError(f"WhatsApp has the file no longer: HTTP {status}", permanent=True, status=status, gone=True)
    if status != 200:
        raise FetchError(f"WhatsApp's media host answered HTTP {status}", status=status)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput(f"the file is larger than {limit} bytes", limit=limit)

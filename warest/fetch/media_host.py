"""WhatsApp's media host: what a message says is there, as it lies there, encrypted.

The sender of a message wrote where its file is. So only WhatsApp's own hosts are asked, whatever it says; redirects are
not followed. Facts: whatsmeow's `download.go`.
"""

import base64
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from warest.errors import FetchError, InvalidInput

HOST = "mmg.whatsapp.net"

#: How long the host may say nothing, s.
STALL = 30.0

#: What it answers for a file that it has no longer, and will not have again.
_GONE = frozenset({403, 404, 410})

_PATH = re.compile(r"/[!-~]{1,4000}")

_HOSTS = re.compile(r"[a-z0-9.-]+\.whatsapp\.net")

_HEADERS = {"Origin": "https://web.whatsapp.com", "Referer": "https://web.whatsapp.com/", "Accept-Encoding": "identity"}


class MediaHost:
    """May be used by many threads at once."""

    def __init__(self, *, seconds: float, proxy: str = "", trusted: ssl.SSLContext | None = None) -> None:
        """`seconds`: how long all of a download may take. With a `proxy`, a sandbox's say, nothing goes another way;
        without, `HTTPS_PROXY` of the environment counts, as it does for the engine."""
        self._seconds = seconds
        self._http = httpx.Client(
            proxy=proxy or None,
            trust_env=not proxy,
            verify=trusted or True,
            timeout=httpx.Timeout(STALL, connect=10.0),
            headers=_HEADERS,
        )

    @contextmanager
    def open(self, direct_path: str, url: str, *, hash_: bytes, kind: str, limit: int) -> Iterator[Iterator[bytes]]:
        """The pieces of an encrypted file, `limit` bytes at most. `hash_` is that of the encrypted file.

        Raises FetchError, permanent when the file is gone (`details["gone"]`), and InvalidInput for an address that is
        not WhatsApp's, or a file that is too large (`details["limit"]`).
        """
        try:
            with self._http.stream("GET", _address(direct_path, url, hash_, kind)) as answer:
                _check(answer)
                if int(answer.headers.get("content-length", "0")) > limit:
                    raise _too_large(limit)
                yield self._pieces(answer, limit)
        except httpx.TimeoutException as error:
            raise FetchError("WhatsApp's media host did not send the file in time") from error
        except httpx.HTTPError as error:
            raise FetchError(f"WhatsApp's media host did not send the file: {error or type(error).__name__}") from error

    def close(self) -> None:
        self._http.close()

    def _pieces(self, answer: httpx.Response, limit: int) -> Iterator[bytes]:
        """A host that sends a byte now and then gets no more time by it."""
        left, deadline = limit, time.monotonic() + self._seconds
        for piece in answer.iter_raw():
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


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status in _GONE:
        raise FetchError(f"WhatsApp has the file no longer: HTTP {status}", permanent=True, status=status, gone=True)
    if status != 200:
        raise FetchError(f"WhatsApp's media host answered HTTP {status}", status=status)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput(f"the file is larger than {limit} bytes", limit=limit)

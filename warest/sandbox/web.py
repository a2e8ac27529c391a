"""As much of HTTP/1.1 as the sandbox's port needs: requests with a Content-Length, answers in JSON."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from warest.errors import InvalidInput

_MAX_BODY = 1 << 20
#: Of what sends a file: 16 MB in base64, and words.
_MAX_MEDIA_BODY = 24 << 20

#: Bytes of an answer that are written at a time.
_PIECE = 256 * 1024

#: How the port may be called in `Host:`.
_HOSTS = frozenset({"127.0.0.1", "localhost"})


class BadRequest(Exception):
    """These bytes are no request that can be answered; the connection is closed behind the answer."""


@dataclass(frozen=True)
class Request:
    method: str
    #: The path's segments, decoded; of `CONNECT host:port` the single one `host:port`.
    path: tuple[str, ...]
    query: dict[str, str]
    body: bytes
    keep_alive: bool

    def json(self) -> dict[str, Any]:
        try:
            data = json.loads(self.body)
        except ValueError as error:
            raise InvalidInput(f"The body is not JSON: {error}.") from error
        if not isinstance(data, dict):
            raise InvalidInput("The body must be a JSON object.")
        return data

    def text(self, name: str) -> str:
        """A text that the body must have."""
        value = self.json().get(name)
        if not isinstance(value, str) or not value:
            raise InvalidInput(f'The body needs "{name}", a text that is not empty.')
        return value

    def number(self, name: str, default: float) -> float:
        """A number of the query that is not negative."""
        try:
            value = float(self.query.get(name, default))
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise InvalidInput(f"{name}= must be a number that is not negative.")
        return value


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, or None when the client has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequest("The request ends too early.") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("The head of the request is too long.") from error
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    try:
        method, target, version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        size = int(headers.get("content-length", 0))
    except ValueError as error:
        raise BadRequest("This is no HTTP/1.1 request.") from error
    limit = _MAX_MEDIA_BODY if target.endswith("/media") else _MAX_BODY
    if "transfer-encoding" in headers or not 0 <= size <= limit:
        raise BadRequest(f"A body needs a Content-Length of at most {limit}.")
    body = await reader.readexactly(size) if size else b""
    keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if method == "CONNECT":
        return Request(method, (target,), {}, body, keep_alive=False)
    if headers.get("host", "").rpartition(":")[0] not in _HOSTS:
        # A page in somebody's browser may reach loopback under a name of its own.
        raise BadRequest(f"Ask for {' or '.join(sorted(_HOSTS))} with the port.")
    path, _, query = target.partition("?")
    segments = tuple(unquote(part) for part in path.split("/") if part)
    return Request(method, segments, dict(parse_qsl(query)), body, keep_alive)


def answer(status: int, data: Any, mimetype: str = "", *, keep_alive: bool = False) -> Iterator[bytes | memoryview]:
    """Head and body, in pieces; what has a MIME type is sent as it is, all other data in JSON."""
    body: bytes | bytearray = data if mimetype else json.dumps(data, ensure_ascii=False).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: {mimetype or 'application/json'}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    yield head.encode()
    for start in range(0, len(body), _PIECE):
        yield memoryview(body)[start : start + _PIECE]

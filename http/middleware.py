"""What happens to every request: id, origin, path, small body; then (gate.py) key; large body; gzip on the way out.

Facts: contract, endpoints.md 0.1; decisions 21, 22 and 30.
"""

import gzip
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import falcon
import orjson

from warest import traces
from warest.config.settings import Settings
from warest.http.errors import Rejection
from warest.ids import new_ulid

#: Bodies up to this size are read before anybody asks who sends them, bytes.
EARLY_BODY = 2 * 1024 * 1024

#: Routes that take more.
_SENDING = "/api/v1/messages/send/"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """A name for the request, the caller's own if it sends one; in logs and in the answer."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        given = request.get_header("X-Request-Id") or ""
        request.context.id = given if _REQUEST_ID.fullmatch(given) else new_ulid()
        request.context.body = None
        response.set_header("X-Request-Id", request.context.id)
        traces.begin(request=request.context.id)


class Gzip:
    """Every answer is compressed for whoever takes it, whatever its size."""

    def process_response(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        response.append_header("Vary", "Origin, Accept-Encoding")
        if not _takes_gzip(request.get_header("Accept-Encoding") or "") or response.stream is not None:
            return
        if body := response.render_body():
            response.data, response.text, response.media = gzip.compress(body, compresslevel=1, mtime=0), None, None
            response.set_header("Content-Encoding", "gzip")


def _takes_gzip(accepted: str) -> bool:
    """`gzip;q=0` means: anything but that."""
    offers = (offer.replace(" ", "").lower() for offer in accepted.split(","))
    return any(
        name == "gzip" and not re.fullmatch(r"q=0(\.0*)?", q) for name, _, q in (o.partition(";") for o in offers)
    )


class Cors:
    """Browsers may call from the origins of the settings and from this server's own (quirk Q23)."""

    def __init__(self, settings: Settings) -> None:
        named = [_origin(part.strip()) for part in settings.allowed_origins.split(",")]
        self._allowed = {*filter(None, named), _origin(settings.origin), f"http://localhost:{settings.port}"}

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        origin = request.get_header("Origin")
        if origin is not None:
            self._allow(origin, request, response)
        if request.method == "OPTIONS":
            response.set_header("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,OPTIONS")
            response.set_header("Access-Control-Allow-Headers", "Content-Type,X-WAREST-API-KEY,Authorization")
            response.set_header("Access-Control-Max-Age", "86400")
            response.status, response.complete = 204, True

    def _allow(self, origin: str, request: falcon.Request, response: falcon.Response) -> None:
        known = _origin(origin)
        own = known.partition("://")[2] == request.netloc.lower()
        if not (own or "*" in self._allowed or known in self._allowed):
            raise Rejection(403, f"CORS not allowed: {origin}")
        response.set_header("Access-Control-Allow-Origin", origin)
        response.set_header("Access-Control-Allow-Credentials", "true")


def _origin(url: str) -> str:
    """What browsers call the origin of a URL; whatever is none stays what it is."""
    try:
        parts = urllib.parse.urlsplit(url.lower())
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else url


class AnyCase:
    """Paths match whatever their case. Only their fixed parts are folded: a session id keeps its capitals."""

    def __init__(self) -> None:
        self._templates: list[tuple[re.Pattern[str], str]] = []

    def learn(self, template: str) -> None:
        """Remember a route that has parts to keep, such as `/api/v1/session/{sessionId}/config`, or, with slashes in
        it, `/storages/{key:path}`."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        pattern = re.sub(r"\\{(\w+):path\\}", r"(?P<\1>.+)", pattern)
        self._templates.append((re.compile(pattern, re.IGNORECASE), template.replace(":path}", "}")))

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        for pattern, template in self._templates:
            if match := pattern.fullmatch(request.path):
                request.path = template.format(**match.groupdict())
                return


class HeadAsGet:
    """HEAD works wherever GET exists."""

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        if request.method == "HEAD":
            request.context.is_head, request.method = True, "GET"

    def process_response(self, request: falcon.Request, *_: Any) -> None:
        if getattr(request.context, "is_head", False):
            request.method = "HEAD"  # so that Falcon leaves the body out


class Body:
    """Parameters in the body of any method, GET and DELETE too: JSON, or a form (quirk Q12).

    Large bodies, and those that do not say how large they are, wait until the caller has shown a key (decision 22).
    Only the routes that send take them.
    """

    def __init__(self, settings: Settings) -> None:
        self._largest = int(settings.json_limit_mb * 1024 * 1024)

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        if _parser(request) is None or request.content_length is None:
            return
        if request.content_length > self._limit(request):
            raise _too_large()
        if request.content_length <= EARLY_BODY:
            request.context.body = self._read(request)

    def process_resource(self, request: falcon.Request, *_: Any) -> None:
        if _parser(request) and request.context.body is None:
            request.context.body = self._read(request)

    def process_response(self, request: falcon.Request, *_: Any) -> None:
        """What nobody wanted is read now: gunicorn would hang up on a caller who is still sending, and who would then
        not get the answer, nor know that the connection is of no more use."""
        if (request.content_length or 0) <= EARLY_BODY:
            _stream(request).read(EARLY_BODY)

    def _limit(self, request: falcon.Request) -> int:
        return self._largest if request.path.startswith(_SENDING) else EARLY_BODY

    def _read(self, request: falcon.Request) -> Any:
        limit, parse = self._limit(request), _parser(request)
        data = _stream(request).read(limit + 1)
        if len(data) > limit:
            raise _too_large()
        return parse(data) if data and parse else None


def _stream(request: falcon.Request) -> Any:
    return request.stream if request.content_length is None else request.bounded_stream


def _too_large() -> Rejection:
    return Rejection(413, "request entity too large")


def _parser(request: falcon.Request) -> Callable[[bytes], Any] | None:
    return _PARSERS.get((request.content_type or "").partition(";")[0].strip().lower())


def _json(data: bytes) -> Any:
    """An object or an array; like the original's parser it takes nothing else for JSON."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Rejection(400, f"The body is not JSON: {error}") from None
    if not isinstance(value, dict | list):
        raise Rejection(400, "The body is not JSON: neither an object nor an array")
    return value


def _form(data: bytes) -> Any:
    return falcon.uri.parse_query_string(data.decode(errors="replace"), keep_blank=True)


_PARSERS: dict[str, Callable[[bytes], Any]] = {"application/json": _json, "application/x-www-form-urlencoded": _form}

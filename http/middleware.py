"""What happens to every request: id, origin, path, small body; then key and large body; gzip on the way out.

Facts: contract, endpoints.md 0.1 and 0.3; decisions 21, 22 and 30.
"""

import gzip
import re
import urllib.parse
from typing import Any

import falcon
import orjson

from warest.config.settings import Settings
from warest.http.errors import Rejection
from warest.http.operation import Access
from warest.ids import new_ulid
from warest.store import Account, Store

#: Bodies up to this size are read before anybody asks who sends them, bytes.
EARLY_BODY = 2 * 1024 * 1024

_KEY_HEADERS = ("X-WAREST-API-KEY", "X-API-KEY", "API-KEY")
_KEY_QUERIES = ("api_key", "apikey", "apiKey")
_KEY_SCHEMES = ("Bearer ", "Token ", "APIKey ")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """A name for the request, the caller's own if it sends one; in logs and in the answer."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        given = request.get_header("X-Request-Id") or ""
        request.context.id = given if _REQUEST_ID.fullmatch(given) else new_ulid()
        request.context.body = None
        response.set_header("X-Request-Id", request.context.id)


class Gzip:
    """Every answer is compressed for whoever takes it, whatever its size."""

    def process_response(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        response.append_header("Vary", "Origin, Accept-Encoding")
        if "gzip" not in (request.get_header("Accept-Encoding") or "") or response.stream is not None:
            return
        if body := response.render_body():
            response.data, response.text, response.media = gzip.compress(body, compresslevel=1, mtime=0), None, None
            response.set_header("Content-Encoding", "gzip")


class Cors:
    """Browsers may call from the origins of the settings and from this server's own (quirk Q23)."""

    def __init__(self, settings: Settings) -> None:
        named = [origin.strip().rstrip("/") for origin in settings.allowed_origins.split(",")]
        self._allowed = {*filter(None, named), settings.origin, f"http://localhost:{settings.port}"}

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        origin = request.get_header("Origin")
        if origin is None:
            return
        own = urllib.parse.urlsplit(origin).netloc == request.netloc
        if not (own or "*" in self._allowed or origin in self._allowed):
            raise Rejection(403, f"CORS not allowed: {origin}")
        response.set_header("Access-Control-Allow-Origin", origin)
        response.set_header("Access-Control-Allow-Credentials", "true")
        if request.method == "OPTIONS":
            response.set_header("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,OPTIONS")
            response.set_header("Access-Control-Allow-Headers", "Content-Type,X-WAREST-API-KEY,Authorization")
            response.set_header("Access-Control-Max-Age", "86400")
            response.status, response.complete = 204, True


class AnyCase:
    """Paths match whatever their case. Only their fixed parts are folded: a session id keeps its capitals."""

    def __init__(self) -> None:
        self._templates: list[tuple[re.Pattern[str], str]] = []

    def learn(self, template: str) -> None:
        """Remember a route that has parts to keep, such as `/api/v1/session/{sessionId}/config`."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        self._templates.append((re.compile(pattern, re.IGNORECASE), template))

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        if request.path == request.path.lower():
            return
        for pattern, template in self._templates:
            if match := pattern.fullmatch(request.path):
                request.path = template.format(**match.groupdict())
                return
        request.path = request.path.lower()


class HeadAsGet:
    """HEAD works wherever GET exists."""

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        if request.method == "HEAD":
            request.context.is_head, request.method = True, "GET"

    def process_response(self, request: falcon.Request, *_: Any) -> None:
        if getattr(request.context, "is_head", False):
            request.method = "HEAD"  # so that Falcon leaves the body out


class JsonBody:
    """JSON of any method, GET and DELETE too. Large bodies wait until the caller has shown a key (decision 22)."""

    def __init__(self, settings: Settings) -> None:
        self._limit = int(settings.json_limit_mb * 1024 * 1024)

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        if is_json(request) and (request.content_length or 0) <= EARLY_BODY:
            request.context.body = self._read(request, EARLY_BODY)

    def process_resource(self, request: falcon.Request, *_: Any) -> None:
        if is_json(request) and (request.content_length or 0) > EARLY_BODY:
            request.context.body = self._read(request, self._limit)

    def _read(self, request: falcon.Request, limit: int) -> Any:
        if (request.content_length or 0) > limit:
            raise Rejection(413, "request entity too large")
        stream = request.stream if request.content_length is None else request.bounded_stream
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise Rejection(413, "request entity too large")
        try:
            return orjson.loads(data) if data else None
        except orjson.JSONDecodeError as error:
            raise Rejection(400, f"The body is not JSON: {error}") from None


def is_json(request: falcon.Request) -> bool:
    return (request.content_type or "").partition(";")[0].strip().lower() == "application/json"


class ApiKey:
    """Who calls, and whether the route is for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def process_resource(self, request: falcon.Request, _: falcon.Response, resource: Any, __: Any) -> None:
        operation = getattr(getattr(resource, f"on_{request.method.lower()}", None), "operation", None)
        if operation is None:
            return
        request.context.family = operation.family
        if operation.access is Access.PUBLIC:
            return
        request.context.account = self.account(request)
        if operation.access is Access.ADMIN and not request.context.account.is_admin:
            raise Rejection(403, "Admin only")

    def account(self, request: falcon.Request) -> Account:
        key = key_of(request)
        if not key:
            raise Rejection(401, "Missing X-WAREST-API-KEY")
        account = self._store.account_by_key(key)
        if account is None:
            raise Rejection(401, "Invalid X-WAREST-API-KEY")
        return account


def key_of(request: falcon.Request) -> str:
    """The first place that holds a key wins, even when that key is wrong."""
    for name in _KEY_HEADERS:
        if value := request.get_header(name):
            return value
    for name in _KEY_QUERIES:
        if value := request.get_param(name):
            return value
    authorization = request.get_header("Authorization") or ""
    return next((authorization[len(kind) :] for kind in _KEY_SCHEMES if authorization.startswith(kind)), "")

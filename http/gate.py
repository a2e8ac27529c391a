"""Who calls, whether the route is for them, and whether they call too often.

Facts: contract, endpoints.md 0.3 and 0.4; quirks Q1 and Q22. The order is the contract's: key, calls of the key, body,
recipient, quota.
"""

import hmac
import logging
import re
import threading
import time
from typing import Any, NoReturn
from urllib.parse import quote

import falcon
import orjson

from warest.config.settings import Settings
from warest.errors import WarestError
from warest.http.clients import counts_at
from warest.http.codes import Code
from warest.http.errors import Rejection
from warest.http.operation import Access
from warest.http.scopes import scope_of
from warest.limits import Limits, Verdict, Window
from warest.logins import UiSessions
from warest.scopes import Scope
from warest.store import Account, ApiKeyRecord, Store

log = logging.getLogger(__name__)

#: The name that the original gave its cookie: pages of other origins know it.
COOKIE = "WAREST_DOCS_SESSION"

_KEY_HEADERS = ("X-WAREST-API-KEY", "X-API-KEY", "API-KEY")
_KEY_QUERIES = ("api_key", "apikey", "apiKey")
_KEY_SCHEMES = ("Bearer ", "Token ", "APIKey ")

#: How long somebody who has guessed too often waits for each further refusal, s.
HELD_FOR = 0.01

_FOR_ADMINS = (Access.ADMIN, Access.METRICS)

_COSTS_QUOTA = re.compile(r"/api/v1/(server|messages|chats)(/|$)")

#: Sends whose recipient is looked at; a file on its way to a route that reads it raw has none yet.
_SENDS = re.compile(r"/api/v1/messages/send/(?!file|media|audio|document|sticker|gif)")


class Gate:
    """Lets in whoever has a key that is right, and has not called too often: counted once a request (quirk Q1)."""

    def __init__(self, settings: Settings, store: Store, limits: Limits, sessions: UiSessions) -> None:
        self._store = store
        self._limits = limits
        self._sessions = sessions
        self._rate = Window(settings.rate_max, settings.rate_window_ms)
        self._guesses = settings.guesses_max
        self._held = threading.BoundedSemaphore(max(1, settings.web_threads // 4))
        self._metrics_token = settings.metrics_token.encode()

    def process_resource(
        self, request: falcon.Request, response: falcon.Response, resource: Any, _: dict[str, str]
    ) -> None:
        responder = getattr(resource, f"on_{request.method.lower()}", None)
        if responder is None:
            self.refuse_unknown(request, response)
        if getattr(responder, "access", None) is Access.READER:
            self._admit_reader(request)
        operation = getattr(responder, "operation", None)
        if operation is None:
            return
        request.context.family = operation.family
        by_cookie = operation.access is Access.READER and cookie_of(request) and not key_of(request)
        if operation.access is Access.PAGE or by_cookie:
            request.context.account = self._by_cookie(request)
        elif operation.access is Access.METRICS and self._is_monitor(request):
            return
        elif operation.access is not Access.PUBLIC:
            self._admit(request, response, admins_only=operation.access in _FOR_ADMINS)
            request.context.scope = scope_of(request.method, request.uri_template or "")
            _limit(request.context.key, request.context.scope)

    def refuse_unknown(self, request: falcon.Request, response: falcon.Response) -> NoReturn:
        """Under /api/v1 even an unknown path asks for a key first, and under /api/v1/server for an admin's."""
        path = f"{request.path.lower()}/"
        if path.startswith("/api/v1/"):
            self._admit(request, response, admins_only=path.startswith("/api/v1/server/"))
        raise Rejection(404, f"Cannot {request.method} {request.path}")

    def of_key(
        self, request: falcon.Request, key: str, refusal: str, rate: Window | None = None
    ) -> tuple[ApiKeyRecord, Verdict]:
        """What the key opens. Raises Rejection with this refusal, or with 429 where keys are guessed; one at an address
        that it is not for is as good as wrong, so that nobody who has found it learns that it is right."""
        if wait := self._limits.shut_out(request.context.client, key):
            self._slow_down()
            raise _too_many(wait)
        holder, address = self._store.api_keys.holder(key), request.context.address
        if holder is None or not counts_at(holder.addresses, address):
            self.count_guess(request)
            raise Rejection(401, refusal)
        verdict = self._limits.enter(request.context.client, key, self._guesses, rate)
        if verdict.wait:
            raise _too_many(verdict.wait)
        self._note(holder, address)
        return holder, verdict

    def count_guess(self, request: falcon.Request) -> None:
        """A key, or whatever else lets somebody in, was wrong. Raises Rejection with 429 where they are guessed."""
        if wait := self._limits.guess(request.context.client, self._guesses):
            raise _too_many(wait)

    def _slow_down(self) -> None:
        """Whoever floods us waits a little for each answer; some do at a time, so that threads are left for others."""
        if self._held.acquire(blocking=False):
            try:
                time.sleep(HELD_FOR)
            finally:
                self._held.release()

    def _admit(self, request: falcon.Request, response: falcon.Response, *, admins_only: bool) -> None:
        key = key_of(request)
        if not key:
            raise Rejection(401, "Missing X-WAREST-API-KEY")
        holder, verdict = self.of_key(request, key, "Invalid X-WAREST-API-KEY", self._rate)
        _tell(response, "RateLimit", verdict)
        if verdict.is_over:
            raise Rejection(429, "Too many requests")
        if admins_only and not (holder.owner.is_admin and holder.owner.only is None):
            raise Rejection(403, "Admin only")
        request.context.account, request.context.key, request.context.counted_as = holder.owner, holder, key
        request.context.may_go_on = lambda: self._store.api_keys.holder(key) is not None

    def _note(self, key: ApiKeyRecord, address: str) -> None:
        """Nobody is turned away because that cannot be written down."""
        try:
            self._store.api_keys.used(key, address)
        except WarestError as error:
            log.warning("when a key was used last is not noted: %s", error.message)

    def _is_monitor(self, request: falcon.Request) -> bool:
        """Any other token is taken for a key."""
        return bool(self._metrics_token) and hmac.compare_digest(key_of(request).encode(), self._metrics_token)

    def _admit_reader(self, request: falcon.Request) -> None:
        login = f"/login?next={quote(request.path, safe='')}"
        if key := key_of(request):
            holder, _ = self.of_key(request, key, "LOGIN_REQUIRED")
            request.context.account = holder.owner
        else:
            request.context.account = self._by_cookie(request, login)

    def _by_cookie(self, request: falcon.Request, login: str = "/login") -> Account:
        token = cookie_of(request)
        registry = self._sessions.registry_of(token)
        account = self._store.account(registry) if registry else None
        if account is None:
            raise Rejection(401, "LOGIN_REQUIRED", login=login)
        request.context.may_go_on = lambda: self._sessions.registry_of(token) is not None
        return account


class SpamGuard:
    """Quota, and a pause between sends to the same recipient."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self._limits = limits
        self._quota = Window(settings.quota_max, settings.quota_window_ms)
        self._cooldown_ms = settings.cooldown_ms

    def process_resource(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        key = getattr(request.context, "counted_as", None)
        if key is None or not _COSTS_QUOTA.match(request.path):
            return
        verdict = self._limits.spend(key, _recipient(request), self._quota, self._cooldown_ms)
        if verdict.wait:
            raise Rejection(429, "Recipient cooldown", retryAfter=verdict.wait)
        _tell(response, "Quota", verdict)
        if verdict.is_over:
            raise Rejection(429, "Quota exceeded")


def _limit(key: ApiKeyRecord, needed: Scope) -> None:
    if needed not in key.scopes:
        number = Code.INSUFFICIENT_SCOPE.number
        raise Rejection(403, f"This key is not for that: it lacks the scope {needed}", code=number)


def _recipient(request: falcon.Request) -> str | None:
    """Whom a send names in its body, as it stands there."""
    body = request.context.body
    to = body.get("to") if isinstance(body, dict) and _SENDS.match(request.path) else None
    return orjson.dumps(to).decode() if to else None


def _tell(response: falcon.Response, what: str, verdict: Verdict) -> None:
    if verdict.count is not None:
        for name, value in (("Limit", verdict.limit), ("Remaining", verdict.remaining), ("Reset", verdict.reset)):
            response.set_header(f"X-{what}-{name}", str(value))


def _too_many(wait: int) -> Rejection:
    return Rejection(429, "Too many requests", retryAfter=wait)


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


def cookie_of(request: falcon.Request) -> str:
    """The token in the page's cookie; of several the first."""
    return next(iter(request.get_cookie_values(COOKIE) or []), "")

"""/api/auth: log in with name and password, or with a key, and out again.

Facts: contract, endpoints.md section 1; decisions 28 and 29; quirks S12 to S14.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import falcon
from pydantic import Field

from warest import accounts
from warest.config.settings import Settings
from warest.errors import WarestError
from warest.http.codes import Code
from warest.http.errors import Family, Rejection
from warest.http.gate import COOKIE, Gate, cookie_of
from warest.http.operation import Access, Answer, Parameters, Result, Word, operation
from warest.logins import UI_SESSION, Lockout, UiSessions
from warest.store import Account, Store

log = logging.getLogger(__name__)


class Credentials(Parameters):
    json_only = True

    username: Word = None
    password: Word = None


class KeyInBody(Parameters):
    json_only = True

    api_key: Word = Field(None, alias="apiKey")
    token: Word = None


class LoggedIn(Result):
    apiKey: str
    role: str
    isAdmin: bool
    username: str
    registry: str


class Known(Result):
    ok: bool
    username: str
    role: str
    isAdmin: bool


class Done(Result):
    ok: bool


@dataclass(frozen=True)
class Auth:
    """What the resources of this noun share."""

    settings: Settings
    store: Store
    lockout: Lockout
    sessions: UiSessions
    gate: Gate
    admin_key: str

    def authenticate(self, request: falcon.Request, username: str, password: str) -> Account:
        """Whose name and password these are. Raises Rejection with 401, or with 429 where they are guessed."""
        address = request.context.client
        attempt = self.lockout.attempt(address, username)
        if not attempt.is_allowed:
            raise _locked(attempt.wait)
        account = accounts.log_in(self.store, username, password)
        if account is None and attempt.wait:
            self.note(None, "login locked", request, username)
            raise _locked(attempt.wait)
        if account is None:
            raise Rejection(401, "Invalid credentials")
        self.lockout.clear(address, username)
        return account

    def note(self, who: Account | None, action: str, request: falcon.Request, target: str = "") -> None:
        """In the audit trail; a login is not refused because that is out of reach."""
        try:
            self.store.audit.append(who, action, target=target, address=request.context.address)
        except WarestError as error:
            log.error("%s is not in the audit trail: %s", action, error)

    def begin(self, request: falcon.Request, account: Account) -> None:
        """A UI session, in place of the one that the cookie names."""
        self.end(request)
        request.context.cookie = self.sessions.begin(account.registry)

    def end(self, request: falcon.Request) -> None:
        """The cookie goes, and is worth nothing from now on even to whoever has copied it."""
        request.context.cookie = ""
        if token := cookie_of(request):
            self.sessions.end(token)


class PageCookie:
    """Writes the cookie that a resource has left in the request; it may have refused the request after that."""

    def process_response(self, request: falcon.Request, response: falcon.Response, *_: Any) -> None:
        token = getattr(request.context, "cookie", None)
        if token is None:
            return
        lifetime = f"Max-Age={UI_SESSION if token else 0}; Path=/"
        secure = "; Secure" if request.context.is_https else ""  # over HTTP the browser would drop it (quirk Q23)
        response.append_header("Set-Cookie", f"{COOKIE}={token}; {lifetime}; HttpOnly; SameSite=Lax{secure}")


class Login:
    """/api/auth/login"""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    @operation(
        "Log in with name and password, and get an API key",
        family=Family.E4,
        access=Access.PUBLIC,
        parameters=Credentials,
        result=LoggedIn,
        codes=(Code.UNAUTHORIZED,),
    )
    def on_post(self, request: falcon.Request, parameters: Credentials) -> Answer:
        with failing_as("login failed"):
            self._auth.end(request)
            username, password = (parameters.username or "").strip(), (parameters.password or "").strip()
            if not (username and password):
                raise Rejection(400, "username/password required")
            account = self._auth.authenticate(request, username, password)
            key = accounts.key_after_login(
                self._auth.store,
                account,
                self._auth.admin_key,
                name=f"login from {request.context.client}",
                days=self._auth.settings.login_key_days,
            )
            self._auth.begin(request, account)
            self._auth.note(account, "login", request)
        known = LoggedIn(
            apiKey=key,
            role=role_of(account),
            isAdmin=account.is_admin,
            username=account.username,
            registry=account.registry,
        )
        return Answer(known.model_dump(), "Logged in")


class Logout:
    """/api/auth/logout"""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    @operation("Log out on this page; keys stay valid", family=Family.E4, access=Access.PUBLIC, result=Done)
    def on_post(self, request: falcon.Request, parameters: Parameters) -> Answer:
        self._auth.end(request)
        return Answer({"ok": True}, "Logged out")


class Session:
    """/api/auth/session"""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    @operation(
        "Log in on this page with an API key",
        family=Family.E4,
        access=Access.PUBLIC,
        parameters=KeyInBody,
        result=Known,
        codes=(Code.UNAUTHORIZED,),
    )
    def on_post(self, request: falcon.Request, parameters: KeyInBody) -> Answer:
        with failing_as("sync failed"):
            key = _given_key(request) or parameters.api_key or parameters.token
            if not key:
                raise Rejection(400, "apiKey required")
            holder, _ = self._auth.gate.of_key(request, key, "Invalid apiKey")
            if holder.is_limited:
                raise Rejection(403, "This key is limited: log in with name and password, or with another key")
            self._auth.begin(request, holder.owner)
        return _known(holder.owner)

    @operation("Who has logged in on this page", family=Family.E4, access=Access.PAGE, result=Known)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        return _known(request.context.account)


def role_of(account: Account) -> str:
    return "admin" if account.is_admin else "user"


def _known(account: Account) -> Answer:
    known = Known(ok=True, username=account.username, role=role_of(account), isAdmin=account.is_admin)
    return Answer(known.model_dump(), "Known")


def _given_key(request: falcon.Request) -> str:
    """From the header; here `bearer` may be written in any case."""
    scheme, _, token = (request.get_header("Authorization") or "").partition(" ")
    return request.get_header("X-WAREST-API-KEY") or (token.strip() if scheme.lower() == "bearer" else "")


def _locked(wait: int) -> Rejection:
    return Rejection(429, f"Too many attempts. Try again in {wait}s", retryAfter=wait)


@contextmanager
def failing_as(message: str) -> Iterator[None]:
    """Trouble of ours is told in the contract's words; what it was is in the log."""
    try:
        yield
    except Rejection:
        raise
    except Exception:
        log.exception(message)
        raise Rejection(500, message) from None

"""Error class -> HTTP status, code and envelope: the one place that knows.

Four envelopes are told apart by clients (contract, endpoints.md 0.2):
E1 `{status, code, message, results: []}`, E2 the same with `results: null`, E3 with a single `result: null`, and
E4 `{error}` for whatever happens before a route is reached, and for logins, whose answers have no envelope at all.
"""

import logging
from enum import Enum
from typing import Any

import falcon

from warest import errors
from warest.http.codes import Code

log = logging.getLogger(__name__)


class Family(Enum):
    """What an answer looks like, by the noun of the URL."""

    E1 = "E1"  # server, session, profile, group, misc
    E2 = "E2"  # messages
    E3 = "E3"  # chats
    E4 = "E4"  # auth


class Refusal(errors.WarestError):
    """A request that a resource refuses with a code of its own choice; `retry_after`: for so many seconds."""

    def __init__(
        self, code: Code, message: str, results: list[Any] | None = None, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message, **({"retry_after": retry_after} if retry_after else {}))
        self.app_code = code
        self.results = results


class Rejection(errors.WarestError):
    """A request that is turned away before it reaches a resource: envelope E4."""

    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.extra = extra


#: The most special class first.
CODES: tuple[tuple[type[errors.WarestError], Code], ...] = (
    (errors.InvalidInput, Code.BAD_REQUEST),
    (errors.NotAllowed, Code.FORBIDDEN),
    (errors.NotFound, Code.NOT_FOUND),
    (errors.Conflict, Code.INVALID_STATE),
    (errors.SessionBusy, Code.CONCURRENCY_LIMIT),
    (errors.RateLimited, Code.RATE_LIMITED),
    (errors.NeverBegun, Code.TIMEOUT),
    (errors.NotConnected, Code.SESSION_NOT_LOGGED_IN),
    (errors.WhatsAppRefused, Code.DOWNSTREAM_ERROR),
    (errors.CommandTimeout, Code.QUEUED),
    (errors.FetchError, Code.DOWNSTREAM_ERROR),
    (errors.DriverError, Code.SERVICE_UNAVAILABLE),
    (errors.Unsupported, Code.NOT_IMPLEMENTED),
)

#: Our fault, not the caller's. What went wrong is in the log, under the request's id, and never in the answer.
_OURS = {
    Code.INTERNAL_ERROR: "Internal server error",
    Code.SERVICE_UNAVAILABLE: "Service unavailable, try again later",
}

#: Where messages and chats differ: a session that is not open is as good as none there (W2).
MESSAGE_CODES: tuple[tuple[type[errors.WarestError], Code], ...] = (
    (errors.NotConnected, Code.SESSION_NOT_FOUND),
    (errors.WhatsAppRefused, Code.SEND_FAILED),
)


def envelope(family: Family, code: Code, message: str, results: Any) -> Any:
    if family is Family.E4:
        return results if code.http < 300 else {"error": message}
    key = "result" if family is Family.E3 else "results"
    return {"status": code.http < 300, "code": code.number, "message": message, key: results}


def render(family: Family, error: errors.WarestError) -> tuple[int, Any]:
    """HTTP status and body of an error that a resource raised."""
    code = code_of(family, error)
    if code is Code.QUEUED:
        job = {"jobId": error.details.get("job_id"), "status": "pending"}
        return code.http, envelope(family, code, error.message, job if family is Family.E3 else [job])
    is_hidden = code is Code.SESSION_NOT_FOUND and not isinstance(error, Refusal)
    message = "Session not found" if is_hidden else error.message
    return code.http, envelope(family, code, message, getattr(error, "results", None) or nothing(family))


def nothing(family: Family) -> list[Any] | None:
    """The results of a failure."""
    return [] if family is Family.E1 else None


def code_of(family: Family | None, error: errors.WarestError) -> Code:
    if isinstance(error, Refusal):
        return error.app_code
    table = (MESSAGE_CODES if family in (Family.E2, Family.E3) else ()) + CODES
    return next((code for kind, code in table if isinstance(error, kind)), Code.INTERNAL_ERROR)


def handle(request: falcon.Request, response: falcon.Response, error: Exception, _: Any) -> None:
    """Falcon's error handler for everything of ours. The family was noted when the route was found."""
    family = getattr(request.context, "family", None)
    if isinstance(error, Rejection):
        response.status, response.media = error.status, {"error": error.message, **error.extra}
        if "retryAfter" in error.extra:
            response.set_header("Retry-After", str(error.extra["retryAfter"]))
        return
    known = error if isinstance(error, errors.WarestError) else errors.WarestError("Internal server error")
    code = code_of(family, known)
    if code in _OURS and not (family is Family.E1 and code is Code.INTERNAL_ERROR and isinstance(error, Refusal)):
        log.error("request %s failed", request.context.id, exc_info=error)
        known = Refusal(code, _OURS[code])
    response.status, response.media = render(family, known) if family else (code.http, {"error": known.message})
    if isinstance(error, errors.RateLimited) or "retry_after" in known.details:
        response.set_header("Retry-After", str(known.details.get("retry_after", 1)))


def handle_http(request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, _: Any) -> None:
    """Falcon's own errors: a header that makes no sense, say."""
    response.status, response.media = error.status, {"error": error.description or error.title or "Bad request"}

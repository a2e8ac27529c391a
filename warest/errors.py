"""Every error of WAREST, named by what the caller can do about it.

WarestError
 ├─ InvalidInput       mend the request
 ├─ NotAllowed         use another key
 ├─ NotFound           name something that exists
 ├─ Conflict           the state forbids it now
 ├─ RateLimited        wait `retry_after` seconds
 │   └─ SessionBusy    the session has enough to do; nothing was ordered
 ├─ NotConnected       the session is not online; it may come back by itself
 │   ├─ NotPaired      scan a QR or enter a pair code
 │   ├─ LoggedOut      the phone removed this device; link again
 │   ├─ Replaced       another client took the connection
 │   ├─ Banned         WhatsApp banned the account for a time
 │   └─ ClientOutdated WhatsApp refuses this version; upgrade WAREST
 ├─ LeaseLost          another process owns the session now; stop writing
 ├─ WhatsAppRefused    WhatsApp answered with an error
 ├─ CommandTimeout     no answer in time: the outcome is unknown
 ├─ NeverBegun         its turn has not come in time: it was not done, and will not be
 ├─ DriverError        a backend (Redis, database, storage) failed
 │   └─ KeyMissing     something is encrypted with a key that is not set; set it
 ├─ DeliveryError      a webhook receiver did not accept (`permanent`: no retry will help)
 ├─ FetchError         a URL that was given has yielded no file (`permanent`: nor will it)
 ├─ Unsupported        the engine cannot do it
 └─ SetupError         the installation is at fault; the message says how to mend it

HTTP statuses and the contract's numeric codes are not here: they live in http/errors.py.
"""

from typing import Any, ClassVar


class WarestError(Exception):
    """Base of all. `retryable` says whether the same call may succeed later without anyone acting."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def code(self) -> str:
        return type(self).__name__

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "WarestError":
        """The error that another process raised; of a newer release's unknown kind, the base."""
        return _BY_CODE.get(data["code"], WarestError)(data["message"], **data["details"])

    def __reduce__(self) -> tuple[Any, ...]:
        return WarestError.from_dict, (self.to_dict(),)


class InvalidInput(WarestError):
    """The request is malformed; repeating it unchanged is useless."""


class NotAllowed(WarestError):
    """The caller is known but may not do this."""


class NotFound(WarestError):
    """No such thing, or none that this caller may see."""


class Conflict(WarestError):
    """The thing exists in a state that forbids the call."""


class RateLimited(WarestError):
    """Too many calls; `details["retry_after"]` is in seconds."""

    retryable = True


class SessionBusy(RateLimited):
    """As many commands wait for the session as may (WAREST_QUEUE_MAX_SIZE)."""


class NotConnected(WarestError):
    """The session has no open connection to WhatsApp."""

    retryable = True


class NotPaired(NotConnected):
    """The session has never been linked, or its QR ran out."""

    retryable = False


class LoggedOut(NotConnected):
    """The phone, or WhatsApp, unlinked this session."""

    retryable = False


class Replaced(NotConnected):
    """Another client opened the same session."""

    retryable = False


class Banned(NotConnected):
    """The account is banned until `details["until"]` (epoch seconds)."""

    retryable = False


class ClientOutdated(NotConnected):
    """WhatsApp no longer accepts this version of the engine."""

    retryable = False


class LeaseLost(WarestError):
    """What this process writes about a session no longer counts: another may own it."""


class WhatsAppRefused(WarestError):
    """WhatsApp understood and said no."""


class CommandTimeout(WarestError):
    """The session did not answer in time; what was asked may still happen."""


class NeverBegun(WarestError):
    """Others came first for too long (WAREST_QUEUE_TIMEOUT_MS)."""

    retryable = True


class DriverError(WarestError):
    """A backend is out of reach or broken."""

    retryable = True


class KeyMissing(DriverError):
    """What is kept can be read again as soon as its key is set again."""

    retryable = False


class DeliveryError(WarestError):
    """A webhook receiver did not accept an event; `permanent` means that no retry will help."""

    def __init__(self, message: str, *, permanent: bool = False, **details: Any) -> None:
        super().__init__(message, permanent=permanent, **details)
        self.permanent = permanent


class FetchError(WarestError):
    """The host of a URL did not answer, or said no: with `details["status"]`, if it was by HTTP."""

    def __init__(self, message: str, *, permanent: bool = False, **details: Any) -> None:
        super().__init__(message, permanent=permanent, **details)
        self.permanent = permanent


class Unsupported(WarestError):
    """The engine, or this platform, cannot do it."""


class SetupError(WarestError):
    """Wrong settings, a missing library, a folder in use: start-up stops with this sentence."""


def _tree(error: type[WarestError]) -> list[type[WarestError]]:
    return [error, *(child for sub in error.__subclasses__() for child in _tree(sub))]


_BY_CODE: dict[str, type[WarestError]] = {error.__name__: error for error in _tree(WarestError)}

"""What a thread works on just now: request, session, event. Log lines and reports of errors say it.

A Dramatiq message takes it along, so that a session's process names the request that a command came from.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

#: The names that there are, in the order in which lines show them.
NAMES = ("request", "session", "event")

_NOTHING: Mapping[str, str] = {}
_current: ContextVar[Mapping[str, str]] = ContextVar("trace", default=_NOTHING)


def now() -> Mapping[str, str]:
    return _current.get()


def begin(**ids: str) -> None:
    """From here on this thread works on something else."""
    _current.set({name: value for name, value in ids.items() if value})


def note(**ids: str) -> None:
    """One more thing is known about what it works on."""
    begin(**{**now(), **ids})


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Within, this too; after that what it was before."""
    before = _current.set({**now(), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _current.reset(before)

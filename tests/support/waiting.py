"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 20.0, what: str = "") -> T:
    """What `look` returns as soon as it is true; fails after `within` seconds. An error of `look` is not yet."""
    deadline = time.monotonic() + within
    last: object = None
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
            last = found
        except (OSError, LookupError, httpx.TransportError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"{what or look} did not come true within {within:.0f} s; last: {last!r}")

"""Linking a session from the terminal: what the phone needs is shown, and shown anew when it changes."""

import math
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from warest import lifecycle
from warest.client import ApiError, Client, Device

T = TypeVar("T")

#: How often the server is asked how the session is; a key has only so many calls a minute. s
LOOK_EVERY = 2.0

#: A session that had ended may look so for a while after it was started again, s.
LONGEST_START = 5.0

#: Pause after too many calls, where the server names none, s.
PAUSE = 5.0

#: The states in which somebody can link a session.
_WAITING = frozenset({"qr", "pairing_code"})

#: White on black, whatever the colours of the terminal: few phones read a QR the other way round.
_WHITE, _BLACK = 231, 16


@dataclass(frozen=True)
class Offer:
    """What somebody needs to link the session; `seconds` until it changes, where that is known."""

    picture: str
    hint: str
    seconds: float = math.inf


class Screen:
    """The last offer stands at the bottom of a terminal, with its time running; a pipe gets one after the other."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._shown: Offer | None = None
        self._until = math.inf

    def show(self, offer: Offer) -> None:
        self._until = time.monotonic() + offer.seconds
        if self._shown and self._shown.picture == offer.picture:
            return
        self._clear()
        for line in offer.picture.splitlines():
            click.secho(line, fg=_WHITE, bg=_BLACK)
        self._shown = offer
        if self._is_terminal:
            self._count()
        else:
            click.echo(offer.hint)

    def wait(self, seconds: float) -> None:
        """Let the time run meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            if self._shown and self._is_terminal:
                self._count()

    def close(self) -> None:
        """Take the offer away: it is of no use any more."""
        self._clear()
        self._shown = None

    def _clear(self) -> None:
        if self._shown and self._is_terminal:
            lines = self._shown.picture.count("\n") if _fits(self._shown.picture) else 0
            click.echo(f"\r\033[{lines}A\033[J" if lines else "\r\033[K", nl=False)

    def _count(self) -> None:
        assert self._shown
        left = max(0, math.ceil(self._until - time.monotonic())) if self._until < math.inf else None
        hint = self._shown.hint + (f" New in {left} s." if left is not None else "")
        click.echo(f"\r\033[K{hint if _fits(self._shown.picture) else _too_small(self._shown.picture)}", nl=False)


class Linking:
    """Waits until a session is open. `ask` starts it and gets an offer; None: there is none yet."""

    def __init__(self, client: Client, name: str, ask: Callable[[], Offer | None]) -> None:
        self._client = client
        self._name = name
        self._ask = ask
        self._screen = Screen()
        self._began = time.monotonic()
        self._has_moved = False

    def run(self, timeout: float) -> Device:
        """The account, once it is linked. Raises ClickException when that comes to nothing."""
        try:
            self._offer()
            while True:
                device = self._patiently(lambda: self._client.sessions.device(self._name))
                if _status(device) == lifecycle.OPEN:
                    return device
                self._refuse_ended(device)
                if device.state in _WAITING:
                    self._offer()
                left = self._began + timeout - time.monotonic()
                if left <= 0:
                    raise click.ClickException(f"Nobody has linked {self._name} within {timeout:.0f} s.")
                self._screen.wait(min(LOOK_EVERY, left))
        finally:
            self._screen.close()

    def _offer(self) -> None:
        if offer := self._patiently(self._ask):
            self._screen.show(offer)

    def _patiently(self, call: Callable[[], T]) -> T:
        """What a call answers; refused because there were too many, it is made again later."""
        while True:
            try:
                return call()
            except ApiError as error:
                if error.status != 429:
                    raise
                self._screen.wait(error.retry_after or PAUSE)

    def _refuse_ended(self, device: Device) -> None:
        known = lifecycle.STATES.get(device.state)  # a newer server may have other states
        has_ended = known is not None and known.ends
        self._has_moved = self._has_moved or not has_ended
        if has_ended and (self._has_moved or time.monotonic() > self._began + LONGEST_START):
            raise click.ClickException(f"{self._name} is {device.state}: {device.reason} {device.advice}")


def _status(device: Device) -> str | None:
    known = lifecycle.STATES.get(device.state)
    return known.status if known else None


def _size(picture: str) -> tuple[int, int]:
    """Columns and lines, with that of the hint."""
    lines = picture.splitlines()
    return max(map(len, lines)), len(lines) + 1


def _fits(picture: str) -> bool:
    columns, lines = _size(picture)
    terminal = shutil.get_terminal_size()
    return columns <= terminal.columns and lines <= terminal.lines


def _too_small(picture: str) -> str:
    columns, lines = _size(picture)
    return f"This window is too small: it takes {columns} columns and {lines} lines."

"""When a session reads the phone's address book, which the engine keeps and of whose changes it says nothing."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

from warest.bus import Bus
from warest.errors import DriverError
from warest.ids import new_command_id
from warest.profile_commands import ReadContacts

#: How long after it has come online, for the phone to have told it first; and from then on, s.
SOON, AGAIN = 3.0, 600.0


class AddressBook:
    """It is read by a command, like everything that is asked of the engine: never while the session is being stopped.

    Only what has changed since the last time is news; a new process tells all once.
    """

    def __init__(self, bus: Bus, session: str) -> None:
        self._bus = bus
        self._session = session
        self._due = float("inf")
        self._known: dict[str, int] = {}

    def look_soon(self) -> None:
        self._due = time.monotonic() + SOON

    def look(self) -> None:
        """Order the next look, if it is time."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + AGAIN
            with contextlib.suppress(DriverError):
                self._bus.give(self._session, new_command_id(), ReadContacts())

    def news(self, notes: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for note in notes:
            jid, said = note["news"]["jid"], hash(tuple(note["news"].items()))
            if self._known.get(jid) != said:
                self._known[jid] = said
                yield note

"""What WhatsApp says of others: asked through a session, and not twice within the time that answers are kept."""

from collections.abc import Sequence
from typing import Any

from warest.bus import Bus
from warest.commands import CheckNumbers
from warest.lookups import Lookups
from warest.profile_commands import LookAt
from warest.store import SessionRecord


class Asker:
    def __init__(self, bus: Bus, lookups: Lookups, *, timeout: float) -> None:
        self._bus = bus
        self._lookups = lookups
        self._timeout = timeout

    def check(self, record: SessionRecord, numbers: Sequence[str]) -> list[dict[str, Any]]:
        """Which of these are on WhatsApp: `exists`, `pn` and `lid` of each."""

        def look(missing: list[str]) -> list[Any]:
            found: list[Any] = self._bus.call(record.ulid, CheckNumbers(numbers=tuple(missing)), self._timeout)
            return found

        return self._lookups.each("on-whatsapp", record.ulid, numbers, look)

    def look_at(self, record: SessionRecord, jids: Sequence[str]) -> list[dict[str, Any]]:
        """The fields of `profile_commands.Shown` of others, with their pictures."""

        def look(missing: list[str]) -> list[Any]:
            command = LookAt(jids=tuple(missing), pictures=True)
            found: list[Any] = self._bus.call(record.ulid, command, self._timeout)
            return found

        return self._lookups.each("profile", record.ulid, jids, look)

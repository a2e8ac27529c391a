"""What goes wrong because somebody asked for it: the kinds of faults, and those that are waiting to happen.

A fault is for one phone's sessions or, without a phone, for all; one of the media host is for one message's file or for
all files. It lasts until it has happened often enough or the
faults are cleared; nothing of it outlives the process. How each is done: see mischief.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from warest.errors import Conflict, InvalidInput

#: How many faults may wait at the same time.
MAX_ACTIVE = 100

_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Number:
    """An option: a whole number. Without a default it must be given."""

    lowest: int
    highest: int
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    options: dict[str, Number] = field(default_factory=dict)
    #: Whether it may be asked for one phone's sessions; otherwise it is for all.
    of_phone: bool = True
    #: Whether it may be asked for the file of one message; otherwise it is for all files.
    of_message: bool = False
    #: It happens once and at once, to the connections that there are.
    instant: bool = False
    #: How often it happens unless the request says otherwise; None is until cleared.
    times: int | None = None


KINDS = {
    "login": Kind({"reason": Number(400, 599), "code": Number(1, 999, 101), "expire": Number(0, _YEAR, 3600)}),
    "refuse": Kind(of_phone=False),
    "silent": Kind(),
    "slow": Kind({"milliseconds": Number(1, 60_000)}),
    "error_ack": Kind({"error": Number(400, 599)}, times=1),
    "no_ack": Kind(times=1),
    "qr": Kind({"references": Number(1, 6)}, of_phone=False),
    "media_status": Kind({"status": Number(400, 599)}, of_phone=False, of_message=True),
    "media_truncated": Kind(of_phone=False, of_message=True),
    "media_broken": Kind(of_phone=False, of_message=True),
    "media_slow": Kind({"bytes_per_second": Number(1, 1 << 30)}, of_phone=False, of_message=True),
    "upload_refused": Kind({"status": Number(400, 599, 503)}, of_phone=False),
    "drop": Kind(instant=True),
    "replaced": Kind(instant=True),
    "device_removed": Kind(instant=True),
    "unmapped_receipt": Kind(instant=True),
}

#: Faults that are a condition, not an incident: they cannot be counted.
_CONDITIONS = frozenset({"silent", "slow"})

#: What <failure> says to whom WhatsApp does not let in.
LOGIN_REASONS = (401, 402, 403, 405, 406, 409, 500, 503)

_TIMES = Number(1, 1000)


@dataclass(slots=True)
class Fault:
    kind: str
    phone: str | None
    options: dict[str, int]
    #: How often it will happen yet; None is until cleared.
    left: int | None
    #: Whose file it is for; None is every file.
    message: str | None = None

    @staticmethod
    def parse(body: dict[str, Any]) -> "Fault":
        name = body.get("kind")
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise InvalidInput(f'The body needs "kind", one of: {", ".join(KINDS)}.')
        assert isinstance(name, str)
        countable = not kind.instant and name not in _CONDITIONS
        fitting = {"phone": kind.of_phone, "message": kind.of_message, "times": countable}
        known = {"kind", *kind.options, *(name for name, fits in fitting.items() if fits)}
        if unknown := sorted(body.keys() - known):
            raise InvalidInput(f"A fault of the kind {name} has no {' and no '.join(unknown)}.")
        options = {option: _number(body, option, rule) for option, rule in kind.options.items()}
        if name == "login" and options["reason"] not in LOGIN_REASONS:
            raise InvalidInput(f'"reason" must be one of {", ".join(map(str, LOGIN_REASONS))}.')
        left = _number(body, "times", _TIMES) if "times" in body else kind.times
        return Fault(name, _text(body, "phone"), options, left, _text(body, "message"))

    @property
    def instant(self) -> bool:
        return KINDS[self.kind].instant

    def show(self) -> dict[str, Any]:
        whose = {"message": self.message} if KINDS[self.kind].of_message else {"phone": self.phone}
        return {"kind": self.kind, **whose, **self.options, "left": self.left}


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f'"{name}" must be a text.')
    return value


def _number(body: dict[str, Any], name: str, rule: Number) -> int:
    value = body.get(name, rule.default)
    if type(value) is not int or not rule.lowest <= value <= rule.highest:
        raise InvalidInput(f'"{name}" must be a whole number from {rule.lowest} to {rule.highest}.')
    return value


class Faults:
    def __init__(self) -> None:
        self._active: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._active)

    def add(self, fault: Fault) -> None:
        if len(self._active) >= MAX_ACTIVE:
            raise Conflict(f"{MAX_ACTIVE} faults are waiting already: clear them with DELETE /faults.")
        self._active.append(fault)

    def clear(self) -> None:
        self._active.clear()

    def find(self, kind: str, phone: str | None = None) -> Fault | None:
        """The oldest fault of the kind that is for this phone's sessions; of a session that is not linked: None."""
        return next((each for each in self._active if each.kind == kind and each.phone in (None, phone)), None)

    def take(self, kind: str, phone: str | None = None) -> Fault | None:
        """As `find`, and it happens now."""
        fault = self.find(kind, phone)
        return self._happens(fault) if fault else None

    def take_of_file(self, kind: str, belongs: Callable[[str], bool]) -> Fault | None:
        """The oldest fault of the kind for a file: `belongs` says whether it is that of a message."""
        for fault in self._active:
            if fault.kind == kind and (fault.message is None or belongs(fault.message)):
                return self._happens(fault)
        return None

    def _happens(self, fault: Fault) -> Fault:
        if fault.left is not None:
            fault.left -= 1
            if not fault.left:
                self._active.remove(fault)
        return fault

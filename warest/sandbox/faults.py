"""What goes wrong because somebody asked for it: the kinds of faults, and those that are waiting to happen.

A fault is for one phone's sessions or, without a phone, for all. It lasts until it has happened often enough or the
faults are cleared; nothing of it outlives the process. How each is done: see mischief.py.
"""

from collections.abc import Iterator
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

    @staticmethod
    def parse(body: dict[str, Any]) -> "Fault":
        name = body.get("kind")
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise InvalidInput(f'The body needs "kind", one of: {", ".join(KINDS)}.')
        assert isinstance(name, str)
        countable = not kind.instant and name not in _CONDITIONS
        known = {"kind", *kind.options, *(["phone"] if kind.of_phone else []), *(["times"] if countable else [])}
        if unknown := sorted(body.keys() - known):
            raise InvalidInput(f"A fault of the kind {name} has no {' and no '.join(unknown)}.")
        options = {option: _number(body, option, rule) for option, rule in kind.options.items()}
        if name == "login" and options["reason"] not in LOGIN_REASONS:
            raise InvalidInput(f'"reason" must be one of {", ".join(map(str, LOGIN_REASONS))}.')
        left = _number(body, "times", _TIMES) if "times" in body else kind.times
        return Fault(name, _phone(body), options, left)

    @property
    def instant(self) -> bool:
        return KINDS[self.kind].instant

    def show(self) -> dict[str, Any]:
        return {"kind": self.kind, "phone": self.phone, **self.options, "left": self.left}


def _phone(body: dict[str, Any]) -> str | None:
    phone = body.get("phone")
    if phone is not None and not isinstance(phone, str):
        raise InvalidInput('"phone" must be a text: the number of a phone.')
    return phone


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
        if fault and fault.left is not None:
            fault.left -= 1
            if not fault.left:
                self._active.remove(fault)
        return fault

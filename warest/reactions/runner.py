"""The order of actions: one after the other, in groups, with pauses, and never too many or for too long.

What is known of an action from an earlier run is not done again: the process may have died in the middle of an answer.
"""

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from warest.errors import DriverError, FetchError, WarestError, WhatsAppRefused
from warest.reactions.actions import GROUPS, SENDS, Action, Incomplete, action, called, is_true

log = logging.getLogger(__name__)

DONE, PENDING, FAILED, IGNORED, SKIPPED = "done", "pending", "failed", "ignored", "skipped"

#: Actions of a `parallel` that run at the same time.
AT_ONCE = 4

#: Tries of a `retry`: the usual number, and the most.
TRIES, MOST_TRIES = 3, 10

#: The usual pause between them, s.
RETRY_PAUSE = 0.5


class Interrupted(Exception):
    """The process stops; another one goes on with what is left."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an action: as Reaction in store/reactions.py has it."""

    state: str
    message: str = ""
    job: str = ""
    error: str = ""
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one answer: actions that are run, groups in groups, and seconds that all of it may take."""

    actions: int
    depth: int
    seconds: float


@dataclass(slots=True)
class _Line:
    """Actions that follow each other. `after_send` and `after_each` are the pauses, s; `owed` is the one that is to be
    made before the next action."""

    after_send: float
    after_each: float = 0.0
    owed: float = 0.0


class Runner:
    """Runs the actions of one answer.

    `perform` does what holds no others, and raises what went wrong; `wait` takes seconds; `note` keeps an outcome under
    the action's name and position; `known` are the outcomes of earlier runs.
    """

    def __init__(
        self,
        perform: Callable[[Action], Outcome],
        wait: Callable[[float], None],
        note: Callable[[str, str, Outcome], None],
        known: Mapping[str, Outcome],
        bounds: Bounds,
    ) -> None:
        self._perform = perform
        self._wait = wait
        self._note = note
        self._known = known
        self._bounds = bounds
        self._deadline = time.monotonic() + bounds.seconds
        self._count = itertools.count(1)

    def run(self, actions: list[Any], pause: float) -> None:
        """One after the other, with a pause (s) after each that sends. Raises DriverError, and what `wait` raises."""
        self._all(actions, "", _Line(pause), 0)

    def _all(self, actions: list[Any], above: str, line: _Line, depth: int) -> Outcome:
        outcomes = []
        for number, told in enumerate(actions):
            outcomes.append(self._one(told, f"{above}{number}", line, depth))
            line.owed = max(line.owed, line.after_each)
        return _together(outcomes)

    def _one(self, told: Any, position: str, line: _Line, depth: int) -> Outcome:
        if before := self._known.get(position):
            next(self._count)
            return before
        name = called(told)
        try:
            found = action(told, position)
            name = found.name
            outcome = self._admitted(depth) or self._group(found, line, depth) or self._alone(found, line)
        except (DriverError, Interrupted):
            raise
        except Incomplete as reason:
            outcome = Outcome(IGNORED, error=str(reason))
        except WarestError as error:
            outcome = failure(error)
        except Exception as error:  # of ours: it must not take the other actions with it
            log.exception("action %s failed", position)
            outcome = Outcome(FAILED, error=f"Internal error ({type(error).__name__})")
        self._note(name, position, outcome)
        return outcome

    def _admitted(self, depth: int) -> Outcome | None:
        """None: it may run."""
        if depth > self._bounds.depth:
            return Outcome(SKIPPED, error=f"more than {self._bounds.depth} actions within each other")
        if next(self._count) > self._bounds.actions:
            return Outcome(SKIPPED, error=f"more than {self._bounds.actions} actions in one answer")
        if time.monotonic() > self._deadline:
            return Outcome(SKIPPED, error=f"the answer has taken more than {self._bounds.seconds:g} s")
        return None

    def _alone(self, found: Action, line: _Line) -> Outcome:
        self._settle(line)
        try:
            return self._perform(found)
        finally:
            if found.name in SENDS:
                line.owed = line.after_send

    def _settle(self, line: _Line) -> None:
        owed, line.owed = line.owed, 0.0
        if owed:
            self._wait(owed)

    def _group(self, found: Action, line: _Line, depth: int) -> Outcome | None:
        """None: it is no group."""
        if found.name not in GROUPS:
            return None
        run = {"queue": self._queue, "parallel": self._parallel, "when": self._when, "retry": self._retry}[found.name]
        return run(found, line, depth + 1)

    def _queue(self, found: Action, line: _Line, depth: int) -> Outcome:
        pause = found.seconds("delayMs")
        inner = line if pause is None else _Line(0.0, pause, line.owed)
        outcome = self._all(_needed(found.items("items")), f"{found.position}.", inner, depth)
        line.owed = inner.owed
        return outcome

    def _parallel(self, found: Action, line: _Line, depth: int) -> Outcome:
        self._settle(line)
        items = _needed(found.items("items"))
        lines = [_Line(line.after_send) for _ in items]
        positions = [f"{found.position}.{number}" for number in range(len(items))]
        with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
            outcomes = list(pool.map(self._one, items, positions, lines, itertools.repeat(depth)))
        line.owed = max(each.owed for each in lines)
        return _together(outcomes)

    def _when(self, found: Action, line: _Line, depth: int) -> Outcome:
        given = found.told.get("cond", found.told.get("condition"))
        branch, names = ("then", ("then", "do", "items")) if is_true(given) else ("else", ("else", "otherwise"))
        if items := found.items(*names):
            return self._all(items, f"{found.position}.{branch}.", line, depth)
        return Outcome(SKIPPED, error=f"there is no `{branch}`")

    def _retry(self, found: Action, line: _Line, depth: int) -> Outcome:
        """Only what has surely not happened is tried again: nobody gets a message twice."""
        item = _needed(found.items("item", "items"))[:1]
        pause = found.seconds("delayMs", "backoffMs") or RETRY_PAUSE
        outcome = Outcome(FAILED)
        tries = max(1, min(MOST_TRIES, found.number("attempts", found.number("times", TRIES))))
        for number in range(1, tries + 1):
            line.owed = max(line.owed, pause if number > 1 else 0.0)
            outcome = self._all(item, f"{found.position}.try.{number}.", line, depth)
            if not outcome.repeatable:
                break
        if outcome.state == FAILED:
            self._all(found.items("onFail"), f"{found.position}.onFail.", line, depth)
        return outcome


def _needed(items: list[Any]) -> list[Any]:
    if not items:
        raise Incomplete("there are no actions in it")
    return items


def _together(outcomes: list[Outcome]) -> Outcome:
    """Of several actions: it failed if one has. It can be repeated if nothing at all was done."""
    failed = [each for each in outcomes if each.state == FAILED]
    if not failed:
        return Outcome(DONE)
    rest = (each for each in outcomes if each not in failed)
    repeatable = all(each.repeatable for each in failed) and all(each.state in (IGNORED, SKIPPED) for each in rest)
    return Outcome(FAILED, error=failed[-1].error, repeatable=repeatable)


def failure(error: WarestError, job: str = "") -> Outcome:
    return Outcome(FAILED, job=job, error=error.message, repeatable=_is_safe(error))


def _is_safe(error: WarestError) -> bool:
    """Whether nothing was sent, and another try may do better."""
    if isinstance(error, FetchError):
        return not error.permanent
    return isinstance(error, WhatsAppRefused) or error.retryable

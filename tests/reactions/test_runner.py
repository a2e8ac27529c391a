"""The order of actions, the pauses between them, what is repeated and what is left out."""

from collections.abc import Callable
from typing import Any

import pytest

from warest.errors import (
    CommandTimeout,
    DriverError,
    FetchError,
    InvalidInput,
    NotConnected,
    WarestError,
    WhatsAppRefused,
)
from warest.reactions.actions import Action
from warest.reactions.runner import DONE, FAILED, Bounds, Interrupted, Outcome, Runner

BOUNDS = Bounds(actions=100, depth=5, seconds=60.0)


class Diary:
    """What a runner does, in its order: texts that are said, and pauses."""

    def __init__(self, *errors: Exception) -> None:
        self.did: list[str | float] = []
        self.noted: dict[str, Outcome] = {}
        self.errors = list(errors)

    def run(self, *told: Any, pause: float = 1.0, bounds: Bounds = BOUNDS) -> dict[str, str]:
        """The states by positions, those of earlier runs too."""
        wait: Callable[[float], None] = self.did.append
        Runner(self._perform, wait, self._note, dict(self.noted), bounds).run(list(told), pause)
        return {position: outcome.state for position, outcome in self.noted.items()}

    def _perform(self, action: Action) -> Outcome:
        self.did.append(action.text("text") or action.name)
        if action.text("text").startswith("bad") and self.errors:
            raise self.errors.pop(0)
        return Outcome(DONE)

    def _note(self, name: str, position: str, outcome: Outcome) -> None:
        self.noted[position] = outcome


def say(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def test_pauses_come_after_sends() -> None:
    """Not behind controls, nor at the end, where nobody would notice."""
    diary = Diary()
    diary.run(say("a"), {"act": "star"}, {"act": "when", "cond": 1, "then": [say("b")]}, say("c"))
    assert diary.did == ["a", 1.0, "star", "b", 1.0, "c"]


def test_a_queue_has_its_own_pause() -> None:
    """Between all of its actions, in place of the answer's."""
    diary = Diary()
    diary.run({"act": "queue", "delayMs": "250", "items": [say("a"), {"act": "star"}, say("b")]}, say("c"))
    assert diary.did == ["a", 0.25, "star", 0.25, "b", 0.25, "c"]
    diary = Diary()
    diary.run({"act": "queue", "items": [say("a"), say("b")]})
    assert diary.did == ["a", 1.0, "b"]


def test_side_by_side() -> None:
    """All of them before what follows."""
    diary = Diary()
    states = diary.run(say("a"), {"act": "parallel", "items": [say("b"), say("c")]}, say("d"))
    assert (diary.did[:2], diary.did[-2:], {*diary.did[2:4]}) == (["a", 1.0], [1.0, "d"], {"b", "c"})
    assert set(states) == {"0", "1", "1.0", "1.1", "2"}


@pytest.mark.parametrize(
    "error", [NotConnected("x"), WhatsAppRefused("x"), FetchError("x"), FetchError("x", status=503)]
)
def test_what_surely_was_not_done_is_tried_again(error: WarestError) -> None:
    diary = Diary(error, error)
    states = diary.run({"act": "retry", "item": say("bad"), "delayMs": 100, "onFail": [say("given up")]})
    assert diary.did == ["bad", 1.0, "bad", 1.0, "bad"]
    assert states == {"0.try.1.0": "failed", "0.try.2.0": "failed", "0.try.3.0": "done", "0": "done"}


@pytest.mark.parametrize(
    "error", [CommandTimeout("x"), InvalidInput("x"), FetchError("x", permanent=True), ValueError("ours")]
)
def test_what_may_have_been_done_is_not(error: Exception) -> None:
    """Nor what would fail again."""
    diary = Diary(error)
    states = diary.run({"act": "retry", "item": say("bad"), "times": 9, "onFail": say("given up")}, say("next"))
    assert [each for each in diary.did if isinstance(each, str)] == ["bad", "given up", "next"]
    assert (states["0"], states["0.onFail.0"], states["1"]) == (FAILED, DONE, DONE)


def test_of_several_nothing_is_done_twice() -> None:
    """A part of it has happened: all of it is not tried again."""
    several = {"act": "queue", "items": [say("a"), say("bad")]}
    diary = Diary(NotConnected("x"))
    diary.run({"act": "retry", "item": several}, pause=0.0)
    assert diary.did == ["a", "bad"]
    diary = Diary(NotConnected("x"), NotConnected("x"))
    diary.run(
        {"act": "retry", "item": {"act": "queue", "items": [say("bad 1"), say("bad 2")]}, "delayMs": 1}, pause=0.0
    )
    assert diary.did == ["bad 1", "bad 2", 0.001, "bad 1", "bad 2"]


def test_tries_have_an_end() -> None:
    diary = Diary(*[NotConnected("x")] * 99)
    diary.run({"act": "retry", "item": say("bad"), "attempts": 99}, pause=0.0)
    assert diary.did.count("bad") == 10


def test_whoever_goes_on_repeats_nothing() -> None:
    """It died at any place: after the interruption the rest comes, and only that."""
    answer = [
        say("a"),
        {"act": "queue", "items": [say("b"), {"act": "retry", "item": say("bad"), "delayMs": 1}]},
        say("c"),
    ]
    expected = ["a", "b", "bad", "bad", "c"]
    for place in range(len(expected)):
        diary = Diary(NotConnected("x"))
        perform, left = diary._perform, [place]

        def mortal(action: Action, perform: Any = perform, left: list[int] = left) -> Outcome:
            if left[0] == 0:
                left[0] = -1
                raise Interrupted
            left[0] -= 1
            done: Outcome = perform(action)
            return done

        diary._perform = mortal  # type: ignore[method-assign]
        with pytest.raises(Interrupted):
            diary.run(*answer, pause=0.0)
        assert set(diary.run(*answer, pause=0.0).values()) == {DONE, FAILED}
        assert [each for each in diary.did if isinstance(each, str)] == expected, place


def test_trouble_of_ours_is_not_the_actions() -> None:
    """The database is away: nothing is known of it, and all of it is done later."""
    diary = Diary(DriverError("x"))
    with pytest.raises(DriverError):
        diary.run(say("a"), say("bad"))
    assert [*diary.noted] == ["0"]


def test_bounds() -> None:
    diary = Diary()
    states = diary.run(
        say("a"), {"act": "queue", "items": [say("b"), say("c")]}, bounds=Bounds(actions=3, depth=5, seconds=9)
    )
    assert states == {"0": "done", "1.0": "done", "1.1": "skipped", "1": "done"}
    deep: Any = say("deep")
    for _ in range(3):
        deep = {"act": "when", "cond": 1, "then": deep}
    assert Diary().run(deep, bounds=Bounds(actions=9, depth=2, seconds=9))["0.then.0.then.0.then.0"] == "skipped"
    assert Diary().run(deep, bounds=Bounds(actions=9, depth=3, seconds=9))["0.then.0.then.0.then.0"] == "done"
    assert Diary().run(say("late"), bounds=Bounds(actions=9, depth=3, seconds=-1))["0"] == "skipped"

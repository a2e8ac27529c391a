"""What an action is called, and what stands in its fields."""

from typing import Any

import pytest

from warest.errors import InvalidInput
from warest.reactions import actions
from warest.reactions.actions import Action, action, is_true


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"type": "text"}, "text"),
        ({"type": "TeXt"}, "text"),
        ({"act": "Typing"}, "typing"),
        ({"action": "DELAY"}, "delay"),
        ({"type": "react"}, "react"),
        ({"type": "text", "act": "star"}, "star"),
        ({"type": "text", "act": "dance"}, "text"),
        ({"type": "queue", "action": "dance"}, "queue"),
        ({"act": "chatRead"}, "chat-read"),
        ({"act": "chat_unread"}, "chat-unread"),
        ({"act": "", "type": "noop"}, "noop"),
    ],
)
def test_which_one_it_is(told: dict[str, Any], name: str) -> None:
    """A control by any of three names, in any case; one that nobody knows counts by its type."""
    assert action(told, "0").name == name


@pytest.mark.parametrize(
    "told", [None, "text", [], {}, {"type": "dance"}, {"act": "text"}, {"type": ["text"]}, {"act": {}}]
)
def test_what_is_none(told: object) -> None:
    with pytest.raises(InvalidInput):
        action(told, "0")


@pytest.mark.parametrize(
    "value", ["", " ", "0", "false", "FALSE", "null", "undefined", "no", " No ", 0, 0.0, False, None]
)
def test_what_means_no(value: object) -> None:
    assert not is_true(value)


@pytest.mark.parametrize("value", ["yes", "1", "off", "x", 1, -1, True, [], {}])
def test_what_means_yes(value: object) -> None:
    """As in JavaScript, an empty list does."""
    assert is_true(value)


def test_fields() -> None:
    """In the forms that templates and people make of them."""
    told = {
        "ms": "500",
        "big": "1e999",
        "nan": "nan",
        "no": "",
        "text": " a ",
        "then": {"type": "noop"},
        "of": '{"a": 1}',
    }
    one = Action("x", told, "0")
    assert (one.seconds("ms"), one.seconds("no", "ms"), one.seconds("big", "nan", "none")) == (0.5, 0.5, None)
    assert (one.seconds("ms", unit=1.0), one.number("ms", 3), one.number("nan", 3)) == (500.0, 500, 3)
    assert (one.text("none", "no", "text"), one.text("then")) == (" a ", "")
    assert (one.items("do", "then"), one.items("do")) == ([{"type": "noop"}], [])
    assert (one.part("of"), one.part("text")) == ({"a": 1}, {})
    assert one.flag("none", default=True) and not one.flag("no", default=True)


def test_no_name_means_two_things() -> None:
    kinds = (actions.SENDS, actions.GROUPS, actions.PAUSES, actions.DEEDS)
    assert len(frozenset().union(*kinds)) == sum(map(len, kinds))

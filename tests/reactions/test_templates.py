"""What an event says, in the texts of actions."""

import json
from typing import Any

import pytest

from warest.errors import InvalidInput
from warest.reactions import templates
from warest.reactions.templates import Template

EVENT = {
    "event": "message_received",
    "data": {
        "id": "ani",
        "event": "data wins",
        "text": "hi {{session.id}}",
        "sender": {"chatId": "1@lid", "fromMe": False},
        "mentions": ["a", "b"],
        "calls": [{"id": "C1"}],
        "null": None,
        "size": 1.0,
        "smiley": "😀",
    },
    "ts": 1700000000000,
    "session": {"id": "ani", "label": None},
}


@pytest.fixture
def template() -> Template:
    return Template(json.dumps(EVENT))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{text}}", "hi {{session.id}}"),
        ("{{ sender.chatId }}/{{data.sender.chatId}}", "1@lid/1@lid"),
        ("{{event}} {{ts}} {{session.id}}", "data wins 1700000000000 ani"),
        ("{{nothing}}{{sender.nothing.more}}{{session.label}}{{null}}{{text.length}}!", "!"),
        ("{{sender.fromMe}} {{size}} {{mentions}} {{mentions.1}} {{calls.0.id}}", "false 1 a,b b C1"),
        ("{{mentions.2}}{{mentions.-1}}{{mentions.x}}{{mentions.²}}", ""),
        ("{{sender}}{{calls}}", '{"chatId":"1@lid","fromMe":false}[{"id":"C1"}]'),
        ("{{}} {{ }} {text} {{text", "{{}} {{ }} {text} {{text"),
        ("{{smiley}}", "😀"),
        ("{{__class__}}{{sender.keys}}", ""),
    ],
)
def test_a_text(template: Template, text: str, expected: str) -> None:
    """A path may go through objects and lists; what is not there is empty; what strangers wrote is not filled in."""
    assert template.filled(text) == expected


def test_every_text_in_an_action(template: Template) -> None:
    """However deep, and nothing but the texts; names are no texts."""
    given: Any = {"{{text}}": [{"a": "{{ts}}"}, 1, None, True], "items": [["{{session.id}}"]]}
    assert template.filled(given) == {"{{text}}": [{"a": "1700000000000"}, 1, None, True], "items": [["ani"]]}


def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few paths could stand for the whole event, again and again."""
    monkeypatch.setattr(templates, "LONGEST", 40)
    template = Template(json.dumps(EVENT))
    assert template.filled(["{{text}}", "{{text}}"])
    with pytest.raises(InvalidInput):
        template.filled({"a": "{{text}}"})


@pytest.mark.parametrize("body", ['{"event": "x"}', '{"event": "x", "data": null}', '{"data": []}'])
def test_an_event_without_data(body: str) -> None:
    assert Template(body).filled("{{event}}{{data.x}}") in ("x", "")

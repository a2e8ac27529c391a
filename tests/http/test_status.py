"""/api/v1/status: what is refused, and what comes to the session."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands

Call = Callable[..., testing.Result]


@pytest.fixture
def ordered(commands_sent: Callable[[type[commands.Outgoing]], list[Any]]) -> list[Any]:
    """The commands that came to the process of the session `s`."""
    return commands_sent(commands.Outgoing)


def test_a_text(call: Call, ordered: list[Any]) -> None:
    """In the colours of WhatsApp, unless it is said otherwise."""
    told = {"sessionId": "s", "text": "a", "textColor": "abcdef", "to": "628222"}
    answer = call("POST", "/status/text", json=told).json
    (command,) = ordered
    assert command == commands.ShowStatus(
        to=("status@broadcast",), text="a", background=0xFF128C7E, foreground=0xFFABCDEF, font=0
    )
    (entry,) = answer["results"]
    assert (answer["message"], entry["toJid"], entry["status"]) == ("Status sent", command.to[0], "status success")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, 2001),
        ({"message": " "}, 400, 2001),
        ({"message": "a" * 701}, 400, 3015),
        ({"message": "a", "backgroundColor": "red"}, 400, 2000),
        ({"message": "a", "font": 3}, 400, 2000),
    ],
)
def test_texts_that_are_refused(call: Call, ordered: list[Any], body: dict[str, Any], status: int, code: int) -> None:
    answer = call("POST", "/status/text", json={"sessionId": "s", **body})
    assert (answer.status_code, answer.json["code"], ordered) == (status, code, [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({}, 400, 2000), ({"media": "data:text/plain,x"}, 415, 2007), ({"media": "data:image/png;base64,"}, 400, 2000)],
)
def test_files_that_are_refused(call: Call, ordered: list[Any], body: dict[str, Any], status: int, code: int) -> None:
    answer = call("POST", "/status/media", json={"sessionId": "s", **body})
    assert (answer.status_code, answer.json["code"], ordered) == (status, code, [])


@pytest.mark.parametrize("route", ["text", "media"])
def test_no_session(call: Call, route: str) -> None:
    answer = call("POST", f"/status/{route}", json={"sessionId": "nobody", "message": "a", "media": "x"})
    assert (answer.status_code, answer.json["code"]) == (404, 1101)

"""Presence without a message, and how long messages stay: parameters and refusals. What works is in
tests/e2e/test_presence_and_calls.py."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands
from warest.bus import answered
from warest.store import Account, SessionRecord

Call = Callable[..., testing.Result]

CHAT = "/chats/628222/presence"


@pytest.fixture
def session(online: Callable[[Account, str], SessionRecord], admin: Account) -> SessionRecord:
    return online(admin, "s")


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("/profile/presence", {}, (400, 2001, [])),
        ("/profile/presence", {"presence": "composing"}, (400, 2002, [])),
        ("/profile/presence", {"presence": "available", "sessionId": "none"}, (404, 1101, [])),
        (CHAT, {}, (400, 2001, None)),
        (CHAT, {"presence": "available"}, (400, 2002, None)),
        (CHAT, {"presence": ["composing"]}, (400, 2001, None)),
        (CHAT, {"presence": "composing", "sessionId": "none"}, (404, 1101, None)),
        ("/profile/disappearing", {}, (400, 2001, [])),
        ("/profile/disappearing", {"duration": 60}, (400, 2002, [])),
        ("/profile/disappearing", {"duration": 0, "sessionId": "none"}, (404, 1101, [])),
        ("/chats/628222/disappearing", {}, (400, 2001, None)),
        ("/chats/628222/disappearing", {"duration": "-1"}, (400, 2002, None)),
        ("/chats/628222/disappearing", {"duration": True}, (400, 2001, None)),
        ("/chats/628222/disappearing", {"duration": "7d", "sessionId": "none"}, (404, 1101, None)),
        ("/chats/nobody/presence/subscribe", {}, (400, 2001, None)),
        ("/chats/1@g.us/presence/subscribe", {}, (400, 2002, None)),
        ("/chats/628222/presence/subscribe", {"sessionId": "none"}, (404, 1101, None)),
    ],
)
def test_refusals(call: Call, session: SessionRecord, path: str, given: dict[str, Any], expected: Any) -> None:
    answer = call("POST", path, json={"sessionId": "s", **given})
    nothing = answer.json["result"] if "result" in answer.json else answer.json["results"]
    assert (answer.status_code, answer.json["code"], nothing) == expected


def test_the_words_of_sends(call: Call, session: SessionRecord, session_answers: Any) -> None:
    """Those who know them there need no others here."""
    seen: list[Any] = []

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        seen.append(commands.decode(command))
        return answered({"synced": True})

    session_answers(session, execute)
    for word in ("Typing", "voice", "paused"):
        assert call("POST", CHAT, params={"sessionId": "s"}, json={"presence": word}).json["code"] == 1000
    assert [each.presence for each in seen] == ["composing", "recording", "paused"]

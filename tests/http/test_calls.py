"""Calls: parameters and refusals; what works is in tests/e2e/test_presence_and_calls.py."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands
from warest.bus import answered
from warest.contact_commands import RejectCall
from warest.store import Account, SessionRecord


@pytest.fixture
def ordered(online: Callable[[Account, str], SessionRecord], admin: Account, session_answers: Any) -> list[Any]:
    seen: list[Any] = []

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        seen.append(commands.decode(command))
        return answered("628222@s.whatsapp.net")

    session_answers(online(admin, "s"), execute)
    return seen


@pytest.mark.parametrize(
    ("id", "given", "code"),
    [
        ("C1", {"sessionId": "none"}, (404, 1101)),
        ("C1", {"sessionId": None}, (400, 2001)),
        ("C%001", {}, (400, 2002)),
        ("C%201", {}, (400, 2002)),
        ("C1", {"from": "nobody"}, (400, 2002)),
        ("C1", {"from": "1@g.us"}, (400, 2002)),
    ],
)
def test_refusals(
    call: Callable[..., testing.Result], ordered: list[Any], id: str, given: dict[str, Any], code: tuple[int, int]
) -> None:
    answer = call("POST", f"/calls/{id}/reject", json={"sessionId": "s", **given})
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (*code, [])
    assert ordered == []


def test_by_whom(call: Callable[..., testing.Result], ordered: list[Any]) -> None:
    """As senders name people; without it the session has to know."""
    for given in ({"from": "08222"}, {}):
        answer = call("POST", "/calls/C1/reject", json={"sessionId": "s", **given})
        assert answer.json["results"] == [{"phone": "628111", "id": "C1", "from": "628222@s.whatsapp.net"}]
    assert ordered == [RejectCall(call_id="C1", caller="628222@s.whatsapp.net"), RejectCall(call_id="C1")]

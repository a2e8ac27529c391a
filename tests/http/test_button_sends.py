"""/api/v1/messages/send: button, list."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from support.waiting import eventually
from warest import commands, keys
from warest.config.house import House
from warest.spool import Spool

Call = Callable[..., testing.Result]

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


@pytest.fixture
def ordered(commands_sent: Callable[[type[commands.Outgoing]], list[Any]]) -> list[Any]:
    """The commands that came to the process of the session `s`."""
    return commands_sent(commands.SendInteractive)


def send(call: Call, kind: str, **body: Any) -> Any:
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "s", "to": "628222", **body})
    assert answer.status_code == 200, answer.text
    return answer.json["results"][0]


def pressed(command: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(name, json.loads(parameters)) for name, parameters in command.buttons]


def test_buttons(call: Call, ordered: list[Any]) -> None:
    """One of each type, and how each may be written."""
    buttons = [
        "Yes",
        {"text": "No", "id": "no"},
        {"type": "url", "displayText": "Look", "url": "https://example.com"},
        {"type": "COPY", "displayText": "Copy", "copyCode": "A1"},
        {"type": "call", "phoneNumber": "+62811"},
        json.dumps({"type": "reply", "displayText": "Maybe"}),
    ]
    entry = send(call, "button", message="<b>Well?</b>", footer="f", buttons=buttons)
    (command,) = ordered
    assert (command.text, command.footer, command.file) == ("*Well?*", "f", "")
    assert pressed(command) == [
        ("quick_reply", {"display_text": "Yes", "id": "Yes"}),
        ("quick_reply", {"display_text": "No", "id": "no"}),
        ("cta_url", {"display_text": "Look", "url": "https://example.com", "merchant_url": "https://example.com"}),
        ("cta_copy", {"display_text": "Copy", "copy_code": "A1"}),
        ("cta_call", {"display_text": "+62811", "phone_number": "+62811"}),
        ("quick_reply", {"display_text": "Maybe", "id": "Maybe"}),
    ]
    assert entry["status"] == "interactive button success"
    assert list(entry["advancedInfo"].items())[2:] == [("buttonCount", 6)]


SECTION = {"title": "S", "rows": ["a", {"id": "2", "title": "b", "description": "d", "header": "h"}, "", {}]}

SHOWN = {
    "title": "S",
    "rows": [
        {"header": "", "title": "a", "description": "", "id": "a"},
        {"header": "h", "title": "b", "description": "d", "id": "2"},
    ],
}


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        ({"list": {"buttonText": "Menu", "sections": [SECTION, {"title": "empty", "rows": []}]}}, ["Menu"]),
        ({"list": json.dumps({"sections": [SECTION]}), "buttonText": "Menu"}, ["Menu"]),
        ({"sections": [SECTION]}, ["Open"]),
        ({"sections": json.dumps([SECTION]), "buttonText": "Menu"}, ["Menu"]),
        ({"lists": [{"buttonText": "1", "sections": [SECTION]}, {"sections": [SECTION]}, {}]}, ["1", "Open"]),
    ],
)
def test_a_list(call: Call, ordered: list[Any], body: dict[str, Any], titles: list[str]) -> None:
    entry = send(call, "list", title="Choose", **body)
    assert ordered[0].text == "Choose"
    assert pressed(ordered[0]) == [("single_select", {"title": title, "sections": [SHOWN]}) for title in titles]
    assert entry["status"] == "interactive list success"
    assert list(entry["advancedInfo"].items())[2:] == [("sectionCount", len(titles)), ("rowCount", 2 * len(titles))]


def test_a_picture_goes_to_the_worker(call: Call, ordered: list[Any], parts: House, serve: Any, spool: Spool) -> None:
    """Which makes it fit to be sent, and gives the command on."""
    seen: list[Any] = []

    def prepare(session: str, command_id: str, command: dict[str, Any], **_: Any) -> None:
        order = commands.decode(command)
        assert isinstance(order, commands.SendInteractive)
        with spool.open(order.file) as opened:
            seen.append((order.mimetype, opened.read()))
        parts.bus.give(session, command_id, order)

    serve(keys.MEDIA_QUEUE, "prepare_file", prepare)
    send(call, "button", text="t", buttons=["a"], image=PICTURE)
    assert seen == [("image/png", base64.b64decode(PICTURE))]
    assert eventually(lambda: ordered)[0].file


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("button", {"to": "x", "buttons": ["a"]}, "Invalid destination"),
        ("list", {"to": ""}, "Invalid destination"),
        ("button", {}, "buttons must be a non-empty array"),
        ("button", {"buttons": []}, "buttons must be a non-empty array"),
        ("button", {"buttons": "a"}, "buttons must be a non-empty array"),
        ("button", {"buttons": ["a"] * 11}, "at most 10 buttons can be sent"),
        ("button", {"buttons": ["a", {"type": "pay"}]}, "buttons[1].type must be one of reply, url, copy, call"),
        ("button", {"buttons": [{"type": "url", "text": "a"}]}, "buttons[0].url is required"),
        ("button", {"buttons": [{}]}, "buttons[0].id is required"),
        ("button", {"buttons": [None]}, "buttons[0].id is required"),
        ("button", {"buttons": ["a"], "image": "/etc/hostname"}, "Invalid image input"),
        ("button", {"buttons": ["a"], "image": "data:text/plain,hello"}, "Invalid image input"),
        ("list", {}, "at least one section with one row is required"),
        ("list", {"sections": [{"rows": []}, 5, {"rows": 5}]}, "at least one section with one row is required"),
        ("list", {"sections": [{"rows": ["a"] * 1001}]}, "at most 1000 rows in 10 lists can be sent"),
    ],
)
def test_what_is_refused(
    call: Call, ordered: list[Any], spool: Spool, kind: str, body: dict[str, Any], message: str
) -> None:
    """400 with code 2000; nothing is ordered, and nothing stays in the spool."""
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "s", "to": "628222", "text": "t", **body})
    assert (answer.status_code, answer.json) == (
        400, {"status": False, "code": 2000, "message": message, "results": None},
    )  # fmt: skip
    assert ordered == []
    assert [entry.key for entry in spool._storage.walk("spool/")] == []


@pytest.mark.parametrize("kind", ["button", "list"])
def test_the_session_comes_first(call: Call, kind: str) -> None:
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "gone"})
    assert (answer.status_code, answer.json["code"]) == (404, 1101)

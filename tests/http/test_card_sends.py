"""/api/v1/messages/send: contact, location, poll; in all the forms that callers use."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands

Call = Callable[..., testing.Result]

TO = "628222@s.whatsapp.net"

ABOUT = {"isForwarded": False, "quotedMessageId": None}


@pytest.fixture
def ordered(commands_sent: Callable[[type[commands.Outgoing]], list[Any]]) -> list[Any]:
    """The commands that came to the process of the session `s`."""
    return commands_sent(commands.Outgoing)


def send(call: Call, kind: str, body: dict[str, Any], **options: Any) -> Any:
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "s", "to": "628222", **body}, **options)
    assert answer.status_code == 200, answer.text
    return answer.json


BUDI = {"name": "Budi", "fullName": "Budi S", "phone": "08123", "org": "ACME", "email": "b@x.id"}


@pytest.mark.parametrize(
    "body",
    [
        {"contact": BUDI},
        {"contact": json.dumps(BUDI)},
        {"contact": [json.dumps(BUDI)]},
        {"name": "Budi", "fullName": "Budi S", "phone": "08123", "organization": "ACME", "email": "b@x.id"},
        {"contactName": "Budi", "fullName": "Budi S", "contactPhone": 628123, "org": "ACME", "contactEmail": "b@x.id"},
    ],
)
def test_a_contact(call: Call, ordered: list[Any], body: dict[str, Any]) -> None:
    answer = send(call, "contact", body)
    ((name, card),) = ordered[0].cards
    assert (ordered[0].to, name) == ((TO,), "Budi")
    assert card.split("\n")[3:] == [
        "FN:Budi S", "ORG:ACME", "EMAIL:b@x.id", "TEL;type=CELL;type=VOICE;waid=628123:+628123", "END:VCARD",
    ]  # fmt: skip
    entry = answer["results"][0]
    assert (answer["message"], entry["status"]) == ("Contact message sent", "contact success")
    assert list(entry["advancedInfo"].items()) == [*ABOUT.items(), ("displayName", "Budi")]


def test_contacts(call: Call, ordered: list[Any]) -> None:
    answer = send(call, "contact", {"contacts": [{"name": "A"}, {"fullName": "B"}], "replyMessageId": "Q"})
    assert [name for name, _ in ordered[0].cards] == ["A", "B"]
    assert (ordered[0].title, ordered[0].reply_to) == ("2 contacts", "Q")
    assert answer["results"][0]["advancedInfo"]["displayName"] == "2 contacts"


def test_the_phone_of_a_contact_and_of_a_session(call: Call, ordered: list[Any]) -> None:
    """Without `sessionId` it is the session's."""
    body = {"phone": "628111", "to": "628222", "name": "A", "contactPhone": "628333"}
    assert call("POST", "/messages/send/contact", json=body).status_code == 200
    assert "waid=628333:" in ordered[0].cards[0][1]


PLACE = {"latitude": -6.2, "longitude": 106.8, "name": "Monas", "address": "Jakarta"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"location": PLACE}, True),
        ({"loc": json.dumps(PLACE)}, True),
        ({"location": {"lat": "-6.2", "lng": "106.8", "name": "Monas"}, "address": "Jakarta"}, True),
        (PLACE, True),
        ({"lat": -6.2, "lng": "106.8"}, False),
        ({"location": [-6.2, 106.8]}, False),
        ({"location": "[-6.2, 106.8]"}, False),
        ({"loc": "-6.2, 106.8"}, False),
    ],
)
def test_a_location(call: Call, ordered: list[Any], body: dict[str, Any], named: bool) -> None:
    answer = send(call, "location", body)
    names: dict[str, Any] = {"name": "Monas", "address": "Jakarta"} if named else {}
    assert ordered == [commands.SendLocation(to=(TO,), latitude=-6.2, longitude=106.8, **names)]
    entry = answer["results"][0]
    assert (answer["message"], entry["status"]) == ("Location message sent", "location success")
    assert entry["advancedInfo"] == {
        **ABOUT, "location": {"degreesLatitude": -6.2, "degreesLongitude": 106.8, **names},
    }  # fmt: skip


POLL = {"question": "Where?", "options": ["a, b", "c", "c", " "], "maxSelection": 5}


@pytest.mark.parametrize(
    "body",
    [
        POLL,
        {"name": "Where?", "options": json.dumps(POLL["options"]), "selectableCount": "2"},
        {"poll": POLL},
        {"poll": json.dumps(POLL)},
        {"poll": ["a, b", "c"], "question": "Where?", "maxSelection": 2},
    ],
)
def test_a_poll(call: Call, ordered: list[Any], body: dict[str, Any]) -> None:
    answer = send(call, "poll", body)
    assert ordered == [commands.SendPoll(to=(TO,), question="Where?", options=("a, b", "c"), selectable=2)]
    entry = answer["results"][0]
    assert (answer["message"], entry["status"]) == ("Poll message sent", "poll success")
    assert entry["advancedInfo"] == {**ABOUT, "question": "Where?", "options": ["a, b", "c"], "maxSelection": 2}


@pytest.mark.parametrize(("most", "selectable"), [(None, 1), (0, 1), (-3, 1), ("x", 1), (1, 1), ("3", 3), (4, 3)])
def test_how_many_may_be_chosen(call: Call, ordered: list[Any], most: Any, selectable: int) -> None:
    """One at least, all at most."""
    send(call, "poll", {"question": "?", "options": "a,b;c", "maxSelection": most})
    assert (ordered[0].options, ordered[0].selectable) == (("a", "b", "c"), selectable)


@pytest.mark.parametrize(
    ("kind", "body", "code", "message"),
    [
        ("contact", {"to": ""}, 2001, "Missing or invalid 'to'"),
        ("poll", {"to": "nobody"}, 2001, "Missing or invalid 'to'"),
        ("contact", {"contact": [{}] * 101}, 2000, "At most 100 contacts can be sent in one message"),
        ("location", {}, 3012, "Invalid location payload"),
        ("location", {"location": "Jakarta"}, 3012, "Invalid location payload"),
        ("location", {"location": [1]}, 3012, "Invalid location payload"),
        ("location", {"location": {"lat": 1}}, 3012, "Invalid location payload"),
        ("location", {"lat": 91, "lng": 0}, 3012, "Invalid location payload"),
        ("location", {"lat": 0, "lng": "nan"}, 3012, "Invalid location payload"),
        ("poll", {}, 3012, "Poll payload invalid"),
        ("poll", {"question": "?"}, 3012, "Poll payload invalid"),
        ("poll", {"options": ["a"]}, 3012, "Poll payload invalid"),
        ("poll", {"poll": "a,b"}, 3012, "Poll payload invalid"),
        ("poll", {"question": "?", "options": [str(number) for number in range(101)]}, 3012, "Poll payload invalid"),
    ],
)
def test_what_is_refused(
    call: Call, ordered: list[Any], kind: str, body: dict[str, Any], code: int, message: str
) -> None:
    """With the contract's codes, before anything is ordered."""
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "s", "to": "628222", **body})
    assert (answer.status_code, answer.json) == (
        400, {"status": False, "code": code, "message": message, "results": None},
    )  # fmt: skip
    assert ordered == []


@pytest.mark.parametrize("kind", ["contact", "location", "poll"])
def test_the_session_comes_first(call: Call, kind: str) -> None:
    """Whatever else is wrong (contract, endpoints.md section 6)."""
    answer = call("POST", f"/messages/send/{kind}", json={"sessionId": "gone"})
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (404, 1101, None)


def test_a_live_location(call: Call, ordered: list[Any]) -> None:
    answer = send(call, "live-location", {"lat": "1", "lng": 2, "accuracy": 0, "replyMessageId": "Q"})
    assert ordered == [commands.SendLiveLocation(to=(TO,), latitude=1, longitude=2, accuracy=0, reply_to="Q")]
    told = {"degreesLatitude": 1.0, "degreesLongitude": 2.0, "accuracy": 0}
    assert answer["results"][0]["advancedInfo"]["location"] == told


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 3012), ({"location": "91,0"}, 3012), ({"location": "1,2", "accuracy": -1}, 2000),
        ({"location": "1,2", "speed": "inf"}, 2000), ({"location": "1,2", "heading": 361}, 2000),
        ({"location": "1,2", "to": ""}, 2001),
    ],
)  # fmt: skip
def test_live_locations_that_are_refused(call: Call, ordered: list[Any], body: dict[str, Any], code: int) -> None:
    answer = call("POST", "/messages/send/live-location", json={"sessionId": "s", "to": "628222", **body})
    assert (answer.status_code, answer.json["code"], ordered) == (400, code, [])

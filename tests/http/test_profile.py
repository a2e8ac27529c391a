"""/api/v1/profile: whose session it is, parameters and refusals; what works is in tests/e2e/test_profile.py."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands, keys
from warest.bus import answered, refused
from warest.contact_commands import Block
from warest.errors import InvalidInput, Unsupported, WhatsAppRefused
from warest.profile_commands import AskPrivacy, HidePicture, LookAt
from warest.store import Account, ContactNews, SessionRecord, Store

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]
Serve = Callable[..., None]

ROUTES = (
    ("GET", "info"), ("GET", "picture"), ("POST", "picture"), ("DELETE", "picture"), ("GET", "privacy"),
    ("GET", "list-contacts"), ("GET", "on-whatsapp"), ("GET", "business-profile"), ("POST", "on-whatsapp"),
    ("POST", "name"), ("POST", "about"), ("GET", "blocklist"), ("POST", "blocklist"), ("DELETE", "blocklist"),
    ("POST", "presence"),
)  # fmt: skip


def refusal(answer: testing.Result) -> tuple[int, int, str]:
    """Of the envelope of profiles: `results` is an empty list."""
    assert (answer.json["status"], answer.json["results"]) == (False, [])
    return answer.status_code, answer.json["code"], answer.json["message"]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_whose_session(
    call: Call, method: str, route: str, opened: Store, admin: Account, user: Account, online: Online
) -> None:
    """In this order, on every route; whatever else is wrong comes later."""
    online(user, "theirs")
    opened.create_session(admin, "offline")
    for given, expected in (
        ({}, (400, 2001, "Provide sessionId or phone")),
        ({"sessionId": "bad id"}, (400, 2002, "sessionId is invalid")),
        ({"SESSIONID": "no-such"}, (404, 1101, "Session not found")),
        ({"phone": "6289"}, (404, 1101, "Session not found")),
        ({"session": "theirs"}, (403, 2201, "Forbidden")),
        ({"Id": "offline"}, (409, 1106, "Login required (scan QR or pairing)")),
    ):
        assert refusal(call(method, f"/profile/{route}", params=given)) == expected, given
    assert refusal(call(method, f"/profile/{route}", json={"sessionid": "no-such"}))[1] == 1101
    assert call(method, f"/profile/{route}", key=None).status_code == 401


@pytest.fixture
def said(online: Online, admin: Account, serve: Serve) -> list[Any]:
    """The session `s` is online, and answers; the commands that it got."""
    seen: list[Any] = []
    record = online(admin, "s")

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        seen.append(order := commands.decode(command))
        if isinstance(order, commands.CheckNumbers):
            found = {"exists": True, "lid": "9@lid"}
            return answered([{**found, "number": one, "pn": f"{one}@s.whatsapp.net"} for one in order.numbers])
        if isinstance(order, LookAt):
            blank = dict.fromkeys(("pn", "lid", "about", "picture_id", "verified_name", "push_name"), "")
            return answered([{**blank, "jid": jid, "full": None, "preview": None} for jid in order.jids])
        return refused(WhatsAppRefused("WhatsApp has not said."))

    serve(keys.command_queue(record.ulid), "execute", execute)
    return seen


def test_the_body_wins(call: Call, said: list[Any]) -> None:
    """Over the query; a list is no word."""
    told = {"params": {"sessionId": "no-such", "checkNumbers": "628111111"}, "json": {"sessionId": "s"}}
    assert call("GET", "/profile/on-whatsapp", **told).json["code"] == 1000
    assert refusal(call("GET", "/profile/info", json={"sessionId": ["s"]}))[:2] == (400, 2001)


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ({"checkNumbers": "628111111, 08222222;+628333333"}, ("628111111", "628222222", "628333333")),
        ({"checkNumbers": ["628111111", 628222222]}, ("628111111", "628222222")),
        ({"checkNumber": "628111111@c.us"}, ("628111111",)),
        ({"phone": "628111111"}, ("628111111",)),
        ({"number": "0062811-1111"}, ("628111111",)),
    ],
)
def test_which_numbers(call: Call, said: list[Any], given: dict[str, Any], numbers: tuple[str, ...]) -> None:
    answer = call("GET", "/profile/on-whatsapp", json={"sessionId": "s", **given})
    assert said[0].numbers == numbers and answer.json["code"] == 1000
    data = answer.json["results"][0]["data"]
    assert isinstance(data, list) is (len(numbers) > 1)


def test_nobody_is_looked_up_twice(call: Call, said: list[Any], online: Online, admin: Account) -> None:
    """Within two minutes, by the same session: WhatsApp counts how often it is asked."""

    def check(numbers: str, **more: str) -> Any:
        query = {"sessionId": "s", "checkNumbers": numbers, **more}
        return call("GET", "/profile/on-whatsapp", params=query).json["results"][0]["data"]

    first = check("628111111,628222222")
    assert check("628222222,628333333,628111111")[::2] == first[::-1]
    assert (
        call("POST", "/misc/whatsapp/validate/phone", json={"sessionId": "s", "phone": "628111111"}).status_code == 200
    )
    assert [order.numbers for order in said] == [("628111111", "628222222"), ("628333333",)]
    check("628111111", deep="true")
    check("628111111", deep="true")
    assert len(said) == 3
    for _ in range(2):
        call("GET", "/profile/info", params={"sessionId": "s"})
    assert len(said) == 5  # one's own changes when one changes it


def test_a_session_by_its_number(call: Call, said: list[Any]) -> None:
    """Then the numbers have to be said by their own name."""
    told = call("GET", "/profile/on-whatsapp", params={"phone": "628111", "checkNumbers": "628222222"}).json
    assert told["results"][0]["data"]["phone"] == "628222222"
    answer = call("GET", "/profile/on-whatsapp", params={"phone": "628111"})
    assert refusal(answer) == (400, 2001, "checkNumbers is required")


@pytest.mark.parametrize(
    ("method", "route", "given", "code"),
    [
        ("GET", "on-whatsapp", {}, (400, 2001)),
        ("GET", "on-whatsapp", {"checkNumbers": "nobody"}, (400, 2002)),
        ("GET", "on-whatsapp", {"checkNumbers": "12036300@g.us"}, (400, 2002)),
        ("GET", "on-whatsapp", {"checkNumbers": "1" * 30}, (400, 2002)),
        ("GET", "on-whatsapp", {"checkNumbers": [str(628000000 + n) for n in range(501)]}, (400, 2002)),
        ("GET", "on-whatsapp", {"checkNumbers": [str(628000000 + n) for n in range(51)], "deep": "true"}, (400, 2002)),
        ("GET", "business-profile", {}, (400, 2001)),
        ("GET", "business-profile", {"checkNumbers": "628111111"}, (501, 8005)),
        ("POST", "picture", {}, (400, 2001)),
        ("POST", "picture", {"picture": ""}, (400, 2001)),
        ("POST", "on-whatsapp", {"checkNumbers": [str(628000000 + n) for n in range(501)]}, (400, 2002)),
        ("POST", "name", {}, (400, 2001)),
        ("POST", "name", {"name": "  "}, (400, 2001)),
        ("POST", "name", {"name": "x" * 26}, (400, 2002)),
        ("POST", "about", {}, (400, 2001)),
        ("POST", "about", {"about": "x" * 140}, (400, 2002)),
        ("POST", "blocklist", {}, (400, 2001)),
        ("POST", "blocklist", {"contact": "nobody"}, (400, 2002)),
        ("DELETE", "blocklist", {"contact": "1@g.us"}, (400, 2002)),
        ("GET", "list-contacts", {"type": "enemies"}, (400, 2002)),
        ("GET", "list-contacts", {"type": "groups", "groupIds": "a b"}, (400, 2002)),
        ("GET", "list-contacts", {"type": "groups", "groupIds": [str(n) for n in range(51)]}, (400, 2002)),
        ("GET", "privacy", {}, (502, 2800)),
    ],
)
def test_refusals(
    call: Call, said: list[Any], method: str, route: str, given: dict[str, Any], code: tuple[int, int]
) -> None:
    """WhatsApp is asked for nothing, but where it refuses."""
    assert refusal(call(method, f"/profile/{route}", json={"sessionId": "s", **given}))[:2] == code
    assert [type(each) for each in said] == ([AskPrivacy] if code[0] == 502 else [])


@pytest.mark.parametrize(("method", "code"), [("POST", 6002), ("DELETE", 6003)])
def test_whatsapp_does_not_block(call: Call, said: list[Any], method: str, code: int) -> None:
    """A number is named as WhatsApp does."""
    answer = call(method, "/profile/blocklist", json={"sessionId": "s", "to": "08222"})
    assert refusal(answer) == (502, code, "WhatsApp has not said.")
    assert said == [Block(jid="628222@s.whatsapp.net", blocked=method == "POST")]


@pytest.mark.parametrize("picture", ["/etc/passwd", "data:image/png;base64,%%%", "http://127.0.0.1:9/x.png"])
def test_a_picture_that_is_none(call: Call, said: list[Any], serve: Serve, picture: str) -> None:
    """No path of a file on the server, and no URL that leads to ourselves (quirks S3 and S4)."""
    serve(keys.MEDIA_QUEUE, "edit_image", lambda **_: refused(InvalidInput("This is no picture")))
    answer = call("POST", "/profile/picture", json={"sessionId": "s", "avatar": picture})
    assert refusal(answer) == (400, 2002, "picture is invalid or unreadable")
    assert said == []


def test_contacts(call: Call, said: list[Any], opened: Store, admin: Account) -> None:
    """By the name of the address book, else by their own; in pages; with `deep` 50 at most."""
    record = opened.session("s")
    assert record is not None
    news = [ContactNews(jid=f"{n:03}@lid", lid=f"{n:03}@lid", pn=f"628{n:03}@s.whatsapp.net") for n in range(60)]
    named = [
        ContactNews(jid="000@lid", name="Budi", notify="budi99", verified_name="Budi's", is_my_contact=True),
        ContactNews(jid="001@lid", notify="Citra"),
    ]
    opened.contacts.put(record.ulid, [*news, *named, ContactNews(jid="999@lid", lid="999@lid")])

    def listed(**given: Any) -> list[dict[str, Any]]:
        found = call("GET", "/profile/list-contacts", params={"sessionId": "s", **given}).json["results"][0]
        assert found["phone"] == "628111"
        data: list[dict[str, Any]] = found["data"]
        return data

    first, second, *others = listed()
    assert len(others) == 13
    names = {"pn": "628000@s.whatsapp.net", "lid": "000@lid", "contactId": "000@lid"}
    assert first == {"jid": names["pn"], "phone": "628000", "name": "Budi", "verifiedName": "Budi's", **names}
    assert (second["name"], others[0]["name"]) == ("Citra", None)
    (last,) = listed(offset="60", limit="999999")
    assert (last["jid"], last["phone"]) == ("999@lid", None)
    assert len(listed(limit="-3")) == 1 and len(listed(limit="many")) == 15
    deep = listed(deep="true", limit="1000")
    assert len(deep) == 50 and deep[0]["picture"] == {"full": None, "preview": None} and deep[0]["about"] is None
    assert said == [LookAt(jids=tuple(each["jid"] for each in deep), pictures=True)]


def test_without_the_fix_of_the_engine(call: Call, online: Online, admin: Account, serve: Serve) -> None:
    """A picture stays, and that is said."""
    record = online(admin, "s")
    serve(keys.command_queue(record.ulid), "execute", lambda **_: refused(Unsupported("The engine cannot.")))
    assert refusal(call("DELETE", "/profile/picture", params={"sessionId": "s"}))[:2] == (501, 8005)
    told = {"sessionId": "s", "groupId": "120363@g.us"}
    assert refusal(call("DELETE", "/group/picture", params=told))[:2] == (501, 8005)


def test_a_group_keeps_its_picture_when_whatsapp_refuses(call: Call, said: list[Any]) -> None:
    """207, as in the original."""
    answer = call("DELETE", "/group/picture", params={"sessionId": "s", "groupId": "120363@g.us"})
    assert (answer.status_code, answer.json["code"], answer.json["results"][0]["status"]) == (207, 1004, "failed")
    assert said == [HidePicture(jid="120363@g.us")]

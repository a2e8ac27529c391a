"""The record of events: parameters, refusals, and whose events one gets. tests/e2e/test_events_api.py has the rest."""

from collections.abc import Callable

import pytest
from falcon import testing

from warest import events
from warest.config.house import House
from warest.ids import new_event_id
from warest.store import Account

Call = Callable[..., testing.Result]


def publish(parts: House, number: int, registry: str = "admin") -> str:
    identity = events.SessionIdentity("01ULID", "s", "s", registry, registry)
    event = events.make_now(identity, events.CALL, {"n": number}, event_id=new_event_id())
    assert parts.bus.publish(identity, event)
    return event.id


@pytest.mark.parametrize("path", ["/events", "/events/stream"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"after": "yesterday"}, "after must be a cursor"),
        ({"after": "1"}, "after must be a cursor"),
        ({"after": "1-9999999"}, "after must be a cursor"),
        ({"types": "call,nonsense,,"}, "no events of type nonsense"),
    ],
)
def test_refusals(call: Call, path: str, given: dict[str, str], said: str) -> None:
    """Also of a browser that comes again with a position of something else."""
    answer = call("GET", path, params=given)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, 2002, [])
    assert said in answer.json["message"]


def test_a_position_that_is_none(call: Call) -> None:
    """400, though the address has a good one."""
    answer = call("GET", "/events/stream", params={"after": "now"}, headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.json["code"]) == (400, 2002)


@pytest.mark.parametrize("path", ["/events", "/events/stream", "/events/evt_1"])
def test_without_a_key(call: Call, path: str) -> None:
    assert call("GET", path, key=None).json == {"error": "Missing X-WAREST-API-KEY"}
    assert call("GET", path, key="wrong").status_code == 401
    assert call("POST", path).status_code == 404


def test_a_page_may_listen_by_its_cookie(call: Call, parts: House) -> None:
    """To the stream only: the other routes want a key."""
    login = call("POST", "/api/auth/session")
    cookie = {"Cookie": f"WAREST_DOCS_SESSION={login.cookies['WAREST_DOCS_SESSION'].value}"}
    assert call("GET", "/events/stream", key=None, headers=cookie, params={"after": "x"}).json["code"] == 2002
    assert call("GET", "/events", key=None, headers=cookie).status_code == 401
    wrong = {"Cookie": "WAREST_DOCS_SESSION=nonsense"}
    assert call("GET", "/events/stream", key=None, headers=wrong).status_code == 401


def test_pages(call: Call, parts: House) -> None:
    """The oldest first, from any cursor; the last one says where to go on."""
    made = [publish(parts, number) for number in range(5)]
    first = call("GET", "/events", params={"limit": "2"}).json["results"][0]
    assert [item["eventId"] for item in first["items"]] == made[:2] and first["hasMore"] is True
    assert first["next"] == first["items"][1]["cursor"]
    rest = call("GET", "/events", params={"after": first["next"], "limit": "nonsense"}).json["results"][0]
    assert [item["body"]["data"]["n"] for item in rest["items"]] == [2, 3, 4] and rest["hasMore"] is False
    nothing = {"items": [], "next": rest["next"], "hasMore": False}
    for cursor in (rest["next"], "now"):
        assert call("GET", "/EVENTS/", params={"after": cursor}).json["results"] == [nothing]


def test_whose_events(call: Call, parts: House, user: Account) -> None:
    """One's own, also by id; those of others are as good as none."""
    ours, theirs = publish(parts, 1), publish(parts, 2, user.registry)
    for key, own, foreign in (("admin-key-of-the-tests", ours, theirs), ("user-key-of-the-tests", theirs, ours)):
        page = call("GET", "/events", key=key, params={"session": "s"}).json["results"][0]
        assert [item["eventId"] for item in page["items"]] == [own]
        assert call("GET", f"/events/{own}", key=key).json["results"] == page["items"]
        refused = call("GET", f"/events/{foreign}", key=key)
        assert (refused.status_code, refused.json["code"]) == (404, 2600)
    assert call("GET", "/events/%00").status_code == 404


def test_redis_is_away(call: Call, parts: House) -> None:
    parts.redis.set("warest:events", "in the way")
    for path in ("/events", "/events/stream"):
        assert call("GET", path).status_code == 503

"""The routes of webhooks: what they refuse, and whose endpoints they show.

What works is in tests/e2e/test_webhooks.py.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import store
from warest.config.settings import Settings
from warest.ids import new_ulid
from warest.store import Account, Note, SessionRecord, Store
from warest.vault import Vault

USER_KEY = "user-key-of-the-tests"

Call = Callable[..., testing.Result]

URL = {"url": "https://example.com/hook"}


@pytest.fixture
def session(opened: Store, admin: Account) -> SessionRecord:
    return opened.create_session(admin, "s")


@pytest.fixture
def endpoint(opened: Store, admin: Account, session: SessionRecord) -> str:
    return opened.endpoints.create(admin, session.ulid, url="https://example.com", secret="a secret").id


@pytest.fixture
def delivery(opened: Store, admin: Account, session: SessionRecord, endpoint: str) -> str:
    """Of an event that is not kept."""
    told: dict[str, Any] = {"event_id": "evt_1", "event": "call", "created_at": time.time(), "state": "dead"}
    note = Note(delivery=new_ulid(), endpoint=endpoint, session=session.ulid, registry=admin.registry, **told)
    opened.deliveries.write([note])
    return note.delivery


def told(answer: testing.Result) -> tuple[int, int, list[Any]]:
    return answer.status_code, answer.json["code"], answer.json["results"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (400, 2001)),
        ({"url": "ftp://x/"}, (400, 1201)),
        ({"url": "no url"}, (400, 1201)),
        ({"url": "https://x/" + "x" * 5000}, (400, 2000)),
        (URL | {"events": ["no_event"]}, (400, 2000)),
        (URL | {"events": 5}, (400, 2000)),
        (URL | {"events": [5]}, (400, 2000)),
        (URL | {"secret": "short"}, (400, 2000)),
        (URL | {"sessionId": "none"}, (404, 1101)),
    ],
)
def test_what_makes_no_endpoint(call: Call, session: SessionRecord, given: Any, expected: Any) -> None:
    assert told(call("POST", "/webhooks", json=given)) == (*expected, [])
    assert len(call("GET", "/webhooks").json["results"]) == 1


def test_the_events_there_are_stand_in_the_refusal(call: Call, session: SessionRecord) -> None:
    """Whoever mistypes one sees how it is written."""
    message = call("POST", "/webhooks", json=URL | {"events": "mesage_received"}).json["message"]
    assert "'mesage_received'" in message and "message_received," in message


def test_an_endpoint_that_is_made(call: Call, session: SessionRecord) -> None:
    """With what it is asked for, and secrets of its own, that are shown by a route of their own later."""
    (made,) = call("POST", "/webhooks", json=URL | {"events": " call, call,group_join "}).json["results"]
    assert (made["url"], made["events"], made["state"], made["isConfig"]) == (
        URL["url"],
        ["call", "group_join"],
        "enabled",
        False,
    )
    (secrets,) = made["secrets"]
    assert len(secrets["secret"]) == 32 and secrets["standardSecret"].startswith("whsec_")
    (shown,) = call("GET", f"/webhooks/{made['id']}").json["results"]
    assert shown == {name: value for name, value in made.items() if name != "secrets"}
    assert call("GET", f"/webhooks/{made['id']}/secrets").json["results"] == [made]
    own = {"url": "https://other/", "secret": "my own secret"}
    (changed,) = call("PATCH", f"/webhooks/{made['id']}", json=own).json["results"]
    assert changed["url"] == "https://other/" and changed["events"] == ["call", "group_join"]
    (now,) = call("GET", f"/webhooks/{made['id']}/secrets").json["results"]
    assert [each["secret"] for each in now["secrets"]] == ["my own secret"]


def test_there_is_an_end_to_endpoints(call: Call, session: SessionRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event goes to all of them."""
    monkeypatch.setattr("warest.http.resources.webhooks.MOST", 2)
    answers = [call("POST", "/webhooks", json=URL).status_code for _ in range(3)]
    assert answers == [200, 200, 409]


def test_the_one_of_config_is_not_deleted(call: Call, session: SessionRecord) -> None:
    """It belongs to its session; to clear its URL is what is meant."""
    (config,) = call("GET", "/webhooks", params={"sessionId": "s"}).json["results"]
    assert config["isConfig"] and told(call("DELETE", f"/webhooks/{config['id']}"))[:2] == (409, 2003)
    assert told(call("POST", f"/webhooks/{config['id']}/test"))[:2] == (409, 2003)


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("GET", "/webhooks/{id}", {}),
        ("PATCH", "/webhooks/{id}", URL),
        ("DELETE", "/webhooks/{id}", {}),
        ("GET", "/webhooks/{id}/secrets", {}),
        ("POST", "/webhooks/{id}/rotate", {}),
        ("POST", "/webhooks/{id}/pause", {}),
        ("POST", "/webhooks/{id}/resume", {}),
        ("POST", "/webhooks/{id}/test", {}),
        ("POST", "/webhooks/{id}/resend", {}),
        ("POST", "/webhooks/{id}/replay", {"since": 1}),
        ("GET", "/webhooks/deliveries/{id}", {}),
        ("POST", "/webhooks/deliveries/{id}/resend", {}),
    ],
)
def test_a_stranger_finds_nothing(
    call: Call,
    user: Account,
    endpoint: str,
    delivery: str,
    opened: Store,
    admin: Account,
    method: str,
    path: str,
    given: Any,
) -> None:
    """Somebody else's is as good as none; and none is what there is of an odd id."""
    mine = delivery if "deliveries" in path else endpoint
    for id, key in ((mine, USER_KEY), (new_ulid(), None), ("x" * 300, None)):
        own = {"key": key} if key else {}
        answer = call(method, path.format(id=id), json=given, **own)
        assert told(answer) == (404, 2600, [])
    assert opened.endpoints.get(admin, endpoint) is not None


@pytest.mark.parametrize(
    "given", [{"overlapHours": -1}, {"overlapHours": 10_000}, {"overlapHours": "x"}, {"secret": "x"}]
)
def test_odd_rotations(call: Call, endpoint: str, given: Any) -> None:
    assert told(call("POST", f"/webhooks/{endpoint}/rotate", json=given))[:2] == (400, 2000)


def test_the_log_shows_ones_own(call: Call, user: Account, delivery: str) -> None:
    """And each filter takes only what it names."""

    def ids(**wanted: Any) -> list[str]:
        (page,) = call("GET", "/webhooks/deliveries", params=wanted).json["results"]
        return [each["id"] for each in page["items"]]

    assert ids() == ids(state="dead", event="call", eventId="evt_1", sessionId="s", limit="1", since="0") == [delivery]
    assert ids(state="pending") == ids(event="x") == ids(eventId="x") == ids(endpointId="x") == ids(until="1") == []
    assert call("GET", "/webhooks/deliveries", key=USER_KEY).json["results"] == [{"items": [], "next": None}]
    assert told(call("GET", "/webhooks/deliveries", params={"state": "x"}))[:2] == (400, 2000)
    assert told(call("GET", "/webhooks/deliveries", params={"since": "x"}))[:2] == (400, 2000)
    assert told(call("GET", "/webhooks/deliveries", params={"sessionId": "none"}))[:2] == (404, 1101)


def test_what_cannot_be_sent_again(call: Call, endpoint: str, delivery: str) -> None:
    """An event that is no longer kept; a range of time without a beginning."""
    assert told(call("POST", f"/webhooks/deliveries/{delivery}/resend"))[:2] == (409, 2003)
    assert told(call("POST", f"/webhooks/{endpoint}/replay"))[:2] == (400, 2001)
    assert told(call("POST", f"/webhooks/{endpoint}/resend", json={"state": "lost"}))[:2] == (400, 2000)


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"sessionId": "s"}, 400, "url and secret required"),
        ({"sessionId": "s", "url": "http://x/"}, 400, "url and secret required"),
        ({"sessionId": "s", "url": [], "secret": "x"}, 400, "url and secret required"),
        ({"sessionId": "s", "url": ["http://x/"] * 11, "secret": "x"}, 400, "10 URLs at most"),
        ({"url": "http://x/", "secret": "x"}, 404, "Session not found"),
        ({"sessionId": "none", "url": "http://x/", "secret": "x"}, 404, "Session not found"),
        ({"sessionId": "theirs", "url": "http://x/", "secret": "x"}, 404, "Session not found"),
    ],
)
def test_preflights_that_are_refused(
    call: Call, opened: Store, user: Account, session: SessionRecord, given: Any, status: int, error: str
) -> None:
    """Somebody else's session is as good as none (S1)."""
    opened.create_session(user, "theirs")
    answer = call("POST", "/api/webhooks/preflight", json=given)
    assert (answer.status_code, answer.json) == (status, {"error": error})


def test_a_preflight_that_nobody_makes(call: Call, session: SessionRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs: the caller hears that, in the contract's shape."""
    monkeypatch.setattr("warest.http.resources.preflight.PATIENCE", 1.0)
    answer = call("POST", "/api/webhooks/preflight", json={"sessionId": "s", **URL, "secret": "x"})
    assert answer.status_code == 500 and answer.json["ok"] is False and "could not be asked" in answer.json["error"]


def test_one_whose_key_is_gone(call: Call, settings: Settings, admin: Account) -> None:
    """It is shown as disabled, nothing is signed with anything else, and it can be given new secrets."""
    sealed = store.open(store.Sqlite(settings.sqlite_path), Vault(lambda: ("a key of sixteen and more",)))
    session = sealed.create_session(admin, "s")
    sealed.endpoints.change(admin, session.ulid, url="https://example.com/", secret="a-secret")
    path = f"/webhooks/{session.ulid}"
    (shown,) = call("GET", path).json["results"]
    assert (shown["state"], shown["reason"], shown["url"]) == ("disabled", "locked", "https://example.com/")
    assert call("GET", f"{path}/secrets").json["results"][0]["secrets"] == []
    assert told(call("POST", f"{path}/test"))[:2] == (409, 2003)
    assert call("POST", "/session/create", json={"sessionId": "s"}).json["results"][0]["webhookSecret"] == ""
    refused = call("POST", "/session/s/config", json={"webhookUrl": "https://example.com/new"})
    assert told(refused)[:2] == (409, 2003) and "WAREST_SECRETS_KEY" in refused.json["message"]
    assert len(call("POST", f"{path}/rotate").json["results"][0]["secrets"]) == 1
    (shown,) = call("GET", path).json["results"]
    assert (shown["state"], shown["reason"]) == ("enabled", "")

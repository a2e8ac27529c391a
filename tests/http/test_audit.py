"""The audit trail: who did what."""

from collections.abc import Callable
from typing import Any

from falcon import testing

from warest.store import Account

USER_KEY = "user-key-of-the-tests"

Call = Callable[..., testing.Result]


def trail(call: Call, **query: Any) -> list[dict[str, Any]]:
    answer = call("GET", "/audit", params=query)
    assert answer.status_code == 200, answer.json
    items: list[dict[str, Any]] = answer.json["results"][0]["items"]
    return items


def test_what_was_changed_is_noted(call: Call) -> None:
    """By whom, with which key, to what, from where; the newest first. What failed, or only read, is not."""
    key = call("POST", "/keys", json={"name": "for scripts"}).json["results"][0]
    call("DELETE", f"/keys/{key['id']}")
    call("DELETE", f"/keys/{key['id']}")
    call("GET", "/session/list")
    revoked, made = trail(call)
    assert (made["action"], made["keyName"], made["username"]) == ("POST /keys", "first key", "admin")
    assert (revoked["action"], revoked["target"]) == ("DELETE /keys/{keyId}", key["id"])
    assert revoked["address"] == "127.0.0.1" and revoked["registry"] == "admin"
    assert trail(call, action="POST /keys") == [made]


def test_sessions_are_noted(call: Call) -> None:
    """Also where a GET makes one; by its name."""
    call("GET", "/session/create", params={"sessionId": "one"})
    call("POST", "/session/one/config", json={"webhookUrl": "https://example.com/a-secret-path"})
    config, created = trail(call)
    assert (created["action"], created["target"]) == ("GET /session/create", "one")
    assert config["target"] == "one" and "secret" not in str(config)


def test_logins_are_noted(call: Call) -> None:
    """Those that succeed, and those that lock; not each failure, of which there may be any number."""
    credentials = {"username": "admin", "password": "a password"}
    call("POST", "/api/auth/login", key=None, json=credentials)
    for _ in range(6):
        call("POST", "/api/auth/login", key=None, json=credentials | {"password": "a wrong one"})
    assert [each["action"] for each in trail(call, everybody=True)] == ["login locked", "login"]
    assert "wrong" not in str(trail(call, everybody=True))


def test_everybody_is_for_admins(call: Call, user: Account) -> None:
    """A user sees what was done under his own name."""
    call("POST", "/keys", key=USER_KEY, json={"name": "mine"})
    call("POST", "/keys", json={"name": "the admin's"})
    refused = call("GET", "/audit", key=USER_KEY, params={"everybody": "true"})
    assert (refused.status_code, refused.json["code"]) == (403, 2201)
    assert [each["username"] for each in call("GET", "/audit", key=USER_KEY).json["results"][0]["items"]] == ["user"]
    assert [each["username"] for each in trail(call, everybody="true")] == ["admin", "user"]
    page = call("GET", "/audit", params={"everybody": "true", "limit": "1"}).json["results"][0]
    assert [each["username"] for each in trail(call, everybody="true", cursor=page["next"])] == ["user"]

"""Several keys a user: what each opens, where, and until when."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.http.scopes import scope_of
from warest.scopes import Scope
from warest.store import Account, SessionRecord, Store, key_hash

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]

INVALID = {"error": "Invalid X-WAREST-API-KEY"}


def make(call: Call, **given: Any) -> dict[str, Any]:
    answer = call("POST", "/keys", json={"name": "a key", **given})
    assert answer.status_code == 200, answer.json
    key: dict[str, Any] = answer.json["results"][0]
    return key


def listed(call: Call, id: str) -> dict[str, Any]:
    (found,) = [each for each in call("GET", "/keys").json["results"] if each["id"] == id]
    return dict(found)


def sessions(call: Call, key: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = call("GET", "/session/list", key=key).json["results"][0]["items"]
    return items


def test_a_key_is_made_used_and_revoked(call: Call, opened: Store) -> None:
    """It is told once; what is kept of it opens nothing (quirk S5)."""
    made = make(call)
    key = made.pop("apiKey")
    assert call("GET", "/session/list", key=key).status_code == 200
    shown = listed(call, made["id"])
    assert "apiKey" not in shown and key.endswith(shown["hint"]) and len(shown["hint"]) == 4
    assert shown["lastUsedAt"] > time.time() - 60 and shown["lastAddress"] == "127.0.0.1"
    for other in (key.upper(), key[:-1], f" {key}x", key[-64:]):
        assert call("GET", "/session/list", key=other).json == INVALID
    assert call("DELETE", f"/keys/{made['id']}").json["results"][0]["id"] == made["id"]
    assert call("GET", "/session/list", key=key).json == INVALID
    assert call("DELETE", f"/keys/{made['id']}").json["code"] == 2600


def test_the_stored_hash_is_no_key(call: Call, opened: Store, user: Account) -> None:
    """Quirk S5: neither of the first key nor of a made one, in whatever case."""
    for key in (ADMIN_KEY, USER_KEY, make(call)["apiKey"]):
        for wrong in (key_hash(key), key_hash(key).upper(), key.upper()):
            assert call("GET", "/session/list", key=wrong).json == INVALID


SCOPES = [
    ("GET", "/session/list", Scope.READ),
    ("GET", "/chats", Scope.READ),
    ("POST", "/misc/uuid/generate", Scope.READ),
    ("POST", "/messages/send/text", Scope.SEND),
    ("GET", "/messages/send/text", Scope.SEND),
    ("POST", "/chats/1/read", Scope.SEND),
    ("GET", "/session/create", Scope.MANAGE),
    ("GET", "/session/logout", Scope.MANAGE),
    ("GET", "/session/reconnect", Scope.MANAGE),
    ("GET", "/session/create/pair-code", Scope.MANAGE),
    ("DELETE", "/session/delete", Scope.MANAGE),
    ("POST", "/group/create", Scope.MANAGE),
    ("POST", "/profile/name", Scope.MANAGE),
    ("POST", "/webhooks", Scope.MANAGE),
    ("GET", "/webhooks/x/secrets", Scope.MANAGE),
    ("GET", "/keys", Scope.ADMIN),
    ("POST", "/keys", Scope.ADMIN),
    ("GET", "/users", Scope.ADMIN),
    ("GET", "/audit", Scope.ADMIN),
    ("POST", "/server/restart/scheduled", Scope.ADMIN),
]


@pytest.mark.parametrize(("method", "path", "needed"), SCOPES)
def test_scopes(call: Call, opened: Store, method: str, path: str, needed: Scope) -> None:
    """A key without the scope is refused before anything is looked at; with it, and without the others, it is not."""
    opened.api_keys.make("admin", "all but that", name="x", scopes=set(Scope) - {needed})
    opened.api_keys.make("admin", "only that", name="x", scopes={needed})
    refused = call(method, path, key="all but that", json={})
    assert (refused.status_code, refused.json["code"]) == (403, 2205) and needed in refused.json["error"]
    assert call(method, path, key="only that", json={}).json.get("code") != 2205
    assert call("GET", "/users/me", key="only that").json.get("code") == (1000 if needed is Scope.READ else 2205)


def test_every_route_has_a_scope(client: testing.TestClient, admin_headers: dict[str, str]) -> None:
    """What changes something is never `read`, but for questions that need a body."""
    paths = client.simulate_get("/docs/openapi.json", headers=admin_headers).json["paths"]
    writing = {
        path
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/v1") and method != "get" and scope_of(method.upper(), path) is Scope.READ
    }
    assert {path for path in writing if not path.startswith("/api/v1/misc/")} == {"/api/v1/profile/on-whatsapp"}


def test_some_sessions_only(call: Call, opened: Store, online: Online, admin: Account) -> None:
    """Others are as good as none, also where no session is named."""
    one, two = online(admin, "one"), online(admin, "two")
    key = make(call, sessions=["one"])["apiKey"]
    assert [each["id"] for each in sessions(call, key)] == ["one"]
    assert call("GET", "/chats", key=key, params={"sessionId": "one"}).status_code == 200
    assert call("GET", "/chats", key=key, params={"sessionId": "two"}).json["code"] == 1101
    assert call("GET", "/session/devices", key=key, params={"sessionId": "two"}).json["code"] == 2201
    assert call("POST", "/session/two/config", key=key, json={"webhookUrl": "https://x"}).json["code"] == 2201
    assert call("GET", "/session/create", key=key, params={"sessionId": "three"}).json["code"] == 2201
    assert opened.session("three") is None
    endpoints = call("GET", "/webhooks", key=key).json["results"]
    assert [each["sessionId"] for each in endpoints] == ["one"]
    for_all = call("POST", "/webhooks", key=key, json={"url": "https://example.com"})
    assert (for_all.status_code, for_all.json["code"]) == (403, 2201)
    assert call("GET", f"/webhooks/{two.ulid}", key=key).json["code"] == 2600
    assert call("GET", f"/webhooks/{one.ulid}", key=key).status_code == 200
    assert call("GET", "/server/info", key=key).json == {"error": "Admin only"}
    assert call("GET", "/users/me", key=key).json["results"][0]["key"]["sessions"] == ["one"]


def test_a_key_whose_sessions_have_gone_opens_none(call: Call, opened: Store, online: Online, admin: Account) -> None:
    record = online(admin, "one")
    online(admin, "two")
    key = make(call, sessions="one")["apiKey"]
    opened.delete_session(admin, record.ulid)
    assert sessions(call, key) == []
    assert call("GET", "/events", key=key).json["results"][0]["items"] == []


def test_some_addresses_only(call: Call, opened: Store, application: Callable[..., testing.TestClient]) -> None:
    """Elsewhere it is as good as wrong: nobody learns that he has found a key."""
    key = make(call, addresses=["10.1.0.0/16", "2001:db8::1"])["apiKey"]
    assert call("GET", "/session/list", key=key).json == INVALID
    client = application(trusted_proxies="127.0.0.1")

    def status(address: str) -> int:
        headers = {"X-WAREST-API-KEY": key, "X-Forwarded-For": address}
        return client.simulate_get("/api/v1/session/list", headers=headers).status_code

    assert [status(each) for each in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1")] == [200] * 3
    assert [status(each) for each in ("10.2.0.1", "2001:db8::2", "1.1.1.1")] == [401] * 3


def test_keys_end(call: Call, opened: Store) -> None:
    opened.api_keys.make("admin", "over", name="x", expires_at=time.time() - 1)
    assert call("GET", "/session/list", key="over").json == INVALID
    key = make(call, expiresInDays=1)
    assert abs(key["expiresAt"] - time.time() - 86_400) < 60
    assert call("GET", "/session/list", key=key["apiKey"]).status_code == 200


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"name": ""}, 400, "name is required"),
        ({"scopes": ["read", "everything"]}, 400, "everything"),
        ({"scopes": 5}, 400, "scopes"),
        ({"sessions": ["nobody"]}, 404, "nobody"),
        ({"addresses": ["10.0.0.0/33"]}, 400, "addresses"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, 400, "over already"),
        ({"expiresInDays": -1}, 400, "expiresInDays"),
        ({"registry": "NOBODY"}, 404, "User not found"),
    ],
)
def test_keys_that_are_not_made(call: Call, given: dict[str, Any], status: int, told: str) -> None:
    answer = call("POST", "/keys", json={"name": "x", **given})
    assert answer.status_code == status and told in answer.json["message"], answer.json


def test_nobody_makes_a_key_that_opens_more(call: Call, opened: Store) -> None:
    """Neither more scopes nor more addresses; and one for some sessions makes none at all."""
    addresses = ["127.0.0.1/32"]
    opened.api_keys.make("admin", "limited", name="x", scopes={Scope.ADMIN, Scope.READ}, addresses=addresses)
    more = call("POST", "/keys", key="limited", json={"name": "x", "scopes": ["send"]})
    assert (more.status_code, more.json["code"]) == (403, 2201)
    mine = call("POST", "/keys", key="limited", json={"name": "x"}).json["results"][0]
    assert (mine["scopes"], mine["addresses"]) == (["read", "admin"], addresses)
    assert call("POST", "/api/auth/session", key=None, json={"apiKey": "limited"}).status_code == 403


def test_a_key_for_sessions_is_not_for_keys(call: Call, online: Online, admin: Account) -> None:
    """Else it could revoke those for the other sessions."""
    online(admin, "one")
    refused = call("POST", "/keys", json={"name": "x", "sessions": ["one"], "scopes": ["admin"]})
    assert (refused.status_code, refused.json["code"]) == (400, 2000)
    key = make(call, sessions=["one"])
    assert key["scopes"] == ["read", "send", "manage"]
    for method, path in (("GET", "/keys"), ("POST", "/keys"), ("DELETE", f"/keys/{key['id']}"), ("GET", "/audit")):
        assert call(method, path, key=key["apiKey"]).json["code"] == 2205


def test_keys_of_others(call: Call, opened: Store, user: Account) -> None:
    """An admin makes and revokes them; a user neither sees nor revokes an admin's."""
    made = make(call, registry="TENANT")
    assert opened.account_by_key(made["apiKey"]) == user
    mine = make(call)
    assert call("GET", "/keys", key=USER_KEY, params={"registry": "admin"}).json["code"] == 2602
    assert call("DELETE", f"/keys/{mine['id']}", key=USER_KEY).json["code"] == 2600
    assert {each["id"] for each in call("GET", "/keys", key=USER_KEY).json["results"]} >= {made["id"]}
    assert call("DELETE", f"/keys/{made['id']}", params={"registry": "TENANT"}).status_code == 200


def test_first_keys(call: Call, opened: Store, user: Account) -> None:
    """A user's can be revoked, the one that the settings make cannot."""
    (first,) = [each for each in call("GET", "/keys").json["results"] if each["kind"] == "first"]
    assert call("DELETE", f"/keys/{first['id']}").json["code"] == 2003
    (theirs,) = call("GET", "/keys", key=USER_KEY).json["results"]
    assert call("DELETE", f"/keys/{theirs['id']}", key=USER_KEY).status_code == 200
    assert call("GET", "/keys", key=USER_KEY).json == INVALID

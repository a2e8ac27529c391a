"""Users: made, changed, switched off and deleted, by admins only."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import accounts
from warest.store import Account, Store

USER_KEY = "user-key-of-the-tests"

Call = Callable[..., testing.Result]


def made(call: Call, **given: Any) -> dict[str, Any]:
    answer = call("POST", "/users", json={"username": "Ani", **given})
    assert (answer.status_code, answer.json["code"]) == (200, 1000), answer.json
    user: dict[str, Any] = answer.json["results"][0]
    return user


def login(call: Call, username: str, password: str) -> testing.Result:
    return call("POST", "/api/auth/login", key=None, json={"username": username, "password": password})


def test_a_user_is_made_and_can_log_in(call: Call) -> None:
    """The password that was made is told once; the key of the login is the user's own."""
    user = made(call)
    assert user["role"] == "user" and user["isActive"] and user["sessions"] == 0 and user["lastLoginAt"] is None
    answer = login(call, "Ani", user["password"])
    assert (answer.status_code, answer.json["registry"]) == (200, user["registry"])
    me = call("GET", "/users/me", key=answer.json["apiKey"]).json["results"][0]
    assert (me["username"], me["key"]["kind"], me["key"]["sessions"]) == ("Ani", "login", None)
    (listed,) = [each for each in call("GET", "/users").json["results"][0]["items"] if each["username"] == "Ani"]
    assert listed["lastLoginAt"] and "password" not in listed
    assert made(call, username="Budi", password="of my own choice", isAdmin=True)["password"] is None
    assert login(call, "Budi", "of my own choice").json["isAdmin"] is True


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({}, 400, "username is required"),
        ({"username": " "}, 400, "username is required"),
        ({"username": "x" * 65}, 400, "username"),
        ({"username": "line\nbreak"}, 400, "username"),
        ({"username": "x", "password": "short"}, 400, "10 to 1000"),
        ({"username": "x", "password": "x" * 1001}, 400, "10 to 1000"),
        ({"username": "x", "isAdmin": "maybe"}, 400, "isAdmin"),
        ({"username": "admin"}, 409, "taken"),
    ],
)
def test_who_cannot_be_made(call: Call, given: dict[str, Any], status: int, told: str) -> None:
    answer = call("POST", "/users", json=given)
    assert answer.status_code == status and told in answer.json["message"], answer.json


def test_only_admins_see_users(call: Call, user: Account) -> None:
    """Others see themselves."""
    for method, path in (("GET", "/users"), ("POST", "/users"), ("GET", "/users/TENANT"), ("DELETE", "/users/admin")):
        answer = call(method, path, key=USER_KEY)
        assert (answer.status_code, answer.json) == (403, {"error": "Admin only"})
    assert call("GET", "/users/me", key=USER_KEY).json["results"][0]["registry"] == "TENANT"


def test_whoever_is_switched_off_gets_in_nowhere(call: Call, opened: Store) -> None:
    """No key, no password, no page; the cause is not told. Switched on again, all of it counts again."""
    user = made(call)
    answer = login(call, "Ani", user["password"])
    key, cookie = answer.json["apiKey"], answer.headers["set-cookie"].partition(";")[0]
    page = {"headers": {"Cookie": cookie}, "key": None}
    assert call("GET", "/api/auth/session", **page).status_code == 200
    assert call("PATCH", f"/users/{user['registry']}", json={"isActive": False}).json["results"][0]["isActive"] is False
    assert call("GET", "/session/list", key=key).json == {"error": "Invalid X-WAREST-API-KEY"}
    assert login(call, "Ani", user["password"]).status_code == 401
    assert call("GET", "/api/auth/session", **page).status_code == 401
    assert opened.account(user["registry"]) is None
    call("PATCH", f"/users/{user['registry']}", json={"isActive": True})
    assert call("GET", "/session/list", key=key).status_code == 200
    assert call("GET", "/api/auth/session", **page).status_code == 401  # that login has ended for good


def test_a_user_is_changed(call: Call) -> None:
    registry = made(call)["registry"]
    changed = call("PATCH", f"/users/{registry}", json={"username": "Anita", "isAdmin": True}).json["results"][0]
    assert (changed["username"], changed["role"]) == ("Anita", "admin")
    call("PATCH", f"/users/{registry}", json={"password": "a new password"})
    assert login(call, "Anita", "a new password").status_code == 200
    made(call, username="Budi")
    assert call("PATCH", f"/users/{registry}", json={"username": "Budi"}).status_code == 409
    assert call("PATCH", f"/users/{registry}", json={"password": "short"}).status_code == 400
    assert call("PATCH", "/users/NOBODY", json={}).json["code"] == 2602


def test_an_own_password(call: Call) -> None:
    """It takes the one before, and ends what was logged in."""
    user = made(call)
    answer = login(call, "Ani", user["password"])
    key, page = answer.json["apiKey"], {"headers": {"Cookie": answer.headers["set-cookie"].partition(";")[0]}}
    path, new = "/users/me/password", "another password"
    assert call("POST", path, key=key, json={"newPassword": new}).status_code == 400
    wrong = call("POST", path, key=key, json={"password": "wrong", "newPassword": new})
    assert (wrong.status_code, wrong.json) == (401, {"error": "Invalid credentials"})
    assert call("POST", path, key=key, json={"password": user["password"], "newPassword": "short"}).status_code == 400
    assert call("POST", path, key=key, json={"password": user["password"], "newPassword": new}).status_code == 200
    assert login(call, "Ani", user["password"]).status_code == 401 and login(call, "Ani", new).status_code == 200
    assert call("GET", "/api/auth/session", key=None, **page).status_code == 401
    assert call("GET", "/users/me", key=key).status_code == 200  # keys are not passwords
    assert call("POST", path, json={"password": "a password", "newPassword": new}).status_code == 409  # the seeded one


def test_a_user_is_deleted(call: Call, opened: Store) -> None:
    """Not with sessions, which would be unlinked behind their owner's back; with keys and all that is left."""
    user = made(call)
    key = login(call, "Ani", user["password"]).json["apiKey"]
    owner = opened.account_by_key(key)
    assert owner is not None
    record = opened.create_session(owner, "anis")
    assert call("DELETE", f"/users/{user['registry']}").json["code"] == 2003
    opened.delete_session(owner, record.ulid)
    assert call("DELETE", f"/users/{user['registry']}").status_code == 200
    assert call("DELETE", f"/users/{user['registry']}").json["code"] == 2602
    assert call("GET", "/users/me", key=key).status_code == 401


def test_somebody_stays_who_can_undo_it(call: Call, opened: Store) -> None:
    """The first admin is made by the settings, and no admin locks himself out."""
    for body in ({"isActive": False}, {"isAdmin": False}, {"password": "a new password"}, {"username": "x"}):
        assert call("PATCH", "/users/admin", json=body).status_code == 409
    assert call("DELETE", "/users/admin").status_code == 409
    second = accounts.add_user(opened, "second", "a password", is_admin=True)
    opened.api_keys.make(second.registry, "key of the second", name="x")
    for method, body in (("DELETE", {}), ("PATCH", {"isActive": False}), ("PATCH", {"isAdmin": False})):
        answer = call(method, f"/users/{second.registry}", key="key of the second", json=body)
        assert answer.status_code == 409, answer.json

"""/api/auth: logging in and out."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from falcon import testing

from support.waiting import eventually
from warest import accounts, keys, limits, logins, store
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.http import app
from warest.store import Account, Store

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"
LOGIN, LOGOUT, SESSION = "/api/auth/login", "/api/auth/logout", "/api/auth/session"
RIGHT = {"username": "admin", "password": "a password"}
CLEARED = "WAREST_DOCS_SESSION=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"

Call = Callable[..., testing.Result]
Application = Callable[..., testing.TestClient]


@pytest.fixture
def post(call: Call) -> Call:
    """A request without a key."""
    return lambda path, body=None, **options: call("POST", path, key=None, json=body, **options)


@pytest.fixture
def somebody(settings: Settings, user: Account) -> Account:
    """The other tenant, with the password `pass`."""
    with closing(sqlite3.connect(settings.sqlite_path)) as database, database:
        database.execute("update users set password = ? where registry = 'TENANT'", [accounts._HASHER.hash("pass")])
    return user


def cookie(answer: testing.Result) -> str:
    """The token that the answer sets, all else being as it must be."""
    shape = r"WAREST_DOCS_SESSION=([\w-]{43}); Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax"
    match = re.fullmatch(shape, answer.headers["set-cookie"])
    assert match, answer.headers["set-cookie"]
    return match[1]


def who(call: Call, token: str) -> testing.Result:
    return call("GET", SESSION, key=None, headers={"Cookie": f"WAREST_DOCS_SESSION={token}"})


def test_the_seeded_admin(call: Call, post: Call) -> None:
    """It gets its own key, each time, and a cookie that is something else (quirk S13)."""
    for _ in range(2):
        answer = post(LOGIN, {"username": " admin ", "password": " a password "})
        assert (answer.status_code, answer.json) == (
            200, {"apiKey": ADMIN_KEY, "role": "admin", "isAdmin": True, "username": "admin", "registry": "admin"},
        )  # fmt: skip
        assert ADMIN_KEY not in answer.headers["set-cookie"]
        assert who(call, cookie(answer)).json == {"ok": True, "username": "admin", "role": "admin", "isAdmin": True}


def test_others_get_a_new_key(call: Call, post: Call, somebody: Account) -> None:
    """And the ones before stay valid (quirk S12)."""
    made = []
    for _ in range(2):
        answer = post(LOGIN, {"username": "user", "password": "pass"})
        assert {**answer.json, "apiKey": ""} == {
            "apiKey": "", "role": "user", "isAdmin": False, "username": "user", "registry": "TENANT",
        }  # fmt: skip
        made.append(answer.json["apiKey"])
    assert len({USER_KEY, *made}) == 3
    for key in (USER_KEY, *made):
        assert call("GET", "/session/list", key=key).status_code == 200


def test_a_key_of_a_login_expires(application: Application, somebody: Account) -> None:
    """After WAREST_LOGIN_KEY_DAYS."""
    client = application(login_key_days=1 / 86400)
    key = client.simulate_post(LOGIN, json={"username": "user", "password": "pass"}).json["apiKey"]
    eventually(lambda: client.simulate_get("/api/v1/session/list", headers={"X-API-KEY": key}).status_code == 401)


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "admin"}, {"password": "x"}, {"username": " ", "password": "x"}, [], None,
     {"username": ["admin"], "password": {"$ne": 1}}, {"username": None, "password": True}],
)  # fmt: skip
def test_incomplete(post: Call, body: Any) -> None:
    """400, and the cookie goes."""
    answer = post(LOGIN, body)
    assert (answer.status_code, answer.json) == (400, {"error": "username/password required"})
    assert answer.headers["set-cookie"] == CLEARED


@pytest.mark.parametrize(
    "options",
    [{"params": RIGHT}, {"body": "username=admin&password=a+password",
                         "headers": {"Content-Type": "application/x-www-form-urlencoded"}}],
)  # fmt: skip
def test_a_password_stands_in_json_only(call: Call, options: dict[str, Any]) -> None:
    """Queries end in logs, and any page can post a form."""
    assert call("POST", LOGIN, key=None, **options).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"username": "admin", "password": "wrong"},
        {"username": "nobody", "password": "a password"},
        {"username": "ADMIN", "password": "a password"},
        {"username": "x" * 5000, "password": "x" * 5000},
        {"username": "\0", "password": "\0"},
        {"username": 5, "password": 5},
    ],
)
def test_wrong(post: Call, body: dict[str, Any]) -> None:
    """One answer, whatever is wrong; the cookie goes."""
    answer = post(LOGIN, body)
    assert (answer.status_code, answer.json) == (401, {"error": "Invalid credentials"})
    assert answer.headers["set-cookie"] == CLEARED and "retry-after" not in answer.headers


def test_the_fifth_failure_locks(post: Call) -> None:
    """For two minutes, with the right password too, and whatever the client says of its address (quirk S14)."""
    for number in range(4):
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        assert post(LOGIN, {"username": "Admin", "password": "x"}, headers=headers).status_code == 401
    answer = post(LOGIN, {"username": "admin", "password": "x"})
    assert (answer.status_code, answer.json) == (
        429, {"error": "Too many attempts. Try again in 120s", "retryAfter": 120},
    )  # fmt: skip
    assert (answer.headers["retry-after"], answer.headers["set-cookie"]) == ("120", CLEARED)
    for headers in ({}, {"X-Forwarded-For": "203.0.113.9"}):
        answer = post(LOGIN, RIGHT, headers=headers)
        assert answer.status_code == 429 and 110 <= answer.json["retryAfter"] <= 120
    assert post(LOGIN, {"username": "other", "password": "x"}).status_code == 401


def test_a_lock_is_for_one_client(application: Application) -> None:
    """Behind a proxy that is trusted the client is known, and others can log in."""
    client = application(trusted_proxies="127.0.0.0/8")

    def attempt(address: str, password: str) -> int:
        body = {"username": "admin", "password": password}
        return client.simulate_post(LOGIN, json=body, headers={"X-Forwarded-For": address}).status_code

    assert [attempt("198.51.100.1", "x") for _ in range(5)] == [401, 401, 401, 401, 429]
    assert (attempt("198.51.100.1", "a password"), attempt("198.51.100.2", "a password")) == (429, 200)


def test_success_forgets_the_failures(post: Call) -> None:
    """Four slips, then the right password: the next four are free again."""
    for _ in range(2):
        assert [post(LOGIN, {**RIGHT, "password": "x"}).status_code for _ in range(4)] == [401] * 4
        assert post(LOGIN, RIGHT).status_code == 200


def test_many_names_from_one_address(application: Application) -> None:
    """Are guesses too."""
    client = application(guesses_max=3)
    got = [client.simulate_post(LOGIN, json={"username": f"u{n}", "password": "x"}) for n in range(5)]
    assert [answer.status_code for answer in got] == [401, 401, 401, 429, 429]
    assert got[-1].json["error"].startswith("Too many attempts") and got[-1].json["retryAfter"] <= 60


def test_logging_out(call: Call, post: Call) -> None:
    """The cookie goes, and is worth nothing any more; the key stays valid."""
    token = cookie(post(LOGIN, RIGHT))
    answer = post(LOGOUT, headers={"Cookie": f"WAREST_DOCS_SESSION={token}"})
    assert (answer.status_code, answer.json, answer.headers["set-cookie"]) == (200, {"ok": True}, CLEARED)
    answer = who(call, token)
    assert (answer.status_code, answer.json) == (401, {"error": "LOGIN_REQUIRED", "login": "/login"})
    assert call("GET", "/session/list").status_code == 200
    assert post(LOGOUT).json == {"ok": True}


@pytest.mark.parametrize("body", [RIGHT, {}, {**RIGHT, "password": "x"}])
def test_a_login_ends_the_session_before(call: Call, post: Call, body: Any) -> None:
    """Its cookie is replaced or cleared, so nobody else shall use it either."""
    token = cookie(post(LOGIN, RIGHT))
    post(LOGIN, body, headers={"Cookie": f"WAREST_DOCS_SESSION={token}"})
    assert who(call, token).status_code == 401


@pytest.mark.parametrize("token", ["", "x", ADMIN_KEY, "a;b", "é", "x" * 5000])
def test_other_cookies_open_nothing(call: Call, token: str) -> None:
    """An API key is none."""
    assert who(call, token).status_code == 401


def test_a_ui_session_opens_no_api(call: Call, post: Call) -> None:
    """Routes of the API take keys only, so that no other page can use the cookie."""
    token = cookie(post(LOGIN, RIGHT))
    for headers in ({"Cookie": f"WAREST_DOCS_SESSION={token}"}, {"X-API-KEY": token}):
        assert call("GET", "/session/list", key=None, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-WAREST-API-KEY": ADMIN_KEY}},
        {"headers": {"Authorization": f"Bearer {ADMIN_KEY}"}},
        {"headers": {"Authorization": f"bearer {ADMIN_KEY}"}},
        {"json": {"apiKey": ADMIN_KEY}},
        {"json": {"token": ADMIN_KEY}},
        {"headers": {"X-WAREST-API-KEY": ADMIN_KEY}, "json": {"apiKey": "wrong"}},
    ],
)
def test_a_session_by_key(call: Call, options: dict[str, Any]) -> None:
    """From the header or the body."""
    answer = call("POST", SESSION, key=None, **options)
    assert (answer.status_code, answer.json) == (
        200, {"ok": True, "username": "admin", "role": "admin", "isAdmin": True},
    )  # fmt: skip
    assert who(call, cookie(answer)).status_code == 200


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({}, 400, "apiKey required"),
        ({"params": {"apiKey": ADMIN_KEY}}, 400, "apiKey required"),
        ({"headers": {"Authorization": f"Token {ADMIN_KEY}"}}, 400, "apiKey required"),
        ({"json": {"apiKey": "wrong"}}, 401, "Invalid apiKey"),
        ({"headers": {"X-WAREST-API-KEY": "wrong"}, "json": {"apiKey": ADMIN_KEY}}, 401, "Invalid apiKey"),
    ],
)
def test_no_session_by_key(call: Call, options: dict[str, Any], status: int, error: str) -> None:
    """None, a wrong one, one in the query; the cookie stays what it was."""
    answer = call("POST", SESSION, key=None, **options)
    assert (answer.status_code, answer.json, answer.headers.get("set-cookie")) == (status, {"error": error}, None)


@pytest.mark.parametrize(
    ("protocol", "headers", "is_secure"),
    [("https", {}, True), ("http", {}, False), ("http", {"X-Forwarded-Proto": "https"}, True)],
)
def test_secure_over_https_only(
    application: Application, protocol: str, headers: dict[str, str], is_secure: bool
) -> None:
    """Over HTTP a browser would drop the cookie, in production too (quirk Q23)."""
    client = application(trusted_proxies="127.0.0.1", environment="production")
    answer = client.simulate_post(LOGIN, json=RIGHT, protocol=protocol, headers=headers)
    assert answer.headers["set-cookie"].endswith("; Secure") is is_secure


def test_a_session_ends_with_its_user(call: Call, post: Call, settings: Settings, somebody: Account) -> None:
    """Whoever is deleted has logged out, and their keys go too."""
    answer = post(LOGIN, {"username": "user", "password": "pass"})
    with closing(sqlite3.connect(settings.sqlite_path)) as database, database:
        database.execute("pragma foreign_keys = on")
        database.execute("delete from users where registry = 'TENANT'")
        assert database.execute("select count(*) from api_keys").fetchone() == (0,)
    assert who(call, cookie(answer)).status_code == 401
    assert call("GET", "/session/list", key=answer.json["apiKey"]).status_code == 401


@pytest.mark.parametrize(("path", "message"), [(LOGIN, "login failed"), (SESSION, "sync failed")])
def test_trouble_of_ours(
    settings: Settings, opened: Store, files: Storage, path: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """500 in the contract's words; nobody logs in while nobody can count."""
    nowhere = house.connect(settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"}))
    client = testing.TestClient(
        app.create_app(nowhere, opened, files, house.open_limits(nowhere.settings), admin_key=ADMIN_KEY)
    )
    answer = client.simulate_post(path, json={**RIGHT, "apiKey": ADMIN_KEY})
    assert (answer.status_code, answer.json) == (500, {"error": message}) and message in caplog.text
    assert "a password" not in caplog.text and ADMIN_KEY not in caplog.text


def test_passwords_and_keys_are_kept_as_hashes(post: Call, settings: Settings, somebody: Account, parts: House) -> None:
    """Neither the database nor Redis has what was typed or given out."""
    answer = post(LOGIN, {"username": "user", "password": "pass"})
    token, key = cookie(answer), answer.json["apiKey"]
    with closing(sqlite3.connect(settings.sqlite_path)) as database:
        dump = "\n".join(database.iterdump())
    assert store.key_hash(key) in dump and key not in dump and "'pass'" not in dump
    assert parts.redis.exists(keys.ui_session(limits.digest(token)))
    assert not parts.redis.exists(logins._held("127.0.0.1", "user")[0])


def test_the_document_is_for_those_who_have_a_key_or_have_logged_in(call: Call, post: Call) -> None:
    """Anybody else is told where to log in."""

    def read(**headers: str) -> testing.Result:
        return call("GET", "/docs/openapi.json", key=None, headers=headers)

    assert read().json == {"error": "LOGIN_REQUIRED", "login": "/login?next=%2Fdocs%2Fopenapi.json"}
    assert read(**{"X-WAREST-API-KEY": "wrong"}).status_code == 401
    assert read(Authorization=f"Bearer {ADMIN_KEY}").status_code == 200
    token = cookie(post(LOGIN, RIGHT))
    assert read(Cookie=f"WAREST_DOCS_SESSION={token}").status_code == 200

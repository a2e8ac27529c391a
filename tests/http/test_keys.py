"""Who may call: where a key may stand, which of several counts, and what it opens."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.store import Account, SessionRecord

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"

Call = Callable[..., testing.Result]

MISSING = {"error": "Missing X-WAREST-API-KEY"}
INVALID = {"error": "Invalid X-WAREST-API-KEY"}


@pytest.mark.parametrize("header", ["X-WAREST-API-KEY", "x-warest-api-key", "X-API-KEY", "Api-Key", "API-KEY"])
def test_headers(call: Call, header: str) -> None:
    """Each of the three, in any case."""
    assert call("GET", "/session/list", key=None, headers={header: ADMIN_KEY}).status_code == 200
    refused = call("GET", "/session/list", key=None, headers={header: "wrong"})
    assert (refused.status_code, refused.json) == (401, INVALID)


@pytest.mark.parametrize("name", ["api_key", "apikey", "apiKey"])
def test_the_query(call: Call, name: str) -> None:
    """Each of the three, in its case."""
    assert call("GET", "/session/list", key=None, params={name: ADMIN_KEY}).status_code == 200
    assert call("GET", "/session/list", key=None, params={name.upper(): ADMIN_KEY}).json == MISSING


@pytest.mark.parametrize(
    ("scheme", "status"),
    [
        ("Bearer ", 200),
        ("Token ", 200),
        ("APIKey ", 200),
        ("bearer ", 401),
        ("BEARER ", 401),
        ("Basic ", 401),
        ("", 401),
    ],
)
def test_authorization(call: Call, scheme: str, status: int) -> None:
    """Three schemes, in the contract's case only."""
    answer = call("GET", "/session/list", key=None, headers={"Authorization": scheme + ADMIN_KEY})
    assert answer.status_code == status and (status == 200 or answer.json == MISSING)


PLACES: list[dict[str, Any]] = [
    {"headers": {"X-WAREST-API-KEY": "{}"}},
    {"headers": {"X-API-KEY": "{}"}},
    {"headers": {"Api-Key": "{}"}},
    {"params": {"api_key": "{}"}},
    {"params": {"apikey": "{}"}},
    {"params": {"apiKey": "{}"}},
    {"headers": {"Authorization": "Bearer {}"}},
]


def put(places: list[dict[str, Any]], keys: list[str]) -> dict[str, Any]:
    """One request with a key in each place."""
    options: dict[str, Any] = {"headers": {}, "params": {}}
    for place, key in zip(places, keys, strict=True):
        for kind, names in place.items():
            options[kind] |= {name: shape.format(key) for name, shape in names.items()}
    return options


@pytest.mark.parametrize("first", range(len(PLACES) - 1))
def test_the_first_place_counts(call: Call, first: int) -> None:
    """Even when its key is wrong and a later one right; one that is empty does not count."""
    pair = [PLACES[first], PLACES[first + 1]]
    assert call("GET", "/session/list", key=None, **put(pair, [ADMIN_KEY, "wrong"])).status_code == 200
    assert call("GET", "/session/list", key=None, **put(pair, ["wrong", ADMIN_KEY])).json == INVALID
    assert call("GET", "/session/list", key=None, **put(pair, ["", ADMIN_KEY])).status_code == 200


@pytest.mark.parametrize(
    "options", [{}, {"headers": {"Cookie": f"WAREST_DOCS_SESSION={ADMIN_KEY}"}}, {"json": {"api_key": ADMIN_KEY}}]
)
def test_nowhere_else(call: Call, options: dict[str, Any]) -> None:
    """Neither a cookie nor the body holds a key."""
    answer = call("GET", "/session/list", key=None, **options)
    assert (answer.status_code, answer.json) == (401, MISSING)


@pytest.mark.parametrize("key", ["\xe9", "a b", "x" * 8000, "%00", "null"])
def test_odd_keys_are_wrong_keys(call: Call, key: str) -> None:
    """No more than that."""
    assert call("GET", "/session/list", key=key).json == INVALID
    assert call("GET", "/session/list", key=None, query_string="api_key=%00%ff%f0%9f%98%80").json == INVALID


def test_ping_needs_none(call: Call) -> None:
    """And minds no wrong one."""
    for key in (None, "wrong", ADMIN_KEY):
        assert call("GET", "/server/ping", key=key).status_code == 200


@pytest.mark.parametrize(
    "path", ["/nope", "/API/V1/Nope", "/api/v1", "/session/nope", "/session/x/y/z", "/SESSION/a/b"]
)
def test_an_unknown_path_asks_for_a_key_first(call: Call, path: str) -> None:
    """Under /api/v1; with one it does not exist (E5, W10)."""
    assert (call("GET", path, key=None).status_code, call("GET", path, key="wrong").json) == (401, INVALID)
    whole = path if path.lower().startswith("/api") else f"/api/v1{path}"
    answer = call("GET", path)
    assert (answer.status_code, answer.json) == (404, {"error": f"Cannot GET {whole}"})


@pytest.mark.parametrize("path", ["/server/nope", "/Server", "/server/ping/x"])
def test_an_unknown_path_of_the_server_is_for_admins(call: Call, user: Account, path: str) -> None:
    """403 for a user, 404 for an admin."""
    assert call("GET", path, key=None).status_code == 401
    answer = call("GET", path, key=USER_KEY)
    assert (answer.status_code, answer.json) == (403, {"error": "Admin only"})
    assert call("GET", path).status_code == 404


@pytest.mark.parametrize("path", ["/docs/nope", "/docs", "/api/auth/login", "/api/auth/nope", "/api/v1x"])
def test_an_unknown_path_elsewhere(call: Call, path: str) -> None:
    """No key is asked for where there is nothing."""
    assert (call("GET", path, key=None).status_code, call("GET", path, key=None).json) == (
        404, {"error": f"Cannot GET {path}"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/session/list"), ("POST", "/session/list"), ("PATCH", "/session/x/config"), ("GET", "/session/x/config"),
     ("DELETE", "/messages/send/text")],
)  # fmt: skip
def test_an_unknown_method_is_an_unknown_path(call: Call, method: str, path: str) -> None:
    """The two looked alike in the original."""
    assert call(method, path, key=None).json == MISSING
    answer = call(method, path)
    assert (answer.status_code, answer.json) == (404, {"error": f"Cannot {method} /api/v1{path}"})


Online = Callable[[Account, str], SessionRecord]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/session/create", {"sessionId": "theirs"}), ("POST", "/session/create", {"sessionId": "theirs"}),
     ("POST", "/session/theirs/config", {}), ("DELETE", "/session/delete", {"sessionId": "theirs"})],
)  # fmt: skip
def test_somebody_elses_session(
    call: Call, online: Online, user: Account, method: str, path: str, body: dict[str, Any]
) -> None:
    """The session routes say that it is somebody else's (2201); an admin is no exception."""
    online(user, "theirs")
    answer = call(method, path, json=body)
    assert (answer.status_code, answer.json) == (
        403, {"status": False, "code": 2201, "message": "Forbidden", "results": []},
    )  # fmt: skip


def test_the_message_routes_do_not_tell_strangers_apart(call: Call, online: Online, user: Account) -> None:
    """Foreign, unknown, not open, not named: one and the same answer, to the byte (decision 19)."""
    online(user, "theirs")
    call("GET", "/session/create", params={"sessionId": "closed"})
    answers = [
        call("POST", "/messages/send/text", json={"sessionId": name, "to": "628111", "message": "x"})
        for name in ("theirs", "unknown", "closed", "a\0b", "a/../b", "", None, ["theirs"])
    ]
    assert {answer.status_code for answer in answers} == {404} and len({answer.content for answer in answers}) == 1
    assert answers[0].json == {"status": False, "code": 1101, "message": "Session not found", "results": None}


def test_a_list_shows_the_callers_sessions_only(call: Call, online: Online, admin: Account, user: Account) -> None:
    """Each tenant its own."""
    online(admin, "mine")
    online(user, "theirs")
    for key, name in ((ADMIN_KEY, "mine"), (USER_KEY, "theirs")):
        items = call("GET", "/session/list", key=key).json["results"][0]["items"]
        assert [item["id"] for item in items] == [name]

"""What happens to every request before and after a route: bodies, paths, methods, compression, ids, origins."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.config import house
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.http import app, guards, middleware
from warest.store import Account, SessionRecord, Store

ADMIN_KEY = "admin-key-of-the-tests"
JSON = {"Content-Type": "application/json"}

Call = Callable[..., testing.Result]
Application = Callable[..., testing.TestClient]
Online = Callable[[Account, str], SessionRecord]


# Bodies


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a":}', b"\xff\xfe", b'{"a":"\xff"}', b'"text"', b"5", b"null", b"true", b'{"a":1}x', b"[" * 2000, b"\0"],
)
@pytest.mark.parametrize("key", [ADMIN_KEY, None])
def test_malformed_json(call: Call, body: bytes, key: str | None) -> None:
    """400 in the envelope of those that reach no route, before anybody asks for a key."""
    answer = call("POST", "/session/x/config", key=key, body=body, headers=JSON)
    assert answer.status_code == 400 and list(answer.json) == ["error"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'[{"sessionId": "x"}]', b' {"sessionId": null} '])
def test_json_without_parameters(call: Call, body: bytes) -> None:
    """Empty, or no object: the same as nothing."""
    answer = call("POST", "/session/create", body=body, headers=JSON)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, 1100, [])


def test_an_array_is_no_object(call: Call) -> None:
    """Its names are not parameters."""
    assert call("POST", "/session/create", json=["sessionId"]).json["code"] == 1100


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonx", "multipart/form-data; boundary=x", ""])
def test_other_types_are_not_read(call: Call, kind: str) -> None:
    """Broken JSON in them is nobody's business."""
    answer = call("POST", "/session/create", body=b"{", headers={"Content-Type": kind})
    assert answer.json["code"] == 1100


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_json_under_its_other_names(call: Call, kind: str) -> None:
    """Parameters of the type and its case do not matter."""
    assert call("GET", "/session/create", body=b"{", headers={"Content-Type": kind}).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_method_may_have_a_body(call: Call, method: str) -> None:
    """Clients do send it (W8)."""
    path = "/session/delete" if method == "DELETE" else "/messages/send/text"
    answer = call(method, path, json={"sessionId": "unknown", "to": "628111", "message": "x"})
    assert (answer.status_code, answer.json["code"]) == (404, 1101)
    answer = call("GET", "/session/create", json={"sessionId": "by-body"})
    assert answer.json["results"][0]["sessionId"] == "by-body"


def test_forms_are_read(call: Call, online: Online, admin: Account) -> None:
    """As HTML posts them (quirk Q12)."""
    online(admin, "s")
    answer = call(
        "POST", "/messages/send/text", body="sessionId=s&to=628111&isForwarded=",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert answer.json["message"] == "Parameter 'message' is required"


def of_size(size: int) -> bytes:
    return b'{"pad":"' + b"x" * (size - 10) + b'"}'


@pytest.mark.parametrize("key", [ADMIN_KEY, None])
def test_too_large(call: Call, key: str | None) -> None:
    """2 MB and a byte, where nothing is sent: 413, with a key or without, and on no route at all (quirk S15)."""
    for path in ("/session/x/config", "/nope"):
        answer = call("POST", path, key=key, body=of_size(2 * 1024 * 1024 + 1), headers=JSON)
        assert (answer.status_code, answer.json) == (413, {"error": "request entity too large"})


def test_just_small_enough(call: Call) -> None:
    """2 MB exactly are read."""
    answer = call("POST", "/session/unknown/config", body=of_size(2 * 1024 * 1024), headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (404, 1101)


def test_a_large_send_waits_for_the_key(call: Call) -> None:
    """Past 2 MB nobody's body is read before a key is shown (decision 22, quirk S15); broken JSON tells."""
    body = b"{" + b" " * 3_000_000
    assert call("POST", "/messages/send/text", key=None, body=body, headers=JSON).status_code == 401
    assert call("POST", "/messages/send/text", body=body, headers=JSON).status_code == 400
    assert call("POST", "/API/v1/Messages/SEND/text", body=of_size(3_000_000), headers=JSON).json["code"] == 1101


def test_a_send_has_its_limit_too(application: Application) -> None:
    """MSG_JSON_LIMIT_MB, whether the length is told or not."""
    client = application(json_limit_mb=3.0)
    headers = {**JSON, "X-WAREST-API-KEY": ADMIN_KEY}
    for size, status in ((3 * 1024 * 1024, 404), (3 * 1024 * 1024 + 1, 413)):
        answer = client.simulate_post("/api/v1/messages/send/text", headers=headers, body=of_size(size))
        assert answer.status_code == status


# Parameters


def test_of_a_repeated_word_there_is_none(call: Call) -> None:
    """Two session ids are no session id."""
    answer = call("GET", "/session/create", query_string="sessionId=a&sessionId=b")
    assert (answer.status_code, answer.json["message"]) == (400, "sessionId is required")


@pytest.mark.parametrize("name", ["sessionId", "id", "session"])
def test_names_of_the_session(call: Call, name: str) -> None:
    """Three, in query and body."""
    assert call("GET", "/session/create", params={name: "a"}).json["results"][0]["sessionId"] == "a"
    assert call("POST", "/session/create", json={name: "a"}).json["results"][0]["sessionId"] == "a"


def test_which_place_counts(call: Call, online: Online, admin: Account) -> None:
    """On session routes the query, name by name (S1): above all where something is deleted."""
    for name in ("a", "b"):
        online(admin, name)
    by_query = call("POST", "/session/create", params={"sessionId": "a"}, json={"sessionId": "b"})
    assert by_query.json["results"][0]["sessionId"] == "a"
    by_name = call("POST", "/session/create", params={"id": "a"}, json={"sessionId": "b"})
    assert by_name.json["results"][0]["sessionId"] == "b"
    by_path = call("POST", "/session/a/config", params={"sessionId": "b"}, json={"sessionId": "b"})
    assert by_path.json["results"][0]["sessionId"] == "a"


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "x" * 65, "ä", "a\0", "😀", "a\n"])
def test_session_ids_that_cannot_be(call: Call, name: str) -> None:
    """400/1100 wherever it stands, without an entry anywhere."""
    for answer in (
        call("GET", "/session/create", params={"sessionId": name}),
        call("POST", "/session/create", json={"sessionId": name}),
        call("DELETE", "/session/delete", json={"sessionId": name}),
    ):
        assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, 1100, [])
    assert call("GET", "/session/list").json["results"] == [{"items": []}]


@pytest.mark.parametrize("name", ["..", ".", "a.DQ", "create", "list", "A-b_c.9", "x" * 64])
def test_session_ids_that_can(call: Call, name: str) -> None:
    """Also those that look like something else."""
    assert call("GET", "/session/create", params={"sessionId": name}).json["message"] == "Session created"
    assert call("GET", "/session/list").json["results"][0]["items"][0]["id"] == name
    assert call("POST", f"/session/{name}/config", json={}).json["results"][0]["sessionId"] == name


# Paths and methods


@pytest.mark.parametrize(
    "path", ["/api/v1/server/ping/", "/API/V1/SERVER/PING", "/Api/v1/Server/Ping/", "/DOCS/OpenAPI.json"]
)
def test_case_and_slash_do_not_matter(client: testing.TestClient, path: str) -> None:
    """For no fixed part of a path (W8)."""
    assert client.simulate_get(path, headers={"X-WAREST-API-KEY": ADMIN_KEY}).status_code == 200


def test_a_session_id_keeps_its_case(call: Call, online: Online, admin: Account) -> None:
    """Only the fixed parts are folded."""
    online(admin, "MiXed")
    for path in ("/session/MiXed/config", "/SESSION/MiXed/CONFIG/", "/Session/MiXed/config"):
        assert call("POST", path, json={}).json["results"][0]["sessionId"] == "MiXed"
    assert call("POST", "/SESSION/mixed/CONFIG", json={}).json["code"] == 1101


def test_head(call: Call) -> None:
    """Wherever GET is: its status and headers, without a body."""
    got, head = call("GET", "/session/list"), call("HEAD", "/session/list")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["content-type"] == got.headers["content-type"] == "application/json; charset=utf-8"
    assert (call("HEAD", "/session/list", key=None).status_code, call("HEAD", "/session/x/config").status_code) == (
        401,
        404,
    )


# Answers


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("GZIP", True), ("identity", False), ("gzip;q=0", False),
     ("gzip; q=0.0", False), ("gzipped", False), ("", False)],
)  # fmt: skip
def test_gzip(call: Call, accepted: str, compressed: bool) -> None:
    """For answers of every size, errors too, to whoever takes it."""
    for path, key in (("/server/ping", None), ("/session/list", None), ("/nope", ADMIN_KEY)):
        answer = call("GET", path, key=key, headers={"Accept-Encoding": accepted})
        assert (answer.headers.get("content-encoding") == "gzip") is compressed
        assert "Accept-Encoding" in answer.headers["vary"]
        assert int(answer.headers["content-length"]) == len(answer.content)
        json.loads(gzip.decompress(answer.content) if compressed else answer.content)


def test_request_ids(call: Call) -> None:
    """The caller's own comes back; one that could forge a log line does not, and none is made up for."""
    assert call("GET", "/server/ping", headers={"X-Request-Id": "my-id_1.2"}).headers["x-request-id"] == "my-id_1.2"
    made = [call("GET", "/nope", headers={"X-Request-Id": bad}) for bad in ("", "a b", "ä", "x" * 129, "a\tb")]
    assert all(re.fullmatch("[0-9A-Z]{26}", answer.headers["x-request-id"]) for answer in made)
    assert len({answer.headers["x-request-id"] for answer in made}) == len(made)


def test_the_envelope_of_session_routes(call: Call) -> None:
    """E1: errors have no results, in an empty list."""
    answer = call("DELETE", "/session/delete", json={"sessionId": "unknown"})
    assert (answer.status_code, answer.json) == (
        404, {"status": False, "code": 1101, "message": "Session not found", "results": []},
    )  # fmt: skip
    assert list(answer.json) == ["status", "code", "message", "results"]


def test_the_envelope_of_message_routes(call: Call, online: Online, admin: Account) -> None:
    """E2: errors have null for results."""
    online(admin, "s")
    answer = call("POST", "/messages/send/text", json={"sessionId": "s"})
    assert (answer.status_code, answer.json) == (
        400, {"status": False, "code": 1100, "message": "Parameter 'to' is required", "results": None},
    )  # fmt: skip


def test_trouble_of_ours_is_not_told(
    settings: Settings, opened: Store, files: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis away: 503/8001 in the route's envelope; what exactly is wrong stands in the log, under the request's id."""
    nowhere = house.connect(settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"}))
    limits = house.open_limits(nowhere.settings)
    client = testing.TestClient(app.create_app(nowhere, opened, files, limits, admin_key=ADMIN_KEY))
    opened_by = {"X-WAREST-API-KEY": ADMIN_KEY, "X-Request-Id": "the-id"}
    account = opened.account_by_key(ADMIN_KEY)
    assert account is not None
    opened.create_session(account, "s")
    body = {"sessionId": "s", "to": "1", "message": "x"}
    for answer, nothing in (
        (client.simulate_get("/api/v1/session/list", headers=opened_by), []),
        (client.simulate_post("/api/v1/messages/send/text", headers=opened_by, json=body), None),
    ):
        assert answer.status_code == 503
        assert answer.json == {
            "status": False, "code": 8001, "message": "Service unavailable, try again later", "results": nothing,
        }  # fmt: skip
    assert "the-id" in caplog.text and "nowhere" in caplog.text
    nowhere.broker.close()


def test_a_bug_of_ours_is_not_told(
    call: Call, online: Online, admin: Account, parts: house.House, caplog: pytest.LogCaptureFixture
) -> None:
    """Any exception is 500 in the route's envelope; its traceback stands in the log only."""
    parts.states.put(online(admin, "s").ulid, me=["not what a process writes"])
    answer = call("GET", "/session/list")
    assert (answer.status_code, answer.json) == (
        500, {"status": False, "code": 8000, "message": "Internal server error", "results": []},
    )  # fmt: skip
    assert "TypeError" in caplog.text and answer.headers["x-request-id"] in caplog.text


# Origins


@pytest.fixture
def browse(application: Application) -> Callable[..., testing.Result]:
    """A request from a page of this origin to a server that allows two."""

    def one(
        method: str, origin: str | None, allowed: str = "http://localhost:5173/, HTTPS://App.example/x", **headers: str
    ) -> Any:
        client = application(allowed_origins=allowed, base_url="https://wa.example/sub")
        given = {**headers, **({"Origin": origin} if origin is not None else {})}
        return client.simulate_request(method, "/api/v1/server/ping", headers=given, host="10.0.0.5", port=7308)

    return one


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:5173",
        "https://app.example",
        "https://wa.example",
        "http://localhost:7308",
        "http://10.0.0.5:7308",
    ],
)
def test_allowed_origins(browse: Callable[..., testing.Result], origin: str) -> None:
    """Those of the settings, the base URL's, this machine's and the server's own (quirk Q23)."""
    answer = browse("GET", origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:5174", "https://localhost:5173", "null", "http://[", "", "http://10.0.0.5",
     "http://10.0.0.5:7308.evil.example", "http://app.example"],
)  # fmt: skip
def test_refused_origins(browse: Callable[..., testing.Result], origin: str) -> None:
    """403, whatever is asked for and whatever the origin looks like (decision 30)."""
    for method in ("GET", "OPTIONS"):
        answer = browse(method, origin)
        assert (answer.status_code, answer.json) == (403, {"error": f"CORS not allowed: {origin}"})
        assert "access-control-allow-origin" not in answer.headers


def test_every_origin_may_be_allowed(browse: Callable[..., testing.Result]) -> None:
    """By `*`, anywhere in the list; the answer names the origin, since credentials are allowed."""
    assert (
        browse("GET", "http://evil.example", "http://a,*").headers["access-control-allow-origin"]
        == "http://evil.example"
    )


def test_without_an_origin(browse: Callable[..., testing.Result]) -> None:
    """Scripts are not browsers."""
    answer = browse("GET", None)
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["http://localhost:5173", None])
def test_a_preflight(browse: Callable[..., testing.Result], origin: str | None) -> None:
    """204 with what is allowed, for a day."""
    answer = browse("OPTIONS", origin, **{"Access-Control-Request-Method": "POST"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-methods"] == "GET,POST,PUT,PATCH,DELETE,OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "Content-Type,X-WAREST-API-KEY,Authorization"
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers.get("access-control-allow-origin") == origin


def test_templates_are_taken_literally() -> None:
    """A dot in a path is a dot."""
    any_case = middleware.AnyCase()
    any_case.learn("/docs/openapi.json")
    request = testing.create_req(path="/docs/OpenApiXjson")
    any_case.process_request(request, None)  # type: ignore[arg-type]
    assert request.path == "/docs/OpenApiXjson"


# What browsers are told


@pytest.mark.parametrize("path", ["/session/list", "/server/ping", "/nope", "/docs/openapi.json", "/api/auth/session"])
@pytest.mark.parametrize("key", [ADMIN_KEY, None])
def test_browsers_are_told_to_be_careful(call: Call, path: str, key: str | None) -> None:
    """On every answer, refusals too; to come by HTTPS only, by whom who came so."""
    headers = call("GET", path, key=key).headers
    assert {name: headers[name.lower()] for name in guards.HEADERS} == guards.HEADERS
    assert "strict-transport-security" not in headers and "x-powered-by" not in headers
    assert "upgrade-insecure-requests" not in headers["content-security-policy"]
    secure = call("GET", path, key=key, protocol="https").headers
    assert secure["strict-transport-security"] == guards.STRICT[1]


def test_answers_are_not_kept(call: Call) -> None:
    """Keys, QRs and texts are in them."""
    assert call("GET", "/session/list").headers["cache-control"] == "no-store"

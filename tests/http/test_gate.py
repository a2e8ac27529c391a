"""Rate, quota, cooldown and guessing, as callers see them."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import falcon
import pytest
from falcon import testing

from support.waiting import eventually
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.http import app
from warest.http.errors import Family
from warest.http.operation import Access, Answer, Parameters, operation
from warest.store import Account, Store

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"

Application = Callable[..., testing.TestClient]
Ask = Callable[..., testing.Result]


@pytest.fixture
def serving(application: Application) -> Iterator[Callable[..., Ask]]:
    """A server with these limits; asks it with the admin's key."""

    def make(**limits: int) -> Ask:
        client = application(**limits)

        def ask(method: str, path: str, *, key: str | None = ADMIN_KEY, **options: Any) -> testing.Result:
            headers = {**({"X-WAREST-API-KEY": key} if key else {}), **options.pop("headers", {})}
            return client.simulate_request(method, path, headers=headers, **options)

        return ask

    yield make


def told(answer: testing.Result, what: str) -> list[int]:
    """Limit, remaining and reset in the headers, or nothing."""
    names = [f"x-{what}-{name}" for name in ("limit", "remaining", "reset")]
    values = [int(answer.headers[name]) for name in names if name in answer.headers]
    assert len(values) in (0, 3)
    return values


LIST, TEXT = "/api/v1/session/list", "/api/v1/messages/send/text"


def test_too_many_requests(serving: Callable[..., Ask]) -> None:
    """429 without Retry-After, in the envelope of those that reach no route; the headers tell it beforehand."""
    ask = serving(rate_max=2)
    for remaining in (1, 0):
        answer = ask("GET", LIST)
        rate = told(answer, "ratelimit")
        assert answer.status_code == 200 and rate[:2] == [2, remaining]
        assert 55 < rate[2] - time.time() < 62
    answer = ask("GET", LIST)
    assert (answer.status_code, answer.json) == (429, {"error": "Too many requests"})
    assert told(answer, "ratelimit")[:2] == [2, 0] and "retry-after" not in answer.headers


def test_the_next_window(serving: Callable[..., Ask]) -> None:
    """Calls are let in again, without anybody's doing."""
    ask = serving(rate_max=1, rate_window_ms=300)
    assert [ask("GET", LIST).status_code for _ in range(2)] == [200, 429]
    eventually(lambda: ask("GET", LIST).status_code == 200, within=5)


def test_each_key_has_its_own(serving: Callable[..., Ask], user: Account) -> None:
    """Whoever has used up his calls takes nobody else's, wherever in the request the key stands."""
    ask = serving(rate_max=1)
    assert ask("GET", LIST).status_code == 200
    assert ask("GET", LIST, key=None, params={"api_key": ADMIN_KEY}).status_code == 429
    assert ask("GET", LIST, key=USER_KEY).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", LIST, 200), ("POST", TEXT, 404), ("GET", TEXT, 404), ("GET", "/api/v1/nope", 404),
     ("POST", "/api/v1/misc/nope", 404), ("PUT", TEXT, 404), ("GET", "/API/V1/SESSION/LIST/", 200)],
)  # fmt: skip
def test_a_request_counts_once(serving: Callable[..., Ask], method: str, path: str, status: int) -> None:
    """Also below /messages, where the original counted twice (quirk Q1), and where there is no route."""
    ask = serving(rate_max=10)
    answers = [ask(method, path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status] * 2
    assert [told(answer, "ratelimit")[1] for answer in answers] == [9, 8]


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [("GET", "/api/v1/server/ping", ADMIN_KEY), ("POST", "/api/auth/logout", ADMIN_KEY), ("OPTIONS", LIST, ADMIN_KEY),
     ("GET", LIST, None), ("GET", "/docs/openapi.json", ADMIN_KEY)],
)  # fmt: skip
def test_what_does_not_count(serving: Callable[..., Ask], method: str, path: str, key: str | None) -> None:
    """Public routes, logins, and whoever shows no key."""
    ask = serving(rate_max=1)
    assert all(told(ask(method, path, key=key), "ratelimit") == [] for _ in range(3))
    assert ask("GET", LIST).status_code == 200


def test_a_quota(serving: Callable[..., Ask]) -> None:
    """On messages, not on sessions; once it is used up the rate goes on."""
    ask = serving(quota_max=2, rate_max=100)
    assert told(ask("GET", LIST), "quota") == []
    for remaining in (1, 0):
        answer = ask("POST", TEXT)
        assert answer.status_code == 404 and told(answer, "quota")[:2] == [2, remaining]
    answer = ask("POST", TEXT)
    assert (answer.status_code, answer.json) == (429, {"error": "Quota exceeded"})
    assert "retry-after" not in answer.headers and told(answer, "ratelimit")[1] == 96
    assert ask("GET", LIST).status_code == 200


def test_no_quota_is_none(serving: Callable[..., Ask]) -> None:
    """0 refuses all, as it did."""
    assert serving(quota_max=0)("POST", TEXT).json == {"error": "Quota exceeded"}


def test_a_cooldown(serving: Callable[..., Ask]) -> None:
    """The second send to a recipient waits, even if the first has failed; it costs no quota, and says nothing of it."""
    ask = serving(cooldown_ms=3000, quota_max=10)
    body = {"to": "628111222333", "message": "x"}
    first, second = ask("POST", TEXT, json=body), ask("POST", TEXT, json=body)
    assert first.status_code == 404 and told(first, "quota")[1] == 9
    assert (second.status_code, second.json) == (429, {"error": "Recipient cooldown", "retryAfter": 3})
    assert second.headers["retry-after"] == "3" and told(second, "quota") == [] and told(second, "ratelimit")
    other = ask("POST", TEXT, json={**body, "to": "628111222334"})
    assert other.status_code == 404 and told(other, "quota")[1] == 8


def test_a_cooldown_ends(serving: Callable[..., Ask]) -> None:
    """By itself; and it can be off (quirk Q22)."""
    ask, free = serving(cooldown_ms=200), serving(cooldown_ms=0)
    assert [ask("POST", TEXT, json={"to": ["1"]}).status_code for _ in range(2)] == [404, 429]
    eventually(lambda: ask("POST", TEXT, json={"to": ["1"]}).status_code == 404, within=5)
    assert [free("POST", TEXT, json={"to": "2"}).status_code for _ in range(3)] == [404] * 3


class Anything:
    """A route that takes whatever comes."""

    @operation("Takes anything", family=Family.E2, access=Access.USER)
    def on_post(self, request: falcon.Request, parameters: Parameters) -> Answer:
        return Answer([], "done")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/messages/send/anything", 429),
        ("/api/v1/messages/reaction", 200),
        ("/api/v1/messages/read", 200),
        ("/api/v1/chats/anything", 200),
        ("/api/v1/group/anything", 200),
        *((f"/api/v1/messages/send/{kind}", 200) for kind in ("file", "files", "media", "audio", "sticker", "gif")),
    ],
)
def test_only_sends_cool_down(application: Application, path: str, status: int) -> None:
    """A reaction may follow a text at once (quirk Q22); of a file on its way nobody knows yet to whom it goes."""
    client = application(cooldown_ms=60_000)
    client.app.add_route(path, Anything())
    ask = [client.simulate_post(path, headers={"X-API-KEY": ADMIN_KEY}, json={"to": "1"}) for _ in range(2)]
    assert [answer.status_code for answer in ask] == [200, status]


@pytest.mark.parametrize("options", [{"params": {"to": "1"}}, {"json": {"to": ""}}, {"json": [1]}, {"json": {"x": 1}}])
def test_without_a_recipient_in_the_body(serving: Callable[..., Ask], options: dict[str, Any]) -> None:
    """Nothing cools down, as in the original."""
    ask = serving(cooldown_ms=60_000)
    assert [ask("GET", TEXT, **options).status_code for _ in range(2)] == [404, 404]


def test_the_order(serving: Callable[..., Ask]) -> None:
    """Body, key, rate, recipient, quota: the first that fails answers."""
    ask = serving(rate_max=3, quota_max=0, cooldown_ms=60_000)
    broken = {"body": b"{", "headers": {"Content-Type": "application/json"}}
    assert ask("POST", TEXT, key=None, **broken).status_code == 400
    assert ask("POST", TEXT, key=None, json={"to": "1"}).status_code == 401
    got = [ask("POST", TEXT, json={"to": "1"}).json["error"] for _ in range(4)]
    assert got == ["Quota exceeded", "Recipient cooldown", "Recipient cooldown", "Too many requests"]


def test_a_large_body_waits_for_the_rate(serving: Callable[..., Ask]) -> None:
    """Whoever has called too often does not get it read; its recipient counts as any other."""
    ask = serving(rate_max=3, cooldown_ms=60_000)
    large = b'{"to": "1", "pad": "' + b"x" * 3_000_000
    headers = {"Content-Type": "application/json"}
    assert [ask("POST", TEXT, body=large + b'"}', headers=headers).status_code for _ in range(2)] == [404, 429]
    assert [ask("POST", TEXT, body=large, headers=headers).status_code for _ in range(2)] == [400, 429]


def test_guessing_keys(serving: Callable[..., Ask], user: Account) -> None:
    """After so many wrong ones the address waits, and a key that is right says nothing; one that is known goes on."""
    ask = serving(guesses_max=3)
    assert ask("GET", LIST).status_code == 200
    for number in range(3):
        assert ask("GET", LIST, key=f"guess {number}").json == {"error": "Invalid X-WAREST-API-KEY"}
    for path, key in ((LIST, "guess"), (LIST, USER_KEY), ("/api/v1/nope", USER_KEY)):
        answer = ask("GET", path, key=key)
        assert answer.status_code == 429 and answer.json["error"] == "Too many requests"
        assert 55 <= answer.json["retryAfter"] == int(answer.headers["retry-after"]) <= 60
        assert told(answer, "ratelimit") == []
    assert ask("POST", "/api/auth/session", key=USER_KEY).status_code == 429
    assert ask("GET", LIST).status_code == 200
    assert ask("GET", LIST, key=None).json == {"error": "Missing X-WAREST-API-KEY"}
    elsewhere = ask("GET", LIST, key=USER_KEY, headers={"X-Forwarded-For": "198.51.100.7"})
    assert elsewhere.status_code == 429


def test_without_redis_for_limits(
    settings: Settings, opened: Store, parts: House, files: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests go on, uncounted, and the log says so."""
    away = house.open_limits(settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"}))
    client = testing.TestClient(app.create_app(parts, opened, files, away, admin_key=ADMIN_KEY))
    with caplog.at_level(logging.WARNING):
        answer = client.simulate_get(LIST, headers={"X-API-KEY": ADMIN_KEY})
        wrong = client.simulate_get(LIST, headers={"X-API-KEY": "wrong"})
    assert answer.status_code == 200 and told(answer, "ratelimit") == [] and wrong.status_code == 401
    assert "limits are not applied" in caplog.text

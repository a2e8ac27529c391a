"""The pool is for admins; a session's proxy is its owner's, who sees no password of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from support.waiting import eventually
from warest import keys
from warest.bus import answered
from warest.config.house import House, open_proxies
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]
Serve = Callable[..., None]

USER_KEY = "user-key-of-the-tests"

POOL = "http://u:s3cret@a.example:1,http://u:an0ther@a.example:1,socks5://b.example:2"


@pytest.fixture
def asked(application: Callable[..., testing.TestClient], admin_headers: dict[str, str]) -> Callable[..., Any]:
    """A request to an application with that pool."""
    client = application(proxy_urls=POOL)

    def one(method: str, path: str, **options: Any) -> Any:
        headers = admin_headers | options.pop("headers", {})
        return client.simulate_request(method, path, headers=headers, **options)

    return one


def test_the_pool_is_shown(
    asked: Callable[..., Any], parts: House, opened: Store, admin: Account, online: Callable[..., SessionRecord]
) -> None:
    """By its addresses, in its order; with the sessions that run, and without credentials."""
    pool = open_proxies(parts.settings.model_copy(update={"proxy_urls": POOL}), parts.redis)
    first, _, third = pool
    running, resting = online(admin, "running"), opened.create_session(admin, "resting")
    parts.states.put(running.ulid, pid=1)
    assert pool.take(running.ulid) == first and pool.take(resting.ulid) != first
    for _ in range(2):
        pool.check_failed(third, "it said no")
    answer = asked("GET", "/api/v1/proxies")
    one, two, three = answer.json["results"]
    assert [each["address"] for each in (one, two, three)] == ["http://a.example:1"] * 2 + ["socks5://b.example:2"]
    assert (one["number"], one["state"], one["sessions"], one["lastCheckAt"]) == (1, "ok", 1, None)
    assert (two["sessions"], three["state"], three["failures"], three["failed"]) == (0, "cooling", 2, 2)
    assert three["coolingUntil"] > time.time() and (three["lastCheckOk"], three["error"]) == (False, "it said no")
    metrics = asked("GET", "/metrics").text
    assert 'warest_proxies{state="ok"} 2.0' in metrics and 'warest_proxies{state="cooling"} 1.0' in metrics
    assert 'warest_proxy_failures_total{proxy="socks5://b.example:2"} 2.0' in metrics
    assert 'warest_proxy_rotations_total{proxy="http://a.example:1"} 0.0' in metrics
    assert "s3cret" not in answer.text + metrics


def test_they_are_checked_on_request(asked: Callable[..., Any], serve: Serve) -> None:
    """By a worker; the answer shows what it found."""
    seen: list[bool] = []

    def look(asked: float, waits: bool) -> Any:
        seen.append(waits)
        return answered(None)

    serve(keys.MAINTENANCE_QUEUE, "look_at_proxies", look)
    answer = asked("POST", "/api/v1/proxies/check")
    assert answer.status_code == 200 and len(answer.json["results"]) == 3 and seen == [True]


def test_without_a_pool(call: Call) -> None:
    """Nobody is asked to look at nothing."""
    assert call("GET", "/proxies").json["results"] == call("POST", "/proxies/check").json["results"] == []


def test_they_are_the_admins(call: Call, user: Account) -> None:
    for method, path in (("GET", "/proxies"), ("POST", "/proxies/check")):
        assert call(method, path, key=USER_KEY).status_code == 403


def test_a_session_gets_its_own(call: Call, opened: Store, admin: Account) -> None:
    """Its URL is kept, and never shown; `direct` is none at all."""
    record = opened.create_session(admin, "s")
    path = "/session/s/proxy"
    assert call("GET", path).json["results"] == [{"sessionId": "s", "source": "none", "address": None}]
    answer = call("PUT", path, json={"proxy": "u:s3cret@127.0.0.1:99"})
    own = {"sessionId": "s", "source": "own", "address": "http://127.0.0.1:99"}
    assert answer.json["results"] == call("GET", path).json["results"] == [own]
    kept = opened.session_by_ulid(record.ulid)
    assert kept and kept.proxy == "http://u:s3cret@127.0.0.1:99" and "s3cret" not in repr(kept)
    assert call("PUT", path, json={"proxy": "Direct"}).json["results"] == [own | {"address": None}]
    assert call("DELETE", path).json["results"][0]["source"] == "none"
    assert call("DELETE", path).status_code == 200


def test_a_session_that_runs_is_connected_anew(
    call: Call, parts: House, admin: Account, online: Callable[..., SessionRecord], serve: Serve
) -> None:
    record = online(admin, "s")
    parts.states.put(record.ulid, pid=1)
    seen: list[str] = []

    def restart(session: str) -> Any:
        seen.append(session)
        return answered(None)

    serve(keys.SUPERVISOR_QUEUE, "restart_session", restart)
    call("PUT", "/session/s/proxy", json={"proxy": "direct"})
    eventually(lambda: seen == [record.ulid])


@pytest.mark.parametrize("proxy", [None, "", "ftp://s3cret@h:1", "http://h:1/path", "x" * 1001])
def test_what_is_no_proxy(call: Call, opened: Store, admin: Account, proxy: str | None) -> None:
    opened.create_session(admin, "s")
    answer = call("PUT", "/session/s/proxy", json={"proxy": proxy})
    assert answer.status_code == 400 and "s3cret" not in answer.text


def test_in_a_sandbox_it_is_on_this_machine(
    application: Callable[..., testing.TestClient], admin_headers: dict[str, str], opened: Store, admin: Account
) -> None:
    """Decision 15."""
    opened.create_session(admin, "s")
    client = application(sandbox_url="http://127.0.0.1:7309")
    for proxy, status in (("8.8.8.8:1", 400), ("127.0.0.1:1", 200)):
        answer = client.simulate_put("/api/v1/session/s/proxy", json={"proxy": proxy}, headers=admin_headers)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("proxy", "status"),
    [("127.0.0.1:1", 400), ("socks5://10.0.0.1:1", 400), ("https://8.8.8.8:1", 400), ("8.8.8.8:1", 200)],
)
def test_who_is_no_admin_stays_outside(call: Call, opened: Store, user: Account, proxy: str, status: int) -> None:
    """This server connects to it: it must lead into nobody's network."""
    opened.create_session(user, "s")
    assert call("PUT", "/session/s/proxy", key=USER_KEY, json={"proxy": proxy}).status_code == status


def test_whose_session_it_is(call: Call, opened: Store, admin: Account, user: Account) -> None:
    opened.create_session(admin, "s")
    for method in ("GET", "PUT", "DELETE"):
        answers = [
            call(method, f"/session/{name}/proxy", key=USER_KEY, json={"proxy": "direct"}) for name in ("s", "t")
        ]
        assert [answer.status_code for answer in answers] == [403, 404]

"""/api/v1/server and /metrics, in one process: forms, refusals, parameters."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from falcon import testing
from prometheus_client.parser import text_string_to_metric_families

from support.shapes import faults
from warest import keys
from warest.config.house import House
from warest.http import health, openapi
from warest.http.codes import Code
from warest.http.times import lasted, shown
from warest.meters import Meter
from warest.restarts import Daily, Restarts, Turn, clock_of
from warest.store import Account
from warest.vitals import Reporter, cpu_history

Call = Callable[..., testing.Result]

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"


def test_ping(call: Call) -> None:
    """The answer of the contract, and the time is now."""
    answer = call("GET", "/server/ping", key=None)
    assert (answer.json["status"], answer.json["code"], answer.json["message"]) == (True, 1000, "Server is alive")
    (pong,) = answer.json["results"]
    assert abs(pong["timestamp"] - time.time()) < 5 and pong["ping"] == "pong"
    assert pong["serverTimeISO"] == pong["serverTimeUTC"] and pong["serverTimeUTC"].endswith("Z")
    assert datetime.strptime(pong["serverTime"], "%A, %d %B %Y, %H:%M:%S, UTC")


def test_ping_in_another_time_zone_and_language(application: Callable[..., testing.TestClient]) -> None:
    """The time that is shown to people is theirs, in their words."""
    (pong,) = application(timezone="Asia/Jakarta").simulate_get("/api/v1/server/ping").json["results"]
    told = datetime.strptime(pong["serverTime"], "%A, %d %B %Y, %H:%M:%S, Asia/Jakarta")
    assert (
        abs((told - datetime.strptime(pong["serverTimeUTC"], "%Y-%m-%dT%H:%M:%S.%fZ")).total_seconds() - 7 * 3600) < 2
    )
    moment = datetime(2026, 11, 22, 10, 1, 53, tzinfo=UTC)
    assert shown(moment, "UTC", "en-US") == "Sunday, 22 November 2026, 10:01:53, UTC"
    assert shown(moment, "UTC", "id-ID") == "Minggu, 22 November 2026, 10:01:53, UTC"


def test_how_long_it_lasted() -> None:
    assert lasted(384.9, "en-US") == "6 minutes, 24 seconds"
    assert lasted(90_061, "en-US") == "1 day, 1 hour, 1 minute, 1 second"
    assert (lasted(0, "en-US"), lasted(120, "id")) == ("0 seconds", "2 menit")


ADMIN_ROUTES = (
    ("GET", "/server/info"), ("GET", "/server/healthz"), ("GET", "/server/ready"), ("GET", "/server/cpu-history"),
    ("POST", "/server/restart"), ("POST", "/server/restart/scheduled"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_only_admins(call: Call, user: Account, method: str, path: str) -> None:
    assert call(method, path, key=None).status_code == 401
    answer = call(method, path, key=USER_KEY)
    assert (answer.status_code, answer.json) == (403, {"error": "Admin only"})


def test_info(call: Call, parts: House, online: Callable[..., Any], admin: Account) -> None:
    """The names of the contract, in its order, and ours behind them."""
    online(admin, "ani")
    Reporter(parts.redis, "worker", {}).tick()
    answer = call("GET", "/server/info").json
    shape = {
        "serviceName": "Warest API", "serviceVersion": str, "environment": str, "uptimeSeconds": int, "uptimeDays": str,
        "system": {"hostname": str, "platform": str, "arch": str, "release": str},
        "cpu": {"model": str, "cores": int, "speedMHz": int},
        "memory": {"totalMB": float, "freeMB": float, "usedMB": float, "usagePercent": float},
        "process": {
            "pid": int, "nodeVersion": str, "uptimeSeconds": int, "uptimeDays": str,
            "memory": {
                "rssMB": float, "heapTotalMB": float, "heapUsedMB": float, "externalMB": float, "arrayBuffersMB": float,
                "memoryUsagePercent": float,
            },
            "cpu": {"userMs": float, "systemMs": float, "idleMs": float, "cpuUsagePercent": float},
        },
        "disk": list, "loadAverage": [float], "temperature": list, "timezone": "UTC",
        "runtime": [{"name": str, "version": str}], "ioStats": {"readMBps": float, "writeMBps": float},
        "sessions": {"total": 1, "byStatus": {"open": 1}},
        "processes": [{
            "id": str, "kind": "worker", "host": str, "pid": int, "session": None, "startedAt": float, "at": float,
            "residentBytes": int, "cpuSeconds": float, "threads": int, "work": {},
        }],
        "queues": dict, "store": {"databaseType": "sqlite", "version": str, "latencyMs": float, "sizeMB": float},
        "restart": dict, "timestamp": int,
    }  # fmt: skip
    found = dict(answer["results"][0])
    assert found["processes"][0].pop("session") is None
    del shape["processes"][0]["session"]  # type: ignore[index]
    assert faults(shape, found) == []
    assert found["memory"]["totalMB"] > found["memory"]["usedMB"] > 0 and found["process"]["memory"]["rssMB"] > 10


def test_healthz(call: Call, parts: House, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without workers it is degraded; without a folder to write to as well, and not ready; all well otherwise."""
    answer = call("GET", "/server/healthz")
    assert (answer.status_code, answer.json["code"], answer.json["status"]) == (207, 1004, True)
    told = answer.json["results"][0]
    assert (told["status"], told["services"]["worker"], told["services"]["messageQueue"]) == ("degraded", "error", "ok")
    for kind in ("worker", "sessions"):
        Reporter(parts.redis, kind, {}).tick()
    answer = call("GET", "/server/healthz")
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "All services healthy")
    shape = {
        "status": "healthy", "serviceName": "Warest API", "serviceVersion": str, "uptime": str,
        "services": {
            "database": {"status": "ok", "databaseType": "sqlite", "version": str, "latencyMs": float},
            "cache": {"status": "ok", "cacheType": "local", "version": "local"},
            "storage": {"status": "ok", "storageType": "local", "region": None},
            "messageQueue": "ok", "fileSystem": "ok", "ffmpeg": "ok", "sharp": "ok", "worker": "ok", "sessions": "ok",
        },
        "timestamp": int, "latenciesMs": dict,
    }  # fmt: skip
    told = answer.json["results"][0]
    assert told["services"]["storage"].pop("region") is None
    del shape["services"]["storage"]["region"]  # type: ignore[index]
    assert faults(shape, told) == []
    assert set(told["latenciesMs"]) == set(told["services"])

    ready = call("GET", "/server/ready")
    assert (ready.status_code, ready.json["message"]) == (200, "Server is ready for traffic")
    names = ("database", "cache", "storage", "messageQueue", "fileSystem", "ffmpeg", "sharp")
    assert ready.json["results"][0]["dependencies"] == dict.fromkeys(names, True)


def test_what_is_missing_is_said(
    application: Callable[..., testing.TestClient], admin_headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs makes it unhealthy, and nobody waits for it for long."""
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    monkeypatch.setattr("warest.store.Store.version", lambda _: time.sleep(0.6))
    client = application(data_dir="/nowhere")
    answer = client.simulate_get("/api/v1/server/healthz", headers=admin_headers)
    assert (answer.status_code, answer.json["code"], answer.json["status"]) == (503, 8001, False)
    told = answer.json["results"][0]
    assert (told["status"], told["services"]["fileSystem"]) == ("unhealthy", "error")
    assert (told["services"]["database"]["status"], told["services"]["database"]["error"][:9]) == ("error", "no answer")
    ready = client.simulate_get("/api/v1/server/ready", headers=admin_headers)
    assert (ready.status_code, ready.json["code"], ready.json["results"][0]["ready"]) == (503, 8001, False)
    assert ready.json["results"][0]["dependencies"]["messageQueue"] is True


def test_cpu_history(call: Call, parts: House) -> None:
    """Averages by interval; what is older is left out; wrong words are refused."""
    empty = call("GET", "/server/cpu-history").json
    assert empty["message"] == "No CPU samples collected for the requested period"
    assert empty["results"][0]["data"] == [] and empty["results"][0]["period"] == "1h"
    now = int(time.time()) // 300 * 300
    for at, used in ((now - 8000, 90), (now - 300, 10), (now - 285, 20), (now, 50)):
        parts.redis.xadd(keys.cpu_history(socket.gethostname()), {"used": used}, id=f"{at * 1000}-0")
    told = call("GET", "/server/cpu-history", params={"period": "1h", "interval": "5m"}).json
    assert told["message"] == "CPU history fetched"
    data = [{"timestamp": now - 300, "usagePercent": 15.0}, {"timestamp": now, "usagePercent": 50.0}]
    assert told["results"][0]["data"] == data
    assert (told["results"][0]["averageUsagePercent"], told["results"][0]["maxUsagePercent"]) == (32.5, 50.0)
    for wrong in ({"period": "2h"}, {"interval": "7m"}):
        answer = call("GET", "/server/cpu-history", params=wrong)
        assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, 2002, [])


def test_the_processor_is_looked_at(parts: House) -> None:
    """By one process of a host at a time."""
    for _ in range(2):
        reporter = Reporter(parts.redis, "web", {})
        reporter._ticks = (0, 0)
        reporter.tick()
    found = cpu_history(parts.redis, socket.gethostname(), 0, 3600)
    assert parts.redis.xlen(keys.cpu_history(socket.gethostname())) == 1 and 0 <= found[0][1] <= 100


def test_restart(call: Call, parts: House) -> None:
    """Within its limits, and once at a time; nobody here is told to."""
    answer = call("POST", "/server/restart", json={"delaySeconds": 9999, "reason": "a leak"})
    assert (answer.status_code, answer.json["code"], answer.json["status"]) == (202, 1003, True)
    told = answer.json["results"][0]
    assert list(told) == ["restartInitiated", "scheduledAt", "restartStrategy", "timestamp"]
    at = datetime.fromisoformat(told["scheduledAt"]).timestamp()
    assert told["restartInitiated"] is True and 1795 < at - time.time() <= 1800
    again = call("POST", "/server/restart")
    assert (again.status_code, again.json["code"]) == (200, 1005)
    assert again.json["results"][0] | {"timestamp": 0} == told | {"restartInitiated": False, "timestamp": 0}
    restart = call("GET", "/server/info").json["results"][0]["restart"]
    assert (restart["at"], restart["reason"]) == (told["scheduledAt"], "a leak")


@pytest.mark.parametrize(
    ("body", "seconds"),
    [({}, 4), ({"delaySeconds": "0"}, 1.5), ({"delayMs": 60_000}, 60), ({"delaySeconds": "soon"}, 4)],
)
def test_when_it_restarts(call: Call, body: dict[str, Any], seconds: float) -> None:
    told = call("POST", "/server/restart", json=body).json["results"][0]
    assert abs(datetime.fromisoformat(told["scheduledAt"]).timestamp() - time.time() - seconds) < 1


def test_restart_every_day(call: Call, parts: House) -> None:
    answer = call("POST", "/server/restart/scheduled", json={"schedule": "2:30", "timezone": "Asia/Jakarta"})
    assert (answer.status_code, answer.json["code"]) == (202, 1003)
    assert answer.json["message"] == "Restart scheduled daily at 02:30 (Asia/Jakarta)"
    told = answer.json["results"][0]
    assert list(told) == ["scheduledRestart", "timezone", "nextRestartAt", "timestamp"]
    assert told["nextRestartAt"].endswith("T19:30:00.000Z") and told["scheduledRestart"] == "02:30"
    assert call("GET", "/server/info").json["results"][0]["restart"]["schedule"] == "02:30"
    off = call("POST", "/server/restart/scheduled", params={"schedule": "0"})
    assert (off.status_code, off.json["code"], off.json["results"]) == (200, 1005, [])
    assert Restarts(parts.redis).daily() is None


@pytest.mark.parametrize("wrong", [{}, {"schedule": "25:00"}, {"schedule": "2"}, {"schedule": "2:5"}])
def test_a_schedule_that_is_none(call: Call, wrong: dict[str, Any]) -> None:
    answer = call("POST", "/server/restart/scheduled", json=wrong)
    assert (answer.status_code, answer.json["code"]) == (400, 2002)
    assert answer.json["message"] == "Schedule is required (HH:MM 24-hour format or 0 to cancel)"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Asia", "\0"])
def test_a_time_zone_that_is_none(call: Call, zone: str) -> None:
    answer = call("POST", "/server/restart/scheduled", json={"schedule": "02:30", "timezone": zone})
    assert (answer.status_code, answer.json["code"]) == (400, 2002)


def test_who_restarts(parts: House) -> None:
    """Whoever has been running since before the moment, one after the other, and once."""
    restarts, now = Restarts(parts.redis), time.time()
    assert restarts.order(now + 60, "") and not restarts.newest()
    parts.redis.delete(keys.RESTART)
    assert restarts.order(now - 1, "")
    assert restarts.newest() == now - 1
    first, second = (Turn(parts.redis, "web", now - 5) for _ in range(2))
    assert (first.has_come(), first.has_come(), second.has_come()) == (True, False, False)
    parts.redis.delete(keys.restarting("web"))
    assert second.has_come() and not Turn(parts.redis, "worker", now + 1).has_come()


def test_every_day_means_every_day() -> None:
    """At the time of its zone, also where the clocks are changed; not before it was asked for."""
    night = datetime(2026, 3, 28, 12, tzinfo=UTC)
    daily = Daily("02:30", "Europe/Berlin", asked=(night - timedelta(days=9)).timestamp())
    assert daily.after(night.timestamp()).day == 29
    assert daily.before(night.timestamp()) == datetime(2026, 3, 28, 1, 30, tzinfo=UTC).timestamp()
    assert daily.after((night + timedelta(days=1)).timestamp()).astimezone(UTC).hour == 0
    assert Daily("02:30", "UTC", asked=night.timestamp()).before(night.timestamp() + 60) == 0
    assert (clock_of("7:05"), clock_of("24:00"), clock_of("7"), clock_of("-1:00")) == ("07:05", None, None, None)


def test_metrics(call: Call, parts: House, online: Callable[..., Any], admin: Account) -> None:
    """Of this process and of the others, in Prometheus' own format."""
    online(admin, "ani")
    meter = Meter("actor", "outcome")
    meter.took(0.02, "deliver", "done")
    Reporter(parts.redis, "session", {"messages": meter}, session="ani", watches=False).tick()
    call("GET", "/server/ping")
    assert call("GET", "/nowhere", key=None).status_code == 401
    answer = call("GET", "/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["warest_sessions", ("status", "open")] == 1

    def value(name: str, **labels: str) -> float:
        matching = [found[key] for key in found if key[0] == name and set(labels.items()) <= set(key[1:])]
        assert len(matching) == 1, (name, labels, matching)
        return matching[0]

    assert value("warest_http_request_seconds_count", kind="web", route="/api/v1/server/ping", status="200") == 1
    assert value("warest_http_request_seconds_count", route="none", status="401") == 1
    assert value("warest_dramatiq_message_seconds_bucket", session="ani", actor="deliver", le="0.025") == 1
    assert value("warest_dramatiq_message_seconds_bucket", session="ani", actor="deliver", le="0.01") == 0
    assert value("warest_process_resident_memory_bytes", kind="session", session="ani") > 1_000_000
    assert value("warest_process_cpu_seconds_total", kind="web") > 0


def test_who_may_read_metrics(application: Callable[..., testing.TestClient], user: Account, call: Call) -> None:
    """An admin, and a monitor with its own token, if there is one."""
    assert (call("GET", "/metrics", key=None).status_code, call("GET", "/metrics", key=USER_KEY).status_code) == (
        401,
        403,
    )
    monitored = application(metrics_token="scrape-me")

    def status(token: str, path: str = "/metrics") -> int:
        return int(monitored.simulate_get(path, headers={"Authorization": f"Bearer {token}"}).status_code)

    assert (status("scrape-me"), status("scrape"), status(USER_KEY)) == (200, 401, 403)
    assert status("scrape-me", "/api/v1/server/info") == 401


def test_capabilities(application: Callable[..., testing.TestClient], routes: dict[str, Any], call: Call) -> None:
    """Every route is there; those that always answer 501 say so, and no other does. Without the fix of the engine what
    one's own devices share stays here."""
    (told,) = call("GET", "/server/capabilities").json["results"]
    found = {(each["method"], each["path"]): each for each in told["routes"]}
    described = {
        (method.upper(), path.replace(":path}", "}")): described
        for path, resource in routes.items()
        for method, described in openapi.operations(resource)
    }
    assert set(found) == set(described) - {("GET", "/api/v1/server/capabilities")}
    never = {place for place, each in found.items() if each["support"] == "unsupported"}
    assert ("GET", "/api/v1/profile/business-profile") in never
    assert all(Code.NOT_IMPLEMENTED in described[place].codes for place in never)
    assert all(
        bool(each["reason"]) is (each["support"] != "supported") for each in [*found.values(), *told["features"]]
    )
    star = ("POST", "/api/v1/messages/{messageId}/action/star")
    assert found[star]["support"] == ("supported" if told["appStateFix"] else "local only")
    unmended = application(app_state_fix=False)
    answer = unmended.simulate_get("/api/v1/server/capabilities", headers={"X-WAREST-API-KEY": ADMIN_KEY}).json
    again = {(each["method"], each["path"]): each["support"] for each in answer["results"][0]["routes"]}
    assert (again[star], answer["results"][0]["appStateFix"]) == ("local only", False)

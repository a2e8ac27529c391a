"""/api/v1/server/healthz and /ready: whether everything is there that is needed.

Facts: contract, endpoints.md section 4. What is vital and missing makes it unhealthy (503), anything else degraded
(207). It is ready as long as whatever requests need is there, if not all that somebody may ask for.
"""

import importlib.metadata
import time
from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import Field

from warest.config.settings import Settings
from warest.http import times
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.health import NEEDED, VITAL, Checked, Health
from warest.http.operation import Access, Answer, Parameters, Result, operation

_DEPENDENCIES = ("database", "cache", "storage", "messageQueue", "fileSystem", "ffmpeg", "sharp")

_SAID = {
    "healthy": (Code.SUCCESS, "All services healthy"),
    "degraded": (Code.PARTIAL_SUCCESS, "Some services are degraded"),
    "unhealthy": (Code.SERVICE_UNAVAILABLE, "Service is unhealthy"),
}


class Healthy(Result):
    """`status`: healthy, degraded or unhealthy. `latenciesMs`: how long each of them took to answer. `worker` and
    `sessions` stand for at least one process of each kind."""

    status: str = Field(examples=["healthy"])
    serviceName: str = Field(examples=["Warest API"])
    serviceVersion: str = Field(examples=["0.1.0"])
    uptime: str = Field(examples=["6 minutes, 24 seconds"])
    services: dict[str, Any] = Field(
        examples=[
            {
                "database": {"status": "ok", "databaseType": "sqlite", "version": "3.46.1", "latencyMs": 0.4},
                "cache": {"status": "ok", "cacheType": "local", "version": "local"},
                "storage": {"status": "ok", "storageType": "local", "region": None},
                **dict.fromkeys(("messageQueue", "fileSystem", "ffmpeg", "sharp", "worker", "sessions"), "ok"),
            }
        ]
    )
    timestamp: int
    latenciesMs: dict[str, float] = Field(examples=[{"database": 0.4, "messageQueue": 0.3}])


class Readiness(Result):
    ready: bool
    dependencies: dict[str, bool] = Field(examples=[dict.fromkeys(_DEPENDENCIES, True)])
    timestamp: int
    latenciesMs: dict[str, float] = Field(examples=[{"database": 0.4, "messageQueue": 0.3}])


class Healthz:
    """/api/v1/server/healthz"""

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._began = time.time()

    @operation(
        "Is everything well?",
        family=Family.E1,
        access=Access.ADMIN,
        result=Healthy,
        codes=(Code.PARTIAL_SUCCESS, Code.SERVICE_UNAVAILABLE),
    )
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        found = self._health.check()
        bad = {name for name, each in found.items() if not each.is_ok}
        status = "unhealthy" if bad & {*VITAL} else "degraded" if bad else "healthy"
        code, message = _SAID[status]
        told = Healthy(
            status=status,
            serviceName=self._settings.server_name,
            serviceVersion=importlib.metadata.version("warest"),
            uptime=times.lasted(time.time() - self._began, self._settings.timezone_locale),
            services=self._services(found),
            timestamp=int(time.time()),
            latenciesMs=_latencies(found),
        )
        return Answer([told.model_dump()], message, code)

    def _services(self, found: dict[str, Checked]) -> dict[str, Any]:
        database, cache, storage = found["database"], found["cache"], found["storage"]
        region = self._settings.s3_region if self._settings.storage_driver == "s3" else None
        return {
            "database": {
                "status": database.word,
                "databaseType": self._settings.db_client,
                "version": database.version,
                "latencyMs": database.latency_ms,
                **_trouble(database),
            },
            "cache": {
                "status": cache.word,
                "cacheType": self._settings.cache_driver,
                "version": cache.version,
                **_trouble(cache),
            },
            "storage": {
                "status": storage.word,
                "storageType": self._settings.storage_driver,
                "region": region,
                **_trouble(storage),
            },
            **{name: each.word for name, each in found.items() if name not in ("database", "cache", "storage")},
        }


class Ready:
    """/api/v1/server/ready"""

    def __init__(self, health: Health) -> None:
        self._health = health

    @operation(
        "May requests be sent here?",
        family=Family.E1,
        access=Access.ADMIN,
        result=Readiness,
        codes=(Code.SERVICE_UNAVAILABLE,),
    )
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        found = self._health.check()
        ready = all(found[name].is_ok for name in NEEDED)
        told = Readiness(
            ready=ready,
            dependencies={name: found[name].is_ok for name in _DEPENDENCIES},
            timestamp=int(time.time()),
            latenciesMs=_latencies(found),
        )
        if ready:
            return Answer([told.model_dump()], "Server is ready for traffic")
        return Answer([told.model_dump()], "Server is not ready", Code.SERVICE_UNAVAILABLE)


def _trouble(checked: Checked) -> dict[str, str]:
    return {"error": checked.error} if checked.error else {}


def _latencies(found: dict[str, Checked]) -> dict[str, float]:
    return {name: each.latency_ms for name, each in found.items()}


def routes(settings: Settings, health: Health) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/server/healthz", Healthz(settings, health)
    yield "/api/v1/server/ready", Ready(health)

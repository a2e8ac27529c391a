"""/api/v1/server: the service itself; whether it is alive, what it is made of, and how its processes are.

Facts: contract, endpoints.md section 4.
"""

import importlib.metadata
import os
import platform
import socket
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import falcon
from pydantic import Field

from warest import machine, vitals
from warest.config.house import House
from warest.config.settings import Settings
from warest.http import times
from warest.http.errors import Family
from warest.http.health import Health
from warest.http.operation import Access, Answer, Parameters, Result, operation
from warest.http.resources import server_health, server_history, server_restart
from warest.http.resources.server_restart import told_of
from warest.restarts import Restarts
from warest.store import Store

_MB = 1024 * 1024

#: What the engine room is made of, as `pip` calls it.
_PARTS = ("neonize", "falcon", "gunicorn", "dramatiq", "pony", "redis", "pillow")


class Pong(Result):
    ping: str
    latencyMs: float
    serverTime: str
    serverTimeISO: str
    serverTimeUTC: str
    timezone: str
    timezoneLocale: str
    timestamp: int


class ServerTold(Result):
    """As in the original; `nodeVersion` says what runs in place of Node.js, and of the `memory` of the process
    `heapTotalMB` is its data, `heapUsedMB` its own pages, `externalMB` those of files and `arrayBuffersMB` shared ones.
    New are `processes`, `queues`, `store` and `restart`."""

    serviceName: str = Field(examples=["Warest API"])
    serviceVersion: str = Field(examples=["0.1.0"])
    environment: str = Field(examples=["production"])
    uptimeSeconds: int
    uptimeDays: str = Field(examples=["3 days, 4 hours, 1 minute"])
    system: dict[str, str] = Field(
        examples=[{"hostname": "host", "platform": "linux", "arch": "x86_64", "release": "6.1.0"}]
    )
    cpu: dict[str, Any] = Field(examples=[{"model": "a processor", "cores": 4, "speedMHz": 2400}])
    memory: dict[str, float] = Field(examples=[{"totalMB": 8000, "freeMB": 5000, "usedMB": 3000, "usagePercent": 37.5}])
    process: dict[str, Any]
    disk: list[dict[str, Any]]
    loadAverage: list[float]
    temperature: list[dict[str, Any]]
    timezone: str
    runtime: list[dict[str, str]]
    ioStats: dict[str, float]
    sessions: dict[str, Any] = Field(examples=[{"total": 2, "byStatus": {"open": 2}}])
    processes: list[dict[str, Any]]
    queues: dict[str, dict[str, int]] = Field(examples=[{"webhooks": {"waiting": 0, "dead": 0}}])
    store: dict[str, Any]
    restart: dict[str, Any]
    timestamp: int


class Ping:
    """/api/v1/server/ping"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @operation("Is the server alive?", family=Family.E1, access=Access.PUBLIC, result=Pong)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        began = time.perf_counter()
        now = datetime.now(UTC)
        shown = times.shown(now, self._settings.timezone, self._settings.timezone_locale)
        pong = Pong(
            ping="pong",
            latencyMs=round((time.perf_counter() - began) * 1000, 2),
            serverTime=shown,
            serverTimeISO=times.iso(now),
            serverTimeUTC=times.iso(now),
            timezone=self._settings.timezone,
            timezoneLocale=self._settings.timezone_locale,
            timestamp=int(now.timestamp()),
        )
        return Answer([pong.model_dump()], "Server is alive")


class ServerInfo:
    """/api/v1/server/info"""

    def __init__(self, parts: House, store: Store, restarts: Restarts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._store = store
        self._restarts = restarts
        self._began = time.time()
        self._io = time.monotonic(), machine.disk_bytes()

    @operation("What the server is, and how it is", family=Family.E1, access=Access.ADMIN, result=ServerTold)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        settings, up, memory = self._settings, machine.uptime(), machine.memory()
        info = ServerTold(
            serviceName=settings.server_name,
            serviceVersion=importlib.metadata.version("warest"),
            environment=settings.environment,
            uptimeSeconds=int(up),
            uptimeDays=times.lasted(up, settings.timezone_locale),
            system=_system(),
            cpu=_cpu(),
            memory={
                "totalMB": _mb(memory.total), "freeMB": _mb(memory.free), "usedMB": _mb(memory.used),
                "usagePercent": _percent(memory.used, memory.total),
            },
            process=self._process(memory.total),
            disk=list(_disks()),
            loadAverage=machine.load(),
            temperature=[{"sensor": name, "celsius": degrees} for name, degrees in machine.temperatures()],
            timezone=settings.timezone,
            runtime=list(_runtime()),
            ioStats=self._io_since(),
            sessions=self._sessions(),
            processes=vitals.reports(self._parts.redis),
            queues={name: {"waiting": waiting, "dead": dead} for name, (waiting, dead) in self._queues()},
            store=self._database(),
            restart=told_of(self._restarts),
            timestamp=int(time.time()),
        )  # fmt: skip
        return Answer([info.model_dump()], "Server info fetched")

    def _process(self, whole: int) -> dict[str, Any]:
        own, up = machine.process(), time.time() - self._began
        user, system = own.user * 1000, own.system * 1000
        return {
            "pid": os.getpid(),
            "nodeVersion": f"Python {platform.python_version()}",
            "uptimeSeconds": int(up),
            "uptimeDays": times.lasted(up, self._settings.timezone_locale),
            "memory": {
                "rssMB": _mb(own.resident), "heapTotalMB": _mb(own.data), "heapUsedMB": _mb(own.private),
                "externalMB": _mb(own.files), "arrayBuffersMB": _mb(own.shared),
                "memoryUsagePercent": _percent(own.resident, whole),
            },
            "cpu": {
                "userMs": round(user, 2), "systemMs": round(system, 2),
                "idleMs": round(max(0.0, up * 1000 - user - system), 2),
                "cpuUsagePercent": _percent(user + system, up * 1000),
            },
        }  # fmt: skip

    def _io_since(self) -> dict[str, float]:
        """On average since the last call."""
        (then, (read, written)), now = self._io, time.monotonic()
        self._io = now, machine.disk_bytes()
        seconds = max(now - then, 0.001)
        return {
            "readMBps": round((self._io[1][0] - read) / _MB / seconds, 2),
            "writeMBps": round((self._io[1][1] - written) / _MB / seconds, 2),
        }

    def _sessions(self) -> dict[str, Any]:
        records = self._store.all_sessions()
        states = self._parts.states.get_many(record.ulid for record in records)
        return {"total": len(records), "byStatus": dict(Counter(state.known.status for state in states))}

    def _queues(self) -> Iterator[tuple[str, tuple[int, int]]]:
        yield from depths(self._parts).items()

    def _database(self) -> dict[str, Any]:
        began = time.perf_counter()
        version = self._store.version()
        latency = round((time.perf_counter() - began) * 1000, 2)
        told = {"databaseType": self._settings.db_client, "version": version, "latencyMs": latency}
        if self._settings.db_client == "sqlite" and self._settings.sqlite_path.exists():
            told["sizeMB"] = _mb(self._settings.sqlite_path.stat().st_size)
        return told


def depths(parts: House) -> dict[str, tuple[int, int]]:
    """Messages that are not done yet, and dead ones, by queue; those of all sessions are one, and all supervisors'."""
    found: dict[str, tuple[int, int]] = {}
    for queue, (waiting, dead) in parts.broker.depths().items():
        name = queue.partition(".")[0]
        before = found.get(name, (0, 0))
        found[name] = before[0] + waiting, before[1] + dead
    return found


def _system() -> dict[str, str]:
    return {
        "hostname": socket.gethostname(),
        "platform": platform.system().lower(),
        "arch": platform.machine(),
        "release": platform.release(),
    }


def _cpu() -> dict[str, Any]:
    model, speed = machine.processor()
    return {"model": model, "cores": os.cpu_count() or 1, "speedMHz": round(speed)}


def _disks() -> Iterator[dict[str, Any]]:
    for disk in machine.disks():
        used = disk.total - disk.free
        yield {
            "mountPoint": disk.mount, "filesystem": disk.system, "totalMB": _mb(disk.total), "usedMB": _mb(used),
            "freeMB": _mb(disk.free), "usagePercent": _percent(used, disk.total),
        }  # fmt: skip


def _runtime() -> Iterator[dict[str, str]]:
    yield {"name": "python", "version": platform.python_version()}
    for name in _PARTS:
        yield {"name": name, "version": importlib.metadata.version(name)}


def _mb(size: int) -> float:
    return round(size / _MB, 2)


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def routes(parts: House, store: Store, health: Health) -> Iterator[tuple[str, Any]]:
    restarts = Restarts(parts.redis)
    yield "/api/v1/server/ping", Ping(parts.settings)
    yield "/api/v1/server/info", ServerInfo(parts, store, restarts)
    yield from server_health.routes(parts.settings, health)
    yield "/api/v1/server/cpu-history", server_history.CpuHistory(parts)
    yield from server_restart.routes(parts.settings, restarts)

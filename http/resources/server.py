"""/api/v1/server: the service itself."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import falcon

from warest.config.settings import Settings
from warest.http.errors import Family
from warest.http.operation import Access, Answer, Parameters, Result, operation
from warest.http.times import iso


class Pong(Result):
    ping: str
    latencyMs: float
    serverTime: str
    serverTimeISO: str
    serverTimeUTC: str
    timezone: str
    timezoneLocale: str
    timestamp: int


class Ping:
    """/api/v1/server/ping"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @operation("Is the server alive?", family=Family.E1, access=Access.PUBLIC, result=Pong)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        began = time.perf_counter()
        now = datetime.now(UTC)
        local = now.astimezone(ZoneInfo(self._settings.timezone))
        pong = Pong(
            ping="pong",
            latencyMs=round((time.perf_counter() - began) * 1000, 2),
            serverTime=f"{local:%A, %d %B %Y, %H:%M:%S}, {self._settings.timezone}",
            serverTimeISO=iso(now),
            serverTimeUTC=iso(now),
            timezone=self._settings.timezone,
            timezoneLocale=self._settings.timezone_locale,
            timestamp=int(now.timestamp()),
        )
        return Answer([pong.model_dump()], "Server is alive")

"""/api/v1/server/cpu-history: how busy the processor of this host was.

Facts: contract, endpoints.md section 4. Samples are kept in Redis (vitals.py), so a restart does not lose them.
"""

import socket
import time

import falcon
from pydantic import Field

from warest import vitals
from warest.config.house import House
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Access, Answer, Parameters, Result, Word, operation

_PERIODS = {"1h": 3600, "6h": 21_600, "12h": 43_200, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
_INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}


class Span(Parameters):
    """`period`: 1h, 6h, 12h, 24h, 7d or 30d; `interval`: 1m, 5m, 15m, 30m or 1h."""

    query_first = True

    period: Word = Field("1h")
    interval: Word = Field("5m")


class Sample(Result):
    timestamp: int
    usagePercent: float = Field(examples=[12.5])


class History(Result):
    period: str = Field(examples=["1h"])
    interval: str = Field(examples=["5m"])
    data: list[Sample]
    averageUsagePercent: float
    maxUsagePercent: float
    timestamp: int


class CpuHistory:
    """/api/v1/server/cpu-history"""

    def __init__(self, parts: House) -> None:
        self._redis = parts.redis

    @operation(
        "How busy the processor was",
        family=Family.E1,
        access=Access.ADMIN,
        parameters=Span,
        result=History,
        codes=(Code.INVALID_PARAMETER,),
    )
    def on_get(self, request: falcon.Request, parameters: Span) -> Answer:
        period, interval = parameters.period or "1h", parameters.interval or "5m"
        for name, value, known in (("period", period, _PERIODS), ("interval", interval, _INTERVALS)):
            if value not in known:
                raise Refusal(Code.INVALID_PARAMETER, f"{name} must be one of {', '.join(known)}")
        now = time.time()
        found = vitals.cpu_history(self._redis, socket.gethostname(), now - _PERIODS[period], _INTERVALS[interval])
        used = [percent for _, percent in found]
        history = History(
            period=period,
            interval=interval,
            data=[Sample(timestamp=at, usagePercent=percent) for at, percent in found],
            averageUsagePercent=round(sum(used) / len(used), 2) if used else 0.0,
            maxUsagePercent=max(used, default=0.0),
            timestamp=int(now),
        )
        message = "CPU history fetched" if found else "No CPU samples collected for the requested period"
        return Answer([history.model_dump()], message)

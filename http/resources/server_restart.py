"""/api/v1/server/restart: restart all processes, once or every day.

Facts: contract, endpoints.md section 4. What is ordered here every process finds by itself (restarts.py).
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import falcon
from pydantic import BeforeValidator, Field

from warest.config.settings import Settings
from warest.http import times
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Access, Answer, Parameters, Result, Word, operation
from warest.restarts import Restarts, clock_of

#: How soon, s, unless it is said; and within which limits.
_SOON, _SOONEST, _LATEST = 4.0, 1.5, 1800.0

#: What restarts our processes: the house itself.
_STRATEGY = "supervisor"

_WANTED = "Schedule is required (HH:MM 24-hour format or 0 to cancel)"


def _number(value: object) -> float | None:
    """What is no number is as good as nothing."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if number == number else None


Number = Annotated[float | None, BeforeValidator(_number)]


class Order(Parameters):
    """`delaySeconds`: 1.5 to 1800; or `delayMs`."""

    delay: Number = Field(None, alias="delaySeconds")
    delay_ms: Number = Field(None, alias="delayMs")
    reason: Word = None


class Schedule(Parameters):
    """`schedule`: a time of the day, `HH:MM`, or 0 to cancel; `timezone`: an IANA name, the server's if it is not
    given."""

    schedule: Word = None
    timezone: Word = None


class Restarting(Result):
    restartInitiated: bool
    scheduledAt: str = Field(examples=["2026-01-01T00:00:04.000Z"])
    restartStrategy: str = Field(examples=[_STRATEGY])
    timestamp: int


class Scheduled(Result):
    scheduledRestart: str = Field(examples=["02:30"])
    timezone: str = Field(examples=["Asia/Jakarta"])
    nextRestartAt: str = Field(examples=["2026-01-01T19:30:00.000Z"])
    timestamp: int


class RestartNow:
    """/api/v1/server/restart"""

    def __init__(self, restarts: Restarts) -> None:
        self._restarts = restarts

    @operation(
        "Restart all processes, one after the other",
        family=Family.E1,
        access=Access.ADMIN,
        parameters=Order,
        result=Restarting,
        codes=(Code.SCHEDULED, Code.NOOP),
    )
    def on_post(self, request: falcon.Request, parameters: Order) -> Answer:
        in_ms = parameters.delay_ms
        delay = parameters.delay if parameters.delay is not None else _SOON if in_ms is None else in_ms / 1000
        at = time.time() + min(max(delay, _SOONEST), _LATEST)
        if ordered := self._restarts.order(at, (parameters.reason or "")[:200]):
            return Answer([_restarting(True, ordered.at)], "Restart scheduled", Code.SCHEDULED)
        waiting = self._restarts.once()
        return Answer([_restarting(False, waiting.at if waiting else at)], "Restart already scheduled", Code.NOOP)


class RestartDaily:
    """/api/v1/server/restart/scheduled"""

    def __init__(self, settings: Settings, restarts: Restarts) -> None:
        self._settings = settings
        self._restarts = restarts

    @operation(
        "Restart all processes every day, or no longer",
        family=Family.E1,
        access=Access.ADMIN,
        parameters=Schedule,
        result=Scheduled,
        codes=(Code.SCHEDULED, Code.NOOP, Code.INVALID_PARAMETER),
    )
    def on_post(self, request: falcon.Request, parameters: Schedule) -> Answer:
        given = (parameters.schedule or "").strip()
        if given == "0":
            self._restarts.cancel_daily()
            return Answer([], "Scheduled restart cancelled", Code.NOOP)
        clock = clock_of(given)
        if clock is None:
            raise Refusal(Code.INVALID_PARAMETER, _WANTED)
        zone = _zone(parameters.timezone or self._settings.timezone)
        daily = self._restarts.order_daily(clock, zone)
        told = Scheduled(
            scheduledRestart=clock,
            timezone=zone,
            nextRestartAt=times.iso(daily.after(time.time()).astimezone(UTC)),
            timestamp=int(time.time()),
        )
        return Answer([told.model_dump()], f"Restart scheduled daily at {clock} ({zone})", Code.SCHEDULED)


def told_of(restarts: Restarts) -> dict[str, Any]:
    """What of all this is ahead."""
    now, once, daily = time.time(), restarts.once(), restarts.daily()
    return {
        "at": _iso(once.at) if once and once.at > now else None,
        "reason": once.reason if once and once.at > now else None,
        "schedule": daily.clock if daily else None,
        "timezone": daily.zone if daily else None,
        "nextRestartAt": times.iso(daily.after(now).astimezone(UTC)) if daily else None,
    }


def _restarting(initiated: bool, at: float) -> dict[str, Any]:
    told = Restarting(
        restartInitiated=initiated, scheduledAt=_iso(at), restartStrategy=_STRATEGY, timestamp=int(time.time())
    )
    return told.model_dump()


def _iso(at: float) -> str:
    return times.iso(datetime.fromtimestamp(at, UTC))


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(Code.INVALID_PARAMETER, "timezone must be an IANA name, like Asia/Jakarta") from None


def routes(settings: Settings, restarts: Restarts) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/server/restart", RestartNow(restarts)
    yield "/api/v1/server/restart/scheduled", RestartDaily(settings, restarts)

"""When the processes of an installation are to be restarted: once, at a moment, or every day at a time.

Nobody hands the order on: every process looks whether it has been running since before the newest moment at which all
were to be restarted, and if so, it restarts itself. So nobody is forgotten, and nobody does it twice. Both orders are
kept in Redis, and outlive all processes.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import redis

from warest import keys
from warest.errors import DriverError

#: An order to restart once is remembered for so long after its moment, s: by then everybody has seen it.
_KEPT = 86_400

#: The next process of a kind waits so long, ms: by then the one before has been replaced.
_TURN_MS = 5_000

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True)
class Once:
    """`at` and `asked` are epoch seconds."""

    at: float
    asked: float
    reason: str


@dataclass(frozen=True)
class Daily:
    """`clock` is `HH:MM` in the time zone `zone`."""

    clock: str
    zone: str
    asked: float

    def after(self, moment: float) -> datetime:
        """The first time after this moment (epoch s)."""
        return next(each for each in self._around(moment) if each.timestamp() > moment)

    def before(self, moment: float) -> float:
        """The last time until this moment; 0: there was none since it was asked for."""
        last = max(each.timestamp() for each in self._around(moment) if each.timestamp() <= moment)
        return last if last > self.asked else 0.0

    def _around(self, moment: float) -> list[datetime]:
        zone = ZoneInfo(self.zone)
        hour, minute = map(int, self.clock.split(":"))
        today = datetime.fromtimestamp(moment, zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
        return [today + timedelta(days=days) for days in (-2, -1, 0, 1, 2)]


class Restarts:
    """Raises DriverError when Redis is out of reach."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def once(self) -> Once | None:
        found = self._read(keys.RESTART)
        return Once(**found) if found else None

    def daily(self) -> Daily | None:
        found = self._read(keys.DAILY_RESTART)
        return Daily(**found) if found else None

    def order(self, at: float, reason: str) -> Once | None:
        """Restart once, at this moment (epoch s). None: such an order waits for its moment already."""
        with _driver_errors():
            known, now = self.once(), time.time()
            if known and known.at > now:
                return None
            once = Once(at, now, reason)
            self._redis.set(keys.RESTART, orjson.dumps(asdict(once)), ex=int(at - now) + _KEPT)
            return once

    def order_daily(self, clock: str, zone: str) -> Daily:
        """Of `clock_of`. It takes the place of the one before."""
        daily = Daily(clock, zone, time.time())
        with _driver_errors():
            self._redis.set(keys.DAILY_RESTART, orjson.dumps(asdict(daily)))
        return daily

    def cancel_daily(self) -> None:
        with _driver_errors():
            self._redis.delete(keys.DAILY_RESTART)

    def newest(self) -> float:
        """The newest moment (epoch s) that has come: whoever was started before it is to restart. 0: there is none."""
        now, once, daily = time.time(), self.once(), self.daily()
        return max(once.at if once and once.at <= now else 0.0, daily.before(now) if daily else 0.0)

    def _read(self, key: str) -> Any:
        with _driver_errors():
            found: Any = self._redis.get(key)
        return orjson.loads(found) if found else None


class Turn:
    """When one of several processes of a kind restarts, while the others wait for it."""

    def __init__(self, client: "redis.Redis", kind: str, started_at: float) -> None:
        """`started_at`: when this process was started, epoch s."""
        self._redis = client
        self._restarts = Restarts(client)
        self._key = keys.restarting(kind)
        self._started_at = started_at
        self._has_come = False

    def has_come(self) -> bool:
        """Once only. Where Redis is away, it has not."""
        try:
            if self._has_come or self._started_at >= self._restarts.newest():
                return False
            self._has_come = bool(self._redis.set(self._key, self._started_at, nx=True, px=_TURN_MS))
        except (redis.RedisError, DriverError):
            return False
        return self._has_come


def clock_of(text: str) -> str | None:
    """`HH:MM` of `H:MM` and `HH:MM`; None: it is no time of the day."""
    if not (found := _CLOCK.fullmatch(text.strip())):
        return None
    hour, minute = map(int, found.groups())
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The orders to restart are out of reach, Redis said: {error}") from error

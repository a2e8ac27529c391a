"""Checks of Redis: it holds every event and every order that is not done yet."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from warest.cli import embedded_redis
from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.config.settings import Settings

#: The first that has all the commands that we use.
OLDEST = (6, 2)

#: An answer may take so long, s.
PATIENCE = 3.0

#: Clocks that differ more than this confuse leases and signatures, s.
TOLERANCE = 2.0


def answers(settings: Settings) -> Finding:
    try:
        with _connected(settings) as client:
            version = str(_info(client, "server")["redis_version"])
    except redis.RedisError as error:
        return _away(settings, error)
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return Finding(FAIL, f"version {version} is too old", "Upgrade Redis to 6.2 or newer.")
    is_brought = embedded_redis.url_of(settings) != settings.redis_url
    return Finding(OK, f"version {version}, {'brought by `warest up`' if is_brought else 'a server of its own'}")


def persists(settings: Settings) -> Finding:
    with _connected(settings) as client:
        info = _info(client, "persistence")
    if not info["aof_enabled"]:
        remedy = "Set `appendonly yes` in its redis.conf."
        return Finding(WARN, "is off: what has not been done yet is lost when Redis ends", remedy)
    if info["aof_last_write_status"] != "ok":
        return Finding(FAIL, "Redis cannot write its file", "Look into its log, and at its disk.")
    return Finding(OK, "every write goes to an append-only file")


def evicts_nothing(settings: Settings) -> Finding:
    with _connected(settings) as client:
        info = _info(client, "memory")
    policy, limit, remedy = info["maxmemory_policy"], int(info["maxmemory"]), "Set `maxmemory-policy noeviction`."
    if policy != "noeviction":
        said = f"{policy}: when memory is full Redis drops leases, events or orders"
        return Finding(FAIL if limit else WARN, said if limit else f"{said}; there is no maxmemory yet", remedy)
    return Finding(OK, f"noeviction, {info['used_memory_human']} of {info['maxmemory_human'] if limit else 'no limit'}")


def agrees_on_time(settings: Settings) -> Finding:
    """With Redis' own clock, which the hosts have in common."""
    with _connected(settings) as client:
        client.ping()  # connecting takes its time
        before = time.time()
        seconds, micros = client.time()
        after = time.time()
    ahead = (before + after) / 2 - (seconds + micros / 1e6)
    if abs(ahead) > TOLERANCE:
        side = "ahead of" if ahead > 0 else "behind"
        return Finding(WARN, f"{abs(ahead):.1f} s {side} Redis' clock", "Let NTP set the clocks of all hosts.")
    return Finding(OK, f"{abs(ahead) * 1000:.0f} ms from Redis' clock")


def _away(settings: Settings, error: redis.RedisError) -> Finding:
    if embedded_redis.is_set(settings):
        return Finding(FAIL, str(error), "Start it, or mend WAREST_REDIS_URL.")
    remedy = "Start `warest up`, or set WAREST_REDIS_URL to a Redis that runs."
    return Finding(WARN, "none runs; the one that `warest up` brings runs as long as that does", remedy)


@contextmanager
def _connected(settings: Settings) -> Iterator["redis.Redis"]:
    url = embedded_redis.url_of(settings)
    with redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
        yield client


def _info(client: "redis.Redis", section: str) -> dict[str, Any]:
    info: Any = client.info(section)
    return dict(info)

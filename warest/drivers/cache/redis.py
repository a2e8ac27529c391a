"""A cache in Redis: the one of the queues, or another one."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from warest.drivers.cache import places
from warest.errors import DriverError


class RedisCache:
    driver = "redis"

    def __init__(self, place: places.Redis) -> None:
        self._prefix = place.prefix
        self._client = redis.Redis.from_url(
            place.url,
            socket_timeout=places.PATIENCE,
            socket_connect_timeout=places.PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def get(self, key: str) -> bytes | None:
        with _errors():
            found = self._client.get(self._prefix + key)
            return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes, seconds: float) -> None:
        with _errors():
            self._client.set(self._prefix + key, value, px=max(1, round(seconds * 1000)))

    def forget(self, key: str) -> None:
        with _errors():
            self._client.delete(self._prefix + key)

    def ping(self) -> str:
        with _errors():
            return str(self._client.info("server")["redis_version"])

    def close(self) -> None:
        self._client.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The cache is out of reach, Redis said: {error}") from error

"""A cache in memcached, on one server or spread over several."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

from pymemcache import HashClient, MemcacheError

from warest.drivers.cache import places
from warest.errors import DriverError, SetupError

#: memcached takes more seconds than these for a moment since 1970.
_LONGEST = 30 * 24 * 3600

#: A server that failed is asked again after so long, s.
DEAD_FOR = 1


class MemcachedCache:
    """Keys are hashes: memcached's may have neither blanks nor more than 250 bytes. Entries end at whole seconds."""

    driver = "memcached"

    def __init__(self, place: places.Memcached) -> None:
        self._client = HashClient(
            [_address(server) for server in place.servers],
            connect_timeout=places.PATIENCE,
            timeout=places.PATIENCE,
            use_pooling=True,
            max_pool_size=16,
            retry_attempts=0,
            dead_timeout=DEAD_FOR,
        )

    def get(self, key: str) -> bytes | None:
        with _errors():
            found: bytes | None = self._client.get(_named(key))
            return found

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """For one second at least: none would mean for ever."""
        with _errors():
            self._client.set(_named(key), value, expire=min(max(1, math.floor(seconds)), _LONGEST), noreply=False)

    def forget(self, key: str) -> None:
        with _errors():
            self._client.delete(_named(key), noreply=False)

    def ping(self) -> str:
        """Of each server its own, if they differ."""
        with _errors():
            versions = {client.version().decode() for client in self._client.clients.values()}
            return ", ".join(sorted(versions))

    def close(self) -> None:
        self._client.close()


def _named(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    if not host or not port.isdecimal():
        raise SetupError(f"WAREST_CACHE_MEMCACHED_SERVERS: {server} is not HOST:PORT.")
    return host.strip("[]"), int(port)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (MemcacheError, OSError) as error:
        raise DriverError(f"The cache is out of reach, memcached said: {error or type(error).__name__}") from error

"""What has been asked lately, so that it need not be asked again: in memory, Redis, memcached or MongoDB.

One contract, whichever it is. A cache forgets whenever it likes: nothing is in it only. Entries are bytes of at most
`LARGEST`; they end by themselves.
"""

from typing import Protocol

from warest.drivers.cache.guarded import Guarded
from warest.drivers.cache.local import Local
from warest.drivers.cache.places import Memcached, Memory, MongoDB, Place, Redis
from warest.errors import SetupError

__all__ = ["LARGEST", "Cache", "Guarded", "Memcached", "Memory", "MongoDB", "Place", "Redis", "open"]

#: Longest entry, bytes. memcached takes no more than 1 MB.
LARGEST = 512 * 1024


class Cache(Protocol):
    """Raises DriverError when the server is out of reach. May be used by many threads at once, and must be opened anew
    after a fork. Keys are of any length and kind: the drivers make of them what their server takes."""

    #: What WAREST_CACHING_DRIVER calls it.
    driver: str

    def get(self, key: str) -> bytes | None:
        """None: it is not there, or no longer."""

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep it for so long, in place of what was there."""

    def forget(self, key: str) -> None: ...

    def ping(self) -> str:
        """The version of the server."""

    def close(self) -> None:
        """End its connections. What has not been used has none."""


def open(place: Place) -> Cache:
    """Connects when it is used first: a cache that is down does not keep anybody from starting."""
    match place:
        case Memory():
            return Local(place)
        case Redis():
            from warest.drivers.cache.redis import RedisCache

            return RedisCache(place)
        case Memcached():
            from warest.drivers.cache.memcached import MemcachedCache

            return MemcachedCache(place)
        case MongoDB():
            from warest.drivers.cache.mongodb import MongoCache

            return MongoCache(place)
    raise SetupError(f"There is no cache of the kind {place}.")

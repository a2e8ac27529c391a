"""A cache that may fail: then the memory of this process stands in for a while, and nobody notices but the log."""

import logging
import time
from typing import TYPE_CHECKING

from warest.drivers.cache.local import Local
from warest.drivers.cache.places import Memory
from warest.errors import DriverError

if TYPE_CHECKING:
    from warest.drivers.cache import Cache

log = logging.getLogger(__name__)

#: A cache that has failed is left alone for so long, s: whoever asks should not wait for it each time.
REST = 10.0


class Guarded:
    def __init__(self, cache: "Cache", stand_in: Memory) -> None:
        self.driver = cache.driver
        self._cache = cache
        self._stand_in = Local(stand_in)
        self._rests_until = 0.0

    def get(self, key: str) -> bytes | None:
        if not self._rests():
            try:
                return self._cache.get(key)
            except DriverError as error:
                self._failed(error)
        return self._stand_in.get(key)

    def put(self, key: str, value: bytes, seconds: float) -> None:
        if not self._rests():
            try:
                return self._cache.put(key, value, seconds)
            except DriverError as error:
                self._failed(error)
        self._stand_in.put(key, value, seconds)

    def forget(self, key: str) -> None:
        """In both: what was forgotten must not come back from the one that stands in."""
        self._stand_in.forget(key)
        if not self._rests():
            try:
                self._cache.forget(key)
            except DriverError as error:
                self._failed(error)

    def ping(self) -> str:
        return self._cache.ping()

    def close(self) -> None:
        self._cache.close()

    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _failed(self, error: DriverError) -> None:
        self._rests_until = time.monotonic() + REST
        log.warning("the memory of this process stands in for the cache for %.0f s: %s", REST, error.message)

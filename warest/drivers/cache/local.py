"""A cache in the memory of this process."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from warest.drivers.cache.places import Memory


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    ends_at: float


class Local:
    """The oldest entries go when there are too many, or they take too much room."""

    driver = "local"

    #: What an entry takes besides its key and its value, bytes.
    _OVERHEAD = 200

    def __init__(self, place: Memory) -> None:
        self._place = place
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0
        self._swept_at = time.monotonic()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.ends_at <= time.monotonic():
                return None
            return entry.value

    def put(self, key: str, value: bytes, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._drop(key)
            self._entries[key] = _Entry(value, now + seconds)
            self._bytes += self._size(key, value)
            if now - self._swept_at >= self._place.sweep:
                self._sweep(now)
            while len(self._entries) > self._place.most or self._bytes > self._place.most_bytes:
                self._drop(next(iter(self._entries)))

    def forget(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def ping(self) -> str:
        return "local"

    def close(self) -> None:
        """There is nothing to end."""

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for key in [key for key, entry in self._entries.items() if entry.ends_at <= now]:
            self._drop(key)

    def _drop(self, key: str) -> None:
        if entry := self._entries.pop(key, None):
            self._bytes -= self._size(key, entry.value)

    def _size(self, key: str, value: bytes) -> int:
        return len(key) + len(value) + self._OVERHEAD

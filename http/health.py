"""Whether everything that this installation needs is there, and how quickly it answers."""

import importlib.util
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from typing import Any

from warest import vitals
from warest.config.house import House
from warest.drivers.cache import Cache
from warest.drivers.storage import Storage
from warest.errors import DriverError, Unsupported, WarestError
from warest.media import ffmpeg
from warest.store import Store

#: All have to answer within this, s.
PATIENCE = 3.0

#: Without these nothing can be done at all; without one of the others something cannot.
VITAL = ("database", "messageQueue")

#: Without these no request is sent here.
NEEDED = (*VITAL, "storage", "fileSystem")

#: Of which kind a process must live, for what.
_KINDS = {"worker": "worker", "sessions": "sessions"}


@dataclass(frozen=True)
class Checked:
    """`error` is empty of what is well. `latency_ms` of what has not answered is how long it was waited for."""

    latency_ms: float
    error: str = ""
    version: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.error

    @property
    def word(self) -> str:
        return "ok" if self.is_ok else "error"


class Health:
    """`check` looks at all at once. A check that hangs holds one of a few threads, and the next ones fail."""

    def __init__(self, parts: House, store: Store, files: Storage, cache: Cache) -> None:
        self._parts = parts
        self._store = store
        self._files = files
        self._cache = cache
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="health")

    def check(self) -> dict[str, Checked]:
        """By the contract's names, and `worker` and `sessions`: whether a process of each lives."""
        deadline = time.monotonic() + PATIENCE
        asked = {name: self._threads.submit(_timed, look) for name, look in self._looks().items()}
        return {name: _awaited(future, deadline) for name, future in asked.items()}

    def _looks(self) -> Mapping[str, Callable[[], str]]:
        return {
            "database": self._store.version,
            "cache": self._cache.ping,
            "storage": self._storage,
            "messageQueue": self._redis,
            "fileSystem": self._folder,
            "ffmpeg": self._ffmpeg,
            "sharp": _pictures,
            **{name: lambda kind=kind: self._living(kind) for name, kind in _KINDS.items()},  # type: ignore[misc]
        }

    def _storage(self) -> str:
        self._files.ping()
        return ""

    def _redis(self) -> str:
        said: Any = self._parts.redis.info("server")
        return str(said["redis_version"])

    def _folder(self) -> str:
        with tempfile.TemporaryFile(dir=self._parts.settings.data_dir) as file:
            file.write(b"ok")
        return ""

    def _ffmpeg(self) -> str:
        return ffmpeg.find(self._parts.settings.ffmpeg_path) and ""

    def _living(self, kind: str) -> str:
        if not any(report["kind"] == kind for report in vitals.reports(self._parts.redis)):
            raise DriverError(f"no {kind} process has given a sign of life")
        return ""


def _pictures() -> str:
    if importlib.util.find_spec("PIL") is None:
        raise Unsupported("Pillow is not installed")
    return ""


def _timed(look: Callable[[], str]) -> Checked:
    """Whatever it raises is what is wrong; where things lie is not told."""
    began = time.perf_counter()
    try:
        version, error = look(), ""
    except WarestError as failure:
        version, error = "", failure.message
    except Exception as failure:
        version, error = "", type(failure).__name__
    return Checked(round((time.perf_counter() - began) * 1000, 2), error, version)


def _awaited(future: "Future[Checked]", deadline: float) -> Checked:
    try:
        return future.result(timeout=max(0.0, deadline - time.monotonic()))
    except NoAnswer:
        future.cancel()
        return Checked(PATIENCE * 1000, f"no answer within {PATIENCE:.0f} s")

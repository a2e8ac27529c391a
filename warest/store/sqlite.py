"""SQLite: one file, one host."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yoyo

from warest.errors import DriverError


@dataclass(frozen=True)
class Sqlite:
    path: Path

    errors = (sqlite3.Error,)

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def bind(self, db: Any) -> None:
        """In WAL mode, so that readers and the one writer do not wait for each other."""

        @db.on_connect(provider="sqlite")  # type: ignore[untyped-decorator]
        def tune(_: Any, connection: Any) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA busy_timeout = 10000")
            connection.execute("PRAGMA foreign_keys = ON")

        db.bind(provider="sqlite", filename=str(self.path.resolve()), create_db=True)

    def ping(self) -> None:
        if not self.path.exists():  # to connect would make it
            raise DriverError(f"There is no database at {self.path}: run `warest db migrate` first.")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of migrators; it goes with the process."""
        with self.path.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def backend(self) -> Any:
        return yoyo.get_backend(f"sqlite:///{self.path.resolve()}")

"""MySQL and MariaDB, through PyMySQL."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql

from warest.errors import DriverError
from warest.store.mysql_migrations import Backend, opened
from warest.store.server import CONNECT_PATIENCE, LOCK_PATIENCE, Server

#: Cut nothing off silently, whatever the server is set to.
_STRICT = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"

#: As PostgreSQL: what others have committed is seen, and rows that do not exist are not locked.
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"

#: The lock's name: locks are the server's, so the database's name is in it, cut to the 64 characters that may be.
_LOCK = "CONCAT('warest:', MD5(DATABASE()))"


@dataclass(frozen=True)
class Mysql:
    server: Server

    errors = (pymysql.err.Error,)

    def __str__(self) -> str:
        return f"MySQL {self.server.host}, database {self.server.database}"

    def prepare(self) -> None:
        """Nothing: whoever runs the server makes the database."""

    def bind(self, db: Any) -> None:
        db.bind(provider="mysql", **self._arguments())

    def ping(self) -> None:
        with closing(pymysql.connect(**self._arguments())) as connection:
            connection.ping()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of migrators; it goes with the connection, so with the process."""
        with closing(pymysql.connect(**self._arguments())) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT GET_LOCK({_LOCK}, {LOCK_PATIENCE})")
            if cursor.fetchone() != (1,):
                raise DriverError(f"Another process has been migrating for {LOCK_PATIENCE} s.")
            yield

    def backend(self) -> Backend:
        return opened(self._arguments())

    def _arguments(self) -> dict[str, Any]:
        server = self.server
        arguments: dict[str, Any] = {
            "host": server.host,
            "port": server.port or 3306,
            "user": server.user,
            "password": server.password,
            "database": server.database,
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_PATIENCE,
            "sql_mode": _STRICT,
            "init_command": _ISOLATION,
        }
        if not server.ssl:
            return arguments
        if not server.verifies:
            return {**arguments, "ssl": {"verify_mode": "none", "check_hostname": False}}
        return {**arguments, "ssl": {"ca": server.trusted(), "verify_mode": "required", "check_hostname": True}}

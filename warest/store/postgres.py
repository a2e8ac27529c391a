"""PostgreSQL, through psycopg2."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn
from yoyo.backends.core.postgresql import PostgresqlBackend
from yoyo.connections import DatabaseURI

from warest.errors import DriverError, SetupError
from warest.store.server import CONNECT_PATIENCE, LOCK_PATIENCE, Server

#: The advisory lock of migrators, in each database its own.
_LOCK = 0x77617265


@dataclass(frozen=True)
class Postgres:
    """`url` wins over `server`, if there is one. Without a `schema` the tables are where the user's are by default."""

    server: Server
    url: str = field(default="", repr=False)
    schema: str = ""

    errors = (psycopg2.Error,)

    def __str__(self) -> str:
        named = self.arguments()
        return f"PostgreSQL {named.get('host', 'on this machine')}, database {named.get('dbname', '')}"

    def prepare(self) -> None:
        """Whoever runs the server makes the database; the schema in it is ours."""
        if self.schema:
            with closing(psycopg2.connect(**self.arguments())) as connection, connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", [self.schema])
                if not cursor.fetchone():  # who has no right to make one may use one that is there
                    cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')

    def bind(self, db: Any) -> None:
        db.bind(provider="postgres", **self.arguments())

    def ping(self) -> None:
        with closing(psycopg2.connect(**self.arguments())) as connection:
            connection.cursor().execute("SELECT 1")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of migrators; it goes with the connection, so with the process."""
        with closing(psycopg2.connect(**self.arguments())) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_PATIENCE}s"])
            try:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            except psycopg2.errors.LockNotAvailable:
                raise DriverError(f"Another process has been migrating for {LOCK_PATIENCE} s.") from None
            yield

    def backend(self) -> Any:
        backend = _Backend(DatabaseURI("postgresql", None, None, None, None, "", self.arguments()), "_yoyo_migration")
        backend.init_database()
        return backend

    def arguments(self) -> dict[str, Any]:
        """In libpq's words. What a URL says of time-outs and TLS counts."""
        server = self.server
        given = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
        named = {**given, "dbname": server.database}
        if self.url:
            named = self._parsed()
        defaults = {"connect_timeout": CONNECT_PATIENCE, "keepalives_idle": 30, "application_name": "warest"}
        tls = self._tls() if server.ssl and "sslmode" not in named else {}
        arguments = {**defaults, **tls, **{name: value for name, value in named.items() if value}}
        if self.schema:
            arguments["options"] = f'{arguments.get("options", "")} -csearch_path="{self.schema}"'.strip()
        return arguments

    def _tls(self) -> dict[str, str]:
        if not self.server.verifies:
            return {"sslmode": "require"}
        return {"sslmode": "verify-full", "sslrootcert": self.server.trusted()}

    def _parsed(self) -> dict[str, Any]:
        try:
            return dict(parse_dsn(self.url))
        except psycopg2.Error:
            # Its words would repeat the password.
            raise SetupError("WAREST_DB_POSTGRES_URL is not a URL of PostgreSQL.") from None


class _Backend(PostgresqlBackend):  # type: ignore[misc]
    """yoyo's, connected as we connect."""

    def connect(self, dburi: Any) -> Any:
        connection = psycopg2.connect(**dburi.args)
        connection.autocommit = True  # as yoyo's own: it begins transactions in SQL
        return connection

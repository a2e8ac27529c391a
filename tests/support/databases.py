"""Databases to test on: an empty one of each kind, on the servers of this machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pymysql
import pytest

from warest import store
from warest.ids import new_ulid

HOST = "127.0.0.1"

#: For fixtures with `params`: `make test` runs the first, `make test-db` all.
KINDS = [
    "sqlite",
    pytest.param("postgres", marks=pytest.mark.server),
    pytest.param("mysql", marks=pytest.mark.server),
]


@contextmanager
def empty(kind: str, folder: Path) -> Iterator[store.Database]:
    """A new database, dropped at the end. Skips the test when its server is not there."""
    name = f"warest_test_{new_ulid().lower()}"
    if kind == "sqlite":
        yield store.Sqlite(folder / "warest.sqlite")
    elif kind == "postgres":
        administer_postgres(f"CREATE DATABASE {name}")
        try:
            yield store.Postgres(store.Server(HOST, name, "postgres"))
        finally:
            administer_postgres(f"DROP DATABASE {name} WITH (FORCE)")
    else:
        # A server's default, and one that takes `a` for `A`.
        administer_mysql(f"CREATE DATABASE {name} CHARACTER SET latin1")
        try:
            yield store.Mysql(store.Server(HOST, name, "root"))
        finally:
            administer_mysql(f"DROP DATABASE {name}")


def administer_postgres(sql: str) -> None:
    try:
        connection = psycopg2.connect(host=HOST, user="postgres", dbname="postgres")
    except psycopg2.OperationalError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: no server at {HOST}:5432: {error}")
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)


def administer_mysql(sql: str) -> None:
    try:
        connection = pymysql.connect(host=HOST, user="root")
    except pymysql.err.OperationalError as error:
        pytest.skip(f"NOT TESTED ON MYSQL: no server at {HOST}:3306: {error}")
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)


def connect(database: store.Database) -> Any:
    """A connection of the test's own, beside the store's."""
    match database:
        case store.Sqlite(path):
            return sqlite3.connect(path)
        case store.Postgres(server):
            return psycopg2.connect(host=server.host, user=server.user, dbname=server.database)
        case store.Mysql(server):
            return pymysql.connect(host=server.host, user=server.user, database=server.database)


def execute(database: store.Database, sql: str) -> list[Any]:
    with closing(connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        rows = list(cursor.fetchall()) if cursor.description else []
        connection.commit()
    return rows


def cut_all_connections(database: store.Database) -> int:
    """As a server does that restarts, or a firewall; returns how many."""
    if isinstance(database, store.Postgres):
        name = database.server.database
        others = f"FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        return len(execute(database, f"SELECT pg_terminate_backend(pid, 5000) {others}"))
    assert isinstance(database, store.Mysql)
    listed = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    ids = [row[0] for row in execute(database, listed)]
    for each in ids:
        administer_mysql(f"KILL {each}")
    return len(ids)

"""The way to the database, encrypted: to the right server only (S19)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import databases, postgres_cluster
from support.certificates import Authority
from warest import store
from warest.errors import DriverError, SetupError

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    """Of a server that shows a certificate for localhost."""
    authority.certificate("localhost")
    with postgres_cluster.running(authority.file.parent / "localhost.pem") as port:
        yield port


def is_encrypted(database: store.Postgres) -> bool:
    import psycopg2

    connection = psycopg2.connect(**database.arguments())
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        (encrypted,) = cursor.fetchone()
    connection.close()
    return bool(encrypted)


def server(port: int, host: str = "localhost", **tls: Any) -> store.Server:
    return store.Server(host, "postgres", "postgres", port=port, ssl=True, **tls)


def test_the_right_server(port: int, authority: Authority) -> None:
    """With a certificate for its name, of an authority that we believe."""
    database = store.Postgres(server(port, authorities=authority.file))
    store.ping(database)
    assert is_encrypted(database)
    assert store.migrate(database) > 0 and store.open(database).version()


@pytest.mark.parametrize("wrong", ["authority", "name", "system"])
def test_another_server(port: int, authority: Authority, tmp_path: Path, wrong: str) -> None:
    """Nobody speaks to it, and it is said why; unless somebody wants it so."""
    trusted = {"authority": Authority(tmp_path).file, "name": authority.file, "system": None}[wrong]
    strict = server(port, "127.0.0.1" if wrong == "name" else "localhost", authorities=trusted)
    with pytest.raises(DriverError, match=r"certificate|signature"):
        store.ping(store.Postgres(strict))
    lax = store.Postgres(dataclasses.replace(strict, verifies=False))
    assert is_encrypted(lax)


def test_one_that_cannot_encrypt(authority: Authority) -> None:
    """Is refused, whether its certificate would matter or not: nothing goes out readable."""
    for verifies in (True, False):
        for kind in (store.Postgres, store.Mysql):
            user = "postgres" if kind is store.Postgres else "root"
            known = store.Server(
                databases.HOST, "postgres", user, ssl=True, authorities=authority.file, verifies=verifies
            )
            with pytest.raises(DriverError, match=r"SSL|TLS"):
                store.ping(kind(known))


def test_a_url_has_the_last_word(port: int, authority: Authority) -> None:
    """What it says of TLS counts, all of it."""
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=require"
    database = store.Postgres(server(port, authorities=authority.file), url)
    assert "sslrootcert" not in database.arguments() and is_encrypted(database)


def test_a_file_that_is_not_there(port: int, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="WAREST_DB_SSL_CA"):
        store.ping(store.Postgres(server(port, authorities=tmp_path / "none.pem")))

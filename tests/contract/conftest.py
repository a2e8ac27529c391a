import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import databases, object_server
from warest import accounts, store
from warest.drivers import storage
from warest.store import Account, Store


@pytest.fixture(params=databases.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[store.Database]:
    """An empty database of each kind."""
    with databases.empty(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def meant(database: store.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings mean the database of the test."""
    variables = {"WAREST_DATA_DIR": str(tmp_path)}
    if not isinstance(database, store.Sqlite):
        variables |= {
            "WAREST_DB_CLIENT": "pg" if isinstance(database, store.Postgres) else "mysql",
            "WAREST_DB_HOST": database.server.host,
            "WAREST_DB_USER": database.server.user,
            "WAREST_DB_DATABASE": database.server.database,
        }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def opened(database: store.Database) -> Store:
    """The store on it, migrated."""
    store.migrate(database)
    return store.open(database)


@pytest.fixture
def admin(opened: Store) -> Account:
    accounts.seed_admin(opened, "boss", "a password", "the key")
    return Account("admin", "boss", True)


@pytest.fixture
def other(opened: Store, admin: Account) -> Account:
    """Another tenant."""
    return opened.users.add("TENANT", "user", "x", first_key="user key").account


@pytest.fixture
def session(opened: Store, admin: Account) -> str:
    """The ULID of a session of the admin's."""
    return opened.create_session(admin, "session").ulid


@pytest.fixture(scope="session")
def s3() -> Iterator[object_server.ObjectServer]:
    with object_server.running() as server:
        yield server


@pytest.fixture
def folders(tmp_path: Path) -> storage.Folders:
    """Not there yet."""
    root = tmp_path / "data"
    return storage.Folders(
        root / "private", root / "public", root / "private/.meta", keys=("a key",), signing_secret="a secret"
    )


@pytest.fixture(params=["encrypted", "plain", "s3"])
def place(request: pytest.FixtureRequest, folders: storage.Folders) -> storage.Folders | storage.Bucket:
    """Where files of each kind of storage are; nothing is there yet."""
    if request.param == "s3":
        bucket: storage.Bucket = request.getfixturevalue("s3").bucket()
        return bucket
    return dataclasses.replace(folders, encrypts=request.param == "encrypted")


@pytest.fixture
def files(place: storage.Folders | storage.Bucket) -> storage.Storage:
    """An empty storage of each kind."""
    return storage.open(place)

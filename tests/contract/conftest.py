from collections.abc import Iterator
from pathlib import Path

import pytest

from support import databases
from warest import store


@pytest.fixture(params=databases.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[store.Database]:
    """An empty database of each kind."""
    with databases.empty(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def opened(database: store.Database) -> store.Store:
    """The store on it, migrated."""
    store.migrate(database)
    return store.open(database)

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pylibmagic  # noqa: F401  before anything imports `magic`, as in the processes of the product
import pytest
import redis

from support.waiting import eventually
from warest import accounts, store
from warest.cli import embedded_redis
from warest.config import house
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.http import app
from warest.http.metering import Metering
from warest.limits import Limits
from warest.spool import Spool

pytest_plugins = ["support.outcomes"]

#: Settings of the person who runs the tests must not reach them.
for name in [name for name in os.environ if name.startswith(("WAREST_", "WEBHOOK_", "MYSQL_"))]:
    del os.environ[name]

ADMIN_KEY = "admin-key-of-the-tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest go first, so that no process is left alone with one of them at the end."""
    slow = ("e2e", "cli", "sandbox", "broker", "actors", "media")
    items.sort(key=lambda item: slow.index(folder) if (folder := item.path.parent.name) in slow else len(slow))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a unix socket will lie in it."""
    path = Path(tempfile.mkdtemp(prefix="warest-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of our own, as `warest up` runs it."""
    folder = Path(tempfile.mkdtemp(prefix="warest-redis-"))
    socket = folder / "redis.sock"
    often = ["--hz", "100"]  # so often it looks whether somebody has waited long enough: workers end sooner
    process = subprocess.Popen([*embedded_redis.command(folder, socket), *often], stdout=subprocess.DEVNULL)
    with redis.Redis(unix_socket_path=str(socket)) as client:
        eventually(lambda: socket.exists() and client.ping())
    yield f"unix://{socket}"
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(folder: Path, redis_url: str) -> Settings:
    """No limits: tests/http/test_gate.py sets its own."""
    return Settings(
        data_dir=folder / "data", redis_url=redis_url, port=7308, rate_max=10**9, quota_max=10**9, cooldown_ms=0
    )


@pytest.fixture
def parts(settings: Settings) -> Iterator[house.House]:
    """Redis, broker and bus; Redis is empty at first."""
    parts = house.connect(settings)
    parts.redis.flushdb()
    yield parts
    parts.broker.close()
    parts.redis.close()


@pytest.fixture
def opened(settings: Settings) -> store.Store:
    """A migrated store with an admin whose key is ADMIN_KEY."""
    store.migrate(store.Sqlite(settings.sqlite_path))
    opened = store.open(store.Sqlite(settings.sqlite_path))
    accounts.seed_admin(opened, "admin", "a password", ADMIN_KEY)
    return opened


@pytest.fixture
def limits(settings: Settings) -> Limits:
    return house.open_limits(settings)


@pytest.fixture
def files(settings: Settings) -> Storage:
    """Folders in the data folder."""
    return house.open_storage(settings)


@pytest.fixture
def spool(settings: Settings, files: Storage) -> Spool:
    return house.open_spool(settings, files)


@pytest.fixture
def routes(opened: store.Store, parts: house.House, files: Storage, limits: Limits) -> dict[str, Any]:
    """Path template -> resource, as the application has them."""
    logins, reporter = app.logins_of(parts, opened, limits, ADMIN_KEY), app.reporter_of(parts, Metering())
    return app.routes(parts, opened, files, logins, reporter, app.streams_of(parts.settings))

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from support.waiting import eventually
from warest import accounts, store
from warest.cli import embedded_redis
from warest.config import house
from warest.config.settings import Settings
from warest.http import app
from warest.http.sessions import SessionAccess

#: Settings of the person who runs the tests must not reach them.
for name in [name for name in os.environ if name.startswith(("WAREST_", "WEBHOOK_"))]:
    del os.environ[name]

ADMIN_KEY = "admin-key-of-the-tests"


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
    process = subprocess.Popen(embedded_redis.command(folder, socket), stdout=subprocess.DEVNULL)
    with redis.Redis(unix_socket_path=str(socket)) as client:
        eventually(lambda: socket.exists() and client.ping())
    yield f"unix://{socket}"
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(folder: Path, redis_url: str) -> Settings:
    return Settings(data_dir=folder / "data", redis_url=redis_url, port=7308)


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
    store.migrate_sqlite(settings.sqlite_path)
    opened = store.open_sqlite(settings.sqlite_path)
    accounts.seed_admin(opened, "admin", "a password", ADMIN_KEY)
    return opened


@pytest.fixture
def routes(settings: Settings, opened: store.Store, parts: house.House) -> dict[str, Any]:
    """Path template -> resource, as the application has them."""
    access = SessionAccess(opened, parts.states)
    return dict(app.routes(settings, opened, parts.states, parts.bus, access))

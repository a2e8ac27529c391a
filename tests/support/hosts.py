"""An installation on several hosts: each process has its own data folder; Redis, database and storage are shared."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.client import Client
from support.product import INHERITED, UNLIMITED, free_port
from support.waiting import eventually

KEY = "key-of-the-hosts"


class Hosts(Client):
    """Starts and kills the processes of an installation one by one."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port, self.sandbox_port = free_port(), free_port()
        self.http = httpx.Client(timeout=40, trust_env=False)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LOG_PRETTY": "true",
            "WAREST_SANDBOX_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "WAREST_ADMIN_APIKEY": KEY,
            "WAREST_AUTHADMIN_PASSWORD": "a password",
            "WEBHOOK_DEFAULT_SECRET": "a webhook secret",
            "WAREST_SECRETS_KEY": "a key that all hosts have",
            **UNLIMITED,
            **environment,
        }

    @property
    def key(self) -> str:
        return KEY

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """`warest COMMAND` on a host of this name, in a process group of its own."""
        host = self.folder / name
        host.mkdir(exist_ok=True)
        own = self.environment | {"WAREST_DATA_DIR": str(host / "data")} | environment
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "warest.cli", *command],
                cwd=host, env=own, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return self.processes[name]

    def start_all(self) -> None:
        """Sandbox, web, worker and two hosts of sessions."""
        assert self.start("release", "db", "migrate").wait(timeout=60) == 0, self.log("release").read_text()
        self.start("sandbox", "sandbox", "--port", str(self.sandbox_port))
        self.start("web", "web")
        self.start("worker", "worker")
        self.start("one", "sessions")
        self.start("two", "sessions")
        eventually(self.is_up, within=40, what="the API")

    def is_up(self) -> bool:
        assert self.processes["web"].poll() is None, self.log("web").read_text()
        return self.http.get(f"http://127.0.0.1:{self.port}/api/v1/server/ping").status_code == 200

    def signal(self, name: str, number: int) -> None:
        """To a process and all that it has started."""
        os.killpg(self.processes[name].pid, number)

    def kill(self, name: str) -> None:
        self.signal(name, signal.SIGKILL)
        self.processes[name].wait()

    def close(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is None:
                self.signal(name, signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill(name)
        self.http.close()


@contextmanager
def hosts(folder: Path, **environment: str) -> Iterator[Hosts]:
    running = Hosts(folder, **environment)
    try:
        running.start_all()
        yield running
        assert running.violations() == []
    finally:
        running.close()
        if os.environ.get("TEST_LOGS"):
            print(*(log.read_text() for log in sorted(folder.glob("*.log"))), sep="\n")

"""The web process as it runs: gunicorn with the product's own settings."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from support.product import free_port
from support.waiting import eventually
from warest import accounts, store

KEY = "admin-key-of-the-tests"


@dataclass(frozen=True)
class WebProcess:
    port: int
    pid: int

    @property
    def worker(self) -> Path:
        """What the kernel knows of the process that answers."""
        (child,) = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return Path(f"/proc/{child}")


@contextmanager
def running(data: Path, redis_url: str, **more: str) -> Iterator[WebProcess]:
    """On a new database with an admin; at the end nothing of the key stands in its log."""
    store.migrate(store.Sqlite(data / "warest.sqlite"))
    accounts.seed_admin(store.open(store.Sqlite(data / "warest.sqlite")), "admin", "a password", KEY)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "HOST": "127.0.0.1", "PORT": str(port),
        "WAREST_DATA_DIR": str(data), "WAREST_REDIS_URL": redis_url, **more,
    }  # fmt: skip
    log = data / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "warest.cli", "web"], env=environment, cwd=data, stdout=stream, stderr=stream
        )
    try:
        eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/", trust_env=False), what="the web process to answer")
        yield WebProcess(port, process.pid)
    finally:
        process.terminate()
        status = process.wait(timeout=10)
    assert status == 0
    assert KEY not in log.read_text()


def peak_memory(process: Path) -> int:
    """The most that it has ever had, MB; `process` is its folder in /proc."""
    return int(re.findall(r"VmHWM:\s+(\d+)", (process / "status").read_text())[0]) // 1024

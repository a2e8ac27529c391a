"""A PostgreSQL server of a test's own, which speaks TLS."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.product import free_port

#: Without these it is not installed.
_PROGRAMS = ("initdb", "postgres")

#: What makes it quick to start: nothing of it has to outlive the test.
_OPTIONS = {
    "fsync": "off", "listen_addresses": "localhost,127.0.0.1", "unix_socket_directories": "", "shared_buffers": "4MB",
    "max_connections": "10", "ssl": "on",
}  # fmt: skip


@contextmanager
def running(certificate: Path) -> Iterator[int]:
    """Its port. `certificate` has the key of the server, too."""
    if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"NOT TESTED: there is no {missing[0]}")
    folder = Path(tempfile.mkdtemp(prefix="warest-pg-"))
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    try:
        shown = Path(shutil.copy(certificate, folder / "server.pem"))
        shown.chmod(0o600)
        if user:
            for path in (folder, shown):
                shutil.chown(path, user)
        subprocess.run(
            ["initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N"],
            check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with _served(folder, {**_OPTIONS, "ssl_cert_file": shown, "ssl_key_file": shown}, user) as port:
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _served(folder: Path, options: dict[str, object], user: str | None) -> Iterator[int]:
    port, log = free_port(), folder / "log"
    settings = [f"-c{name}={value}" for name, value in options.items()]
    with log.open("wb") as out:
        command = ["postgres", "-D", str(folder / "data"), "-p", str(port), *settings]
        server = subprocess.Popen(command, user=user, cwd=folder, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 20
        while b"ready to accept connections" not in log.read_bytes():
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield port
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for those who are connected
        server.wait()

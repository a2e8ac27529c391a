"""The receivers of examples/receivers, each as a process of its own language."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from support.product import free_port
from support.waiting import eventually

FOLDER = Path(__file__).parent.parent.parent / "examples" / "receivers"

#: Language -> the program that it needs, and the file.
LANGUAGES = {
    "Python": (sys.executable, "receiver.py"),
    "Node": ("node", "receiver.mjs"),
    "PHP": ("php", "receiver.php"),
    "Ruby": ("ruby", "receiver.rb"),
    "Go": ("go", "receiver.go"),
}

#: Those whose JSON keeps the order of names can check the body that they have parsed.
REWRITING = ("Python", "Node", "PHP", "Ruby")

INSTALL = "apt-get install --no-install-recommends php-cli ruby golang-go nodejs"

_LINE = re.compile(r"^(\w+) (evt_\w+) raw=(\w+) rewritten=(\w+|-) ")


@dataclass(frozen=True)
class Line:
    """What a receiver has printed of an event that it accepted; `rewritten` as `ok`, `DIFFERS` or `-`."""

    event: str
    id: str
    raw: str
    rewritten: str


class ForeignReceiver:
    """Runs from `with` on, on loopback."""

    def __init__(self, language: str, folder: Path, secret: str) -> None:
        self.language, self.secret, self.port = language, secret, free_port()
        self._command = [*_command(language, folder), str(self.port), secret]
        self._output = folder / f"{language}-{self.port}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        eventually(self._listens, what=f"the receiver in {self.language}: {self._output.read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port)):
            return True

    def printed(self) -> str:
        return self._output.read_text()

    def lines(self) -> list[Line]:
        found = (_LINE.match(line) for line in self.printed().split("\n"))
        return [Line(*match.groups()) for match in found if match]

    def ids(self) -> set[str]:
        """Of the events that it has accepted."""
        return {line.id for line in self.lines()}


def _command(language: str, folder: Path) -> list[str]:
    program, name = LANGUAGES[language]
    file = FOLDER / name
    return [str(_built(file, folder))] if language == "Go" else [program, str(file)]


def _built(file: Path, folder: Path) -> Path:
    """Compiled once in a folder; nothing is fetched for it."""
    program = folder / file.stem
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(folder / "go-cache")}
    if not program.exists():
        subprocess.run(["go", "build", "-o", str(program), str(file)], env=environment, check=True, timeout=100)
    return program


def is_here(language: str) -> bool:
    """Whether its program can be run."""
    return shutil.which(LANGUAGES[language][0]) is not None

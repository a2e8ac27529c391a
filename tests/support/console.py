"""A command in a process of its own, on a terminal or not, and what it has printed so far."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from types import TracebackType
from typing import Self

_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

#: Light modules of a QR in half blocks: those of its upper row and of its lower row.
_HALVES = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}


class Console:
    """`size` is that of the terminal, lines and columns; None is a pipe."""

    def __init__(self, *arguments: str, size: tuple[int, int] | None = None) -> None:
        ours, theirs = pty.openpty() if size else os.pipe()
        if size:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "warest.cli", *arguments],
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
        )  # fmt: skip
        os.close(theirs)
        self._printed = bytearray()
        self._reader = threading.Thread(target=self._read, args=[ours])
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()

    @property
    def printed(self) -> str:
        """With the escape sequences."""
        return self._printed.decode(errors="replace")

    @property
    def text(self) -> str:
        return _ESCAPE.sub("", self.printed)

    def qrs(self) -> list[list[bytes]]:
        """The modules of each QR that was drawn as a whole, without its margin, as segno's matrix has them."""
        drawn, rows = [], list[list[int]]()
        for line in re.split(r"[\r\n]+", self.text):
            if line and set(line) <= _HALVES.keys():
                rows += [[_HALVES[char][half] for char in line] for half in (0, 1)]
            elif rows:
                drawn.append(_without_margin(rows))
                rows = []
        return drawn

    def ended(self) -> int:
        """The exit status, and everything is printed."""
        status = self.process.wait(timeout=30)
        self._reader.join()
        return status

    def _read(self, source: int) -> None:
        with os.fdopen(source, "rb", buffering=0) as pipe:
            while True:
                try:
                    part = pipe.read(4096)
                except OSError:  # nobody has the terminal open any more
                    return
                if not part:
                    return
                self._printed += part


def _without_margin(rows: list[list[int]]) -> list[bytes]:
    """A QR ends in dark modules on its left, its right and its top; it is a square."""
    top = next(number for number, row in enumerate(rows) if 1 in row)
    left, right = rows[top].index(1), len(rows[top]) - rows[top][::-1].index(1)
    return [bytes(row[left:right]) for row in rows[top : top + right - left]]

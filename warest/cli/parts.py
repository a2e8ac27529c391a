"""Child processes that are kept running: what `warest up` is made of."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field

import click

from warest.actors.fork_server import die_with_parent

#: How long all parts together may take to stop, s; what is left then is killed.
STOP_PATIENCE = 8.0

#: A part that dies is started again after this long, doubled each time up to the longest, s.
FIRST_RESTART, LONGEST_RESTART = 0.5, 30.0

#: One that has run this long has proved itself, s.
PROVEN_AFTER = 30.0


@dataclass
class Part:
    """One child process."""

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

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

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
class Parts:
    """All parts, in the order of their start; they share an environment and stop in the reverse order."""

    environment: dict[str, str]
    running: list[Part] = field(default_factory=list)

    def add(self, name: str, *command: str) -> Part:
        part = Part(name, list(command), self.environment)
        part.start()
        self.running.append(part)
        return part

    def keep(self) -> None:
        for part in self.running:
            part.keep()

    def stop(self) -> None:
        """The first, Redis, goes last: the others put down there what they have in hand."""
        deadline = time.monotonic() + STOP_PATIENCE
        for group in (self.running[1:][::-1], self.running[:1]):
            processes = [part.process for part in group if part.process]
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                _wait_or_kill(process, deadline - time.monotonic())


def _wait_or_kill(process: subprocess.Popen[bytes], patience: float) -> None:
    try:
        process.wait(max(0.1, patience))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

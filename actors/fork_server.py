"""Forks the session processes: an executed, single-threaded process that has the Python modules but not the engine.

A process that has loaded the engine must never be forked (trap 29), and one that loads everything by itself costs
20 MB more; so the supervisor executes this one, with the environment that the engine wants at exec (fixes.py), and
talks to it over a socket pair, in pickles of the types below. Sessions end when it ends, and it when the supervisor.
"""

import contextlib
import ctypes
import gc
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warest.actors import session_process
from warest.whatsapp import protos

_PR_SET_PDEATHSIG = 1
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Start:
    order: session_process.Order


@dataclass(frozen=True)
class Signal:
    ulid: str
    number: int


@dataclass(frozen=True)
class Started:
    ulid: str
    pid: int


@dataclass(frozen=True)
class Exited:
    """`status` is the exit status, or the negative number of the signal that killed the process."""

    ulid: str
    status: int


class ForkServer:
    """The supervisor's end: executes the server and speaks with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        """`environment` is all that it gets."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                preexec_fn=die_with_parent,
            )
        self._socket = ours

    def start(self, order: session_process.Order) -> None:
        _send(self._socket, Start(order))

    def signal(self, ulid: str, number: int) -> None:
        """To one session process; nothing happens when it is gone."""
        _send(self._socket, Signal(ulid, number))

    def reports(self) -> Iterator[Started | Exited]:
        """What happens to the processes, until the server is gone."""
        while (report := _receive(self._socket)) is not None:
            yield report

    def close(self) -> None:
        """End the server, and with it every session that still runs."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._process.wait()
        self._socket.close()


def die_with_parent() -> None:
    """Have the kernel end this process when its parent does, however that dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def serve(supervisor: socket.socket) -> None:
    """Fork on demand and report deaths, until the supervisor hangs up."""
    protos.preload()
    gc.collect()
    gc.freeze()  # the children share these pages as long as no collection touches them
    children: dict[int, str] = {}
    wake_up = _wake_on_child_death()
    while True:
        ready = select.select([supervisor.fileno(), wake_up], [], [])[0]
        if wake_up in ready:
            os.read(wake_up, 4096)
            for report in _reap(children):
                _send(supervisor, report)
        if supervisor.fileno() in ready:
            request = _receive(supervisor)
            if request is None:
                return
            _handle(supervisor, request, children)


def _handle(supervisor: socket.socket, request: Any, children: dict[int, str]) -> None:
    match request:
        case Start(order):
            pid = os.fork()
            if pid == 0:
                _become(supervisor, order)
            children[pid] = order.identity.ulid
            _send(supervisor, Started(order.identity.ulid, pid))
        case Signal(ulid, number):
            for pid in [pid for pid, child in children.items() if child == ulid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)


def _become(supervisor: socket.socket, order: session_process.Order) -> None:
    supervisor.close()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with_parent()
    session_process.main(order)


def _wake_on_child_death() -> int:
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return read


def _reap(children: dict[int, str]) -> Iterator[Exited]:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        yield Exited(children.pop(pid), os.waitstatus_to_exitcode(status))


def _send(peer: socket.socket, message: Any) -> None:
    data = pickle.dumps(message)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        peer.sendall(_LENGTH.pack(len(data)) + data)


def _receive(peer: socket.socket) -> Any:
    """The next message; None when the peer is gone."""
    header = _exactly(peer, _LENGTH.size)
    data = _exactly(peer, _LENGTH.unpack(header)[0]) if header else b""
    return pickle.loads(data) if data else None


def _exactly(peer: socket.socket, size: int) -> bytes:
    chunks = b""
    while len(chunks) < size:
        try:
            chunk = peer.recv(size - len(chunks))
        except ConnectionResetError:
            return b""
        if not chunk:
            return b""
        chunks += chunk
    return chunks


if __name__ == "__main__":
    # Imported again under its own name, so that both ends pickle the same classes.
    from warest.actors import fork_server

    fork_server.serve(socket.socket(fileno=int(sys.argv[1])))

"""The session processes of one host, as the supervisor sees them."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from warest.actors import session_process
from warest.actors.fork_server import Exited, ForkServer, Started
from warest.leases import Lease

log = logging.getLogger(__name__)

#: A process that ends by itself is started again after this long, doubled each time, s.
FIRST_RESTART, LONGEST_RESTART = 0.2, 60.0

#: A process that has run this long has proved itself: the next restart is quick again, s.
PROVEN_AFTER = 60.0

#: How long a process may take to stop before it is killed, s.
STOP_PATIENCE = session_process.STOP_PATIENCE + 1.0


@dataclass
class Child:
    """One session on this host. `pid` is None without a process, and 0 while it is on its way."""

    pid: int | None = None
    lease: Lease | None = None
    started_at: float = 0.0
    restart_delay: float = 0.0
    not_before: float = 0.0
    silent_since: float | None = None
    qr_rounds: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def is_alive(self) -> bool:
        return self.pid is not None

    def age(self) -> float:
        """Seconds since its process was ordered."""
        return time.monotonic() - self.started_at

    def silence(self, is_heard: bool) -> float:
        """Seconds since it was last seen to renew its lease, as of this look."""
        if is_heard:
            self.silent_since = None
            return 0.0
        self.silent_since = self.silent_since or time.monotonic()
        return time.monotonic() - self.silent_since

    def next_delay(self) -> float:
        """Seconds until the next start after a process that ended by itself."""
        proven = self.age() > PROVEN_AFTER
        self.restart_delay = FIRST_RESTART if proven or not self.restart_delay else self.restart_delay * 2
        self.restart_delay = min(self.restart_delay, LONGEST_RESTART)
        self.not_before = time.monotonic() + self.restart_delay
        return self.restart_delay


class Children:
    """Starts, signals and ends them; tells `on_exit` of each end, under `lock`."""

    def __init__(self, forks: ForkServer, on_exit: Callable[[Child, Exited], None], lock: "threading.RLock") -> None:
        self._forks = forks
        self._on_exit = on_exit
        self._lock = lock
        self._children: dict[str, Child] = {}
        self._closing = False

    def listen(self) -> None:
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    def of(self, ulid: str) -> Child:
        with self._lock:
            return self._children.setdefault(ulid, Child())

    def known(self) -> list[str]:
        """Every session that had a process here."""
        with self._lock:
            return list(self._children)

    def alive(self) -> list[tuple[str, Child]]:
        with self._lock:
            return [(ulid, child) for ulid, child in self._children.items() if child.is_alive]

    def count(self) -> int:
        return len(self.alive())

    def start(self, order: session_process.Order) -> None:
        child = self.of(order.identity.ulid)
        child.gone.clear()
        child.pid, child.lease, child.started_at, child.silent_since = 0, order.lease, time.monotonic(), None
        self._forks.start(order)

    def signal(self, ulid: str, number: int) -> None:
        self._forks.signal(ulid, number)

    def end(self, ulid: str) -> bool:
        """Stop one; returns whether there was one. Not under the lock: it waits."""
        child = self.of(ulid)
        if not child.is_alive:
            return False
        self.signal(ulid, signal.SIGTERM)
        if not child.gone.wait(STOP_PATIENCE):
            log.warning("session %s did not stop; killed", ulid)
            self.signal(ulid, signal.SIGKILL)
            child.gone.wait(STOP_PATIENCE)
        return True

    def end_all(self) -> None:
        """Stop all at once, and the fork server with them."""
        self._closing = True
        running = self.alive()
        for ulid, _ in running:
            self.signal(ulid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_PATIENCE
        for ulid, child in running:
            if not child.gone.wait(max(0.0, deadline - time.monotonic())):
                self.signal(ulid, signal.SIGKILL)
        self._forks.close()

    def _listen(self) -> None:
        for report in self._forks.reports():
            with self._lock:
                self._hear(report)
        if not self._closing:
            log.critical("the fork server is gone; the supervisor ends, to be started again")
            signal.raise_signal(signal.SIGTERM)

    def _hear(self, report: Started | Exited) -> None:
        child = self.of(report.ulid)
        if isinstance(report, Started):
            child.pid = report.pid
            return
        child.pid = None
        try:
            self._on_exit(child, report)
        except Exception:
            log.exception("the end of session %s could not be dealt with", report.ulid)
        child.gone.set()

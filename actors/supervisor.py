"""The session host: keeps one process running for each session that should run.

Orders come over the supervisor's queue (start, stop); everything that happens to a process comes from the fork
server. Both end in `Supervisor`, under one lock.
"""

import logging
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dramatiq

from warest import events, keys, states
from warest.actors import session_process
from warest.actors.fork_server import Exited, ForkServer, Started
from warest.actors.network import Network, session_environment
from warest.bus import answered
from warest.config.house import House
from warest.store import SessionRecord, Store

log = logging.getLogger(__name__)

#: A process that ends by itself is started again after this long, doubled each time, s.
FIRST_RESTART, LONGEST_RESTART = 0.2, 60.0

#: A process that has run this long has proved itself: the next restart is quick again, s.
PROVEN_AFTER = 60.0

#: After QRs of this many processes nobody was there to scan (decision 14).
QR_ROUNDS = 3

#: How long a process may take to stop before it is killed, s.
STOP_PATIENCE = session_process.STOP_PATIENCE + 1.0


@dataclass
class Child:
    """What the supervisor knows of one session."""

    wanted: bool = True
    pid: int | None = None  # None: no process; 0: on its way
    started_at: float = 0.0
    restart_delay: float = FIRST_RESTART
    qr_rounds: int = 0
    timer: threading.Timer | None = None
    gone: threading.Event = field(default_factory=threading.Event)


class Supervisor:
    def __init__(self, house: House, store: Store, network: Network | None) -> None:
        self._house = house
        self._store = store
        self._network = network
        self._children: dict[str, Child] = {}
        self._lock = threading.RLock()
        self._closing = False
        self._forks = ForkServer(session_environment(house.settings, network))
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    def start_all(self) -> None:
        """Start what ran before: called once, when the supervisor boots."""
        for record in self._store.sessions_to_start():
            self.start(record.ulid)

    def start(self, ulid: str) -> None:
        """Make a session run. Safe to repeat: one that runs is left alone."""
        record = self._store.session_by_ulid(ulid)
        if record is None or self._closing:
            return
        with self._lock:
            child = self._children.setdefault(ulid, Child())
            child.wanted, child.qr_rounds, child.restart_delay = True, 0, FIRST_RESTART
            if child.pid is None:
                self._house.states.put(ulid, status=states.STARTING, reason=None, qr=None, qr_until=None)
                self._fork(record, child)

    def stop(self, ulid: str, *, purge: bool) -> dict[str, bool]:
        """Make a session not run, and with `purge` forget its keys. Safe to repeat.

        Returns the contract's steps: was a process stopped, were credentials deleted.
        """
        with self._lock:
            child = self._children.setdefault(ulid, Child())
            child.wanted = False
            running = child.pid is not None
            if child.timer:
                child.timer.cancel()
        if running:
            self._end(ulid, child)
        self._house.states.put(ulid, status=states.STOPPED, reason="stopped", qr=None, qr_until=None)
        if purge:
            shutil.rmtree(self._folder(ulid), ignore_errors=True)
            self._house.states.put(ulid, me=None, connected_ms=None)
        return {"runtime": running, "creds": purge}

    def close(self) -> None:
        """Stop every process, all at once."""
        self._closing = True
        with self._lock:
            running = {ulid: child for ulid, child in self._children.items() if child.pid is not None}
            for child in self._children.values():
                if child.timer:
                    child.timer.cancel()
        for ulid in running:
            self._forks.signal(ulid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_PATIENCE
        for ulid, child in running.items():
            if not child.gone.wait(max(0.0, deadline - time.monotonic())):
                self._forks.signal(ulid, signal.SIGKILL)
        self._forks.close()

    def _end(self, ulid: str, child: Child) -> None:
        self._forks.signal(ulid, signal.SIGTERM)
        if not child.gone.wait(STOP_PATIENCE):
            log.warning("session %s did not stop; killed", ulid)
            self._forks.signal(ulid, signal.SIGKILL)
            child.gone.wait(STOP_PATIENCE)

    def _fork(self, record: SessionRecord, child: Child) -> None:
        child.gone.clear()
        child.started_at = time.monotonic()
        child.pid = 0
        self._forks.start(
            session_process.Order(
                identity=identity_of(record),
                folder=self._folder(record.ulid),
                settings=self._house.settings,
                noise_root=self._network.noise_root if self._network else None,
            )
        )

    def _folder(self, ulid: str) -> Path:
        return self._house.settings.data_dir / "sessions" / ulid

    def _listen(self) -> None:
        for report in self._forks.reports():
            with self._lock:
                match report:
                    case Started(ulid, pid):
                        self._children[ulid].pid = pid
                        self._house.states.put(ulid, pid=pid)
                    case Exited(ulid, status):
                        self._on_exit(ulid, self._children[ulid], status)
        if not self._closing:
            log.critical("the fork server is gone; the supervisor ends, to be started again")
            signal.raise_signal(signal.SIGTERM)

    def _on_exit(self, ulid: str, child: Child, status: int) -> None:
        child.pid = None
        child.gone.set()
        self._house.states.put(ulid, pid=None)
        if status == session_process.ENDED:
            self._stay_down(ulid, child)
        elif status == session_process.QR_EXPIRED:
            self._next_qr_round(ulid, child)
        elif child.wanted and not self._closing:
            self._restart_later(ulid, child, status)

    def _stay_down(self, ulid: str, child: Child) -> None:
        """WhatsApp ended it: only somebody who asks starts it again. Its state already says why."""
        child.wanted = False
        if record := self._store.session_by_ulid(ulid):
            self._store.set_auto_start(record.owner, ulid, False)

    def _next_qr_round(self, ulid: str, child: Child) -> None:
        child.qr_rounds += 1
        record = self._store.session_by_ulid(ulid)
        if record and child.wanted and child.qr_rounds < QR_ROUNDS and not self._closing:
            self._fork(record, child)
            return
        self._house.states.put(ulid, status=states.STOPPED, reason="qr_expired", qr=None, qr_until=None)
        self._stay_down(ulid, child)

    def _restart_later(self, ulid: str, child: Child, status: int) -> None:
        """The process was lost or killed: WhatsApp keeps what comes meanwhile, and no QR is needed."""
        if time.monotonic() - child.started_at > PROVEN_AFTER:
            child.restart_delay = FIRST_RESTART
        log.warning("session %s ended with %d; again in %.1f s", ulid, status, child.restart_delay)
        self._house.states.put(ulid, status=states.RECONNECTING, reason="crashed", qr=None, qr_until=None)
        child.timer = threading.Timer(child.restart_delay, self._restart, [ulid])
        child.timer.daemon = True
        child.timer.start()
        child.restart_delay = min(child.restart_delay * 2, LONGEST_RESTART)

    def _restart(self, ulid: str) -> None:
        record = self._store.session_by_ulid(ulid)
        with self._lock:
            child = self._children[ulid]
            if record and child.wanted and child.pid is None and not self._closing:
                self._fork(record, child)


def identity_of(record: SessionRecord) -> events.SessionIdentity:
    return events.SessionIdentity(
        ulid=record.ulid,
        id=record.id,
        label=record.id,
        registry=record.owner.registry,
        username=record.owner.username,
    )


def declare(house: House, supervisor: Supervisor) -> str:
    """The actors that take orders; returns their queue."""

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def start_session(session: str) -> dict[str, Any]:
        """Idempotent: a session that runs is left alone."""
        supervisor.start(session)
        return answered(None)

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def stop_session(session: str, purge: bool) -> dict[str, Any]:
        """Idempotent; one that died half-way is finished by the second run."""
        return answered(supervisor.stop(session, purge=purge))

    return keys.SUPERVISOR_QUEUE

"""The session host: holds the leases of some sessions, and keeps a process running for each.

Any number of supervisors share the sessions of one Redis. A session that should run and that nobody holds is claimed by
whoever finds it first and is not above its share; one that holds more than its share hands over, one session at a time.

Orders come over two queues: one for whoever is free (start), one for this supervisor alone (stop, restart). What
happens to processes comes from the fork server. Both end here, under one lock.
"""

import contextlib
import logging
import math
import os
import random
import signal
import socket
import threading
import time

import redis

from warest import events, keys, lifecycle
from warest.actors import session_process
from warest.actors.children import STOP_PATIENCE, Child, Children
from warest.actors.fork_server import Exited, ForkServer
from warest.actors.memory import StateMemory
from warest.actors.network import Network, session_environment, usual_proxy
from warest.actors.renewal import Renewal
from warest.config.house import House, key_stores_of
from warest.errors import LeaseLost, WarestError
from warest.ids import new_ulid
from warest.leases import Lease, Supervisors
from warest.restarts import Restarts
from warest.store import SessionRecord, Store

log = logging.getLogger(__name__)

#: How often a supervisor looks for sessions that nobody holds, s.
SWEEP_EVERY = 1.0

#: A process that has not come online after this long no longer holds others up, s.
START_PATIENCE = 15.0

#: After QRs of this many processes nobody was there to scan (decision 14).
QR_ROUNDS = 3

#: A start is spread over this long, so that many at once do not knock at WhatsApp in the same moment, s.
JITTER = 0.2


class Supervisor:
    def __init__(self, house: House, store: Store, network: Network | None) -> None:
        self.id = f"{socket.gethostname()}/{os.getpid()}/{new_ulid()[-6:]}"
        self._house = house
        self._store = store
        self._network = network
        self._usual_proxy = usual_proxy(network)
        self.key_stores = key_stores_of(house.settings)
        self._leases = house.leases
        self._peers = Supervisors(house.redis, ttl=house.settings.lease)
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._memory = StateMemory(house.redis, house.states, store)
        forks = ForkServer(session_environment(house.settings, network))
        self._children = Children(forks, self._on_exit, self._lock)
        self._sweeper = threading.Thread(target=self._sweep_for_ever, name="sweep", daemon=True)

    def run(self) -> None:
        """Begin to claim sessions, those that ran before among them."""
        self._forget_dead_peers()
        for record in self._store.all_sessions():
            if not record.auto_start:  # whoever stopped it may have died before this
                self._seal(record.ulid)
        self._children.listen()
        self._sweeper.start()
        renewal = Renewal(self._children, self._house.states, Restarts(self._house.redis), self.start)
        renewal.run_beside(self._closing)

    def start(self, ulid: str) -> None:
        """Make a session run, here unless somebody holds it, if that is still wanted. Safe to repeat."""
        child = self._children.of(ulid)
        is_ending = child.is_alive and self._house.states.get(ulid).known.ends
        if is_ending:  # somebody has seen that it is over, and asks again before its process is gone
            child.gone.wait(STOP_PATIENCE)
        record = self._store.session_by_ulid(ulid)
        if record is None or self._closing.is_set():
            return
        if not record.auto_start:
            if not is_ending:
                return  # stopped since this was ordered
            self._store.set_auto_start(record.owner, ulid, True)
        with self._lock:
            child.restart_delay, child.qr_rounds, child.not_before = 0.0, 0, 0.0
            if not child.is_alive:
                self._claim(record)

    def stop(self, ulid: str, *, purge: bool) -> dict[str, bool]:
        """Make a session not run, and with `purge` forget its keys. Safe to repeat.

        Returns the contract's steps: was a process stopped, were credentials deleted.
        """
        running = self._children.end(ulid)
        self._house.states.put(ulid, state="stopped", reason=None, until=None, **_NO_CODES)
        self._tell(ulid, "stopped", tags="close")
        if purge:
            self.key_stores.forget(ulid)
            self._house.states.put(ulid, me=None, connected_ms=None)
        else:
            self._seal(ulid)
        self._memory.remember([ulid])
        return {"runtime": running, "creds": purge}

    def retire(self, ulid: str) -> None:
        """Make a session not run here any more, since it goes elsewhere. Safe to repeat."""
        record = self._store.session_by_ulid(ulid)
        if record and (record.auto_start or self._children.of(ulid).is_alive):
            self._store.set_auto_start(record.owner, ulid, False)  # first of all: nobody may start it in between
            self.stop(ulid, purge=False)
        self._house.states.put(ulid, reason="It was exported, and may run elsewhere by now.")

    def restart(self, ulid: str) -> None:
        """End the process of a session; a new one takes its place."""
        self._children.end(ulid)
        self._tell(ulid, "stopped", tags="close")
        self.start(ulid)

    def close(self) -> None:
        """Stop every process, all at once, so that others can claim the sessions."""
        self._closing.set()
        self._children.end_all()
        with contextlib.suppress(redis.RedisError, WarestError):
            self._peers.leave(self.id)
            self._house.broker.delete_queue(keys.supervisor_queue(self.id))

    def _forget_dead_peers(self) -> None:
        """Nobody will ever consume the queues of supervisors that were killed."""
        self._peers.beat(self.id)
        living = {keys.supervisor_queue(peer) for peer in self._peers.living()}
        for queue in self._house.broker.known_queues():
            if queue.startswith(keys.supervisor_queue("")) and queue not in living:
                self._house.broker.delete_queue(queue)

    def _sweep_for_ever(self) -> None:
        while not self._closing.is_set():
            pause = SWEEP_EVERY
            try:
                if self._sweep():
                    pause = SWEEP_EVERY / 5
            except (WarestError, redis.RedisError) as error:
                log.warning("sessions could not be looked after: %s", error)
            self._closing.wait(pause)

    def _sweep(self) -> bool:
        """Claim what should run and nobody holds; replace what has lost its lease; give away what is too much.

        Returns whether more are to be claimed as soon as these are online.
        """
        self._memory.restore()
        self._memory.remember(self._children.known())
        wanted = {record.ulid: record for record in self._store.sessions_to_start()}
        owners = dict(zip(wanted, self._leases.owners_of(list(wanted)), strict=True))
        share = math.ceil(len(wanted) / self._peers.beat(self.id))
        with self._lock:
            self._replace_the_hanging(owners)
            for ulid, owner in owners.items():
                if owner and is_dead_neighbour(owner):
                    self._leases.take_from_the_dead(ulid, owner)
            free = [record for ulid, record in wanted.items() if owners[ulid] is None and self._is_due(ulid)]
            room = min(share - self._children.count(), self._house.settings.starts_at_once - self._connecting())
            for record in free[: max(0, room)]:
                self._claim(record)
            if self._children.count() > share:
                self._hand_over_one()
            return len(free) > max(0, room) and self._children.count() < share

    def _is_due(self, ulid: str) -> bool:
        child = self._children.of(ulid)
        return not child.is_alive and time.monotonic() >= child.not_before

    def _connecting(self) -> int:
        """How many are on their way, and neither online, nor waiting for a person, nor hopelessly slow."""
        alive = [(ulid, child) for ulid, child in self._children.alive() if child.age() < START_PATIENCE]
        known = self._house.states.get_many(ulid for ulid, _ in alive)
        return sum(state.state in lifecycle.ON_THE_WAY for state in known)

    def _claim(self, record: SessionRecord) -> None:
        """Start the process of a session, if its lease can be had."""
        lease = self._leases.acquire(record.ulid, self.id)
        if lease is None:
            return
        self._house.states.put(record.ulid, state="starting", reason=None, until=None, **_NO_CODES)
        with contextlib.suppress(WarestError, OSError):  # its process says what is wrong
            self.key_stores.unseal(record.ulid)
        order = session_process.Order(
            identity=record.identity,
            lease=lease,
            key_stores=self.key_stores,
            settings=self._house.settings,
            noise_root=self._network.noise_root if self._network else None,
            delay=random.uniform(0, JITTER),
            usual_proxy=self._usual_proxy,
            proxy=record.proxy,
            is_admins=record.owner.is_admin,
        )
        self._children.start(order)

    def _replace_the_hanging(self, owners: dict[str, str | None]) -> None:
        """A process that lives but has let its lease run out is stuck: kill it, the next sweep starts another.

        Not at once: when Redis was away, the processes renew their leases as soon as it is back.
        """
        for ulid, child in self._children.alive():
            if ulid in owners and child.silence(is_heard=owners[ulid] == self.id) > self._leases.ttl / 2:
                log.warning("session %s gives no sign of life; killed", ulid)
                self._children.signal(ulid, signal.SIGKILL)

    def _hand_over_one(self) -> None:
        ulid, _ = max(self._children.alive(), key=lambda each: each[0])
        log.info("session %s goes to another supervisor", ulid)
        self._children.of(ulid).not_before = time.monotonic() + 3 * SWEEP_EVERY
        self._children.signal(ulid, signal.SIGTERM)

    def _on_exit(self, child: Child, report: Exited) -> None:
        """A process is gone: say so and what comes next, then free its lease.

        When the lease is lost, somebody else has the session by now, and nothing that we know of it counts.
        """
        assert child.lease is not None
        try:
            self._house.states.put(report.ulid, lease=child.lease, pid=None)
            self._follow_up(child, child.lease, report)
        except LeaseLost:
            log.info("session %s is held by another supervisor", report.ulid)
        self._leases.release(child.lease)

    def _follow_up(self, child: Child, lease: Lease, report: Exited) -> None:
        if report.status == session_process.ENDED:
            self._stay_down(report.ulid)
        elif report.status == session_process.QR_EXPIRED:
            self._next_qr_round(child, lease)
        elif report.status not in (session_process.ASKED, session_process.FENCED):
            self._again_later(child, lease, report.status)

    def _stay_down(self, ulid: str) -> None:
        """Only somebody who asks starts it again. Its state already says why."""
        if record := self._store.session_by_ulid(ulid):
            self._store.set_auto_start(record.owner, ulid, False)
        self._seal(ulid)

    def _seal(self, ulid: str) -> None:
        """Encrypt the keys of a session that does not run. If that fails they stay as they are, and usable."""
        try:
            self.key_stores.seal(ulid)
        except (WarestError, OSError) as error:
            log.error("the keys of session %s are not encrypted: %s", ulid, error)

    def _next_qr_round(self, child: Child, lease: Lease) -> None:
        child.qr_rounds += 1
        if child.qr_rounds >= QR_ROUNDS:
            self._house.states.put(lease.session, lease=lease, state="qr_expired", **_NO_CODES)
            self._tell(lease.session, "qr_expired")
            self._stay_down(lease.session)

    def _again_later(self, child: Child, lease: Lease, status: int) -> None:
        """The process was lost or killed: WhatsApp keeps what comes meanwhile, and no QR is needed."""
        delay = child.next_delay()
        log.warning("session %s ended with %d; again in %.1f s", lease.session, status, delay)
        if status != session_process.LOST:
            cause = f"its process ended with status {status}"
            self._house.states.put(lease.session, lease=lease, state="crashed", reason=cause, **_NO_CODES)
            self._tell(lease.session, "crashed", reason=cause)
        timer = threading.Timer(delay, self._start_again, [lease.session])
        timer.daemon = True
        timer.start()

    def _tell(self, ulid: str, state: str, *, tags: str | None = None, **data: str) -> None:
        """The event of a state that no process of the session is there to tell."""
        if (record := self._store.session_by_ulid(ulid)) is None:
            return
        known = lifecycle.STATES[state]
        told = {"tags": tags or state, "status": known.status, **data, "advice": known.advice}
        self._house.bus.publish(record.identity, events.session_status(record.identity, told))

    def _start_again(self, ulid: str) -> None:
        """At once, without waiting for the next sweep; if that fails, the sweep does it."""
        with contextlib.suppress(WarestError, redis.RedisError), self._lock:
            record = self._store.session_by_ulid(ulid)
            wanted = record is not None and record.auto_start and not self._closing.is_set()
            if record and wanted and not self._children.of(ulid).is_alive:
                self._claim(record)


def is_dead_neighbour(supervisor: str) -> bool:
    """Whether it ran on this host and is gone: then its sessions are too (the kernel sees to that)."""
    host, pid, _ = supervisor.split("/")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


_NO_CODES = {"qr": None, "qr_until": None, "pair_code": None, "pair_code_until": None}

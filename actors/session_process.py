"""The process that owns one WhatsApp connection and consumes only its own queue.

Forked by actors/fork_server.py, one for each running session. What it hears from WhatsApp it makes durable at once;
everything that follows from it happens in workers.
"""

import dataclasses
import functools
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq

from warest import events, ids, keys, lifecycle, mirroring
from warest.actors.address_book import AddressBook
from warest.actors.command_runner import CommandRunner
from warest.actors.heartbeat import Heartbeat
from warest.actors.phone import PhoneWatch
from warest.actors.way_out import WayOut
from warest.command_words import CommandWords
from warest.config import kinds, logs, sentry
from warest.config.house import connect, pacing_of
from warest.config.settings import Settings
from warest.errors import DriverError, InvalidInput, LeaseLost, NotConnected, SetupError, WarestError
from warest.leases import Lease
from warest.pictures import qr_data_uri
from warest.proxies import Proxy
from warest.vitals import Reporter
from warest.whatsapp import fixes, inbound, past, presence_reports, reports
from warest.whatsapp.call_reports import CallReports
from warest.whatsapp.client import Client
from warest.whatsapp.group_reports import GroupReports
from warest.whatsapp.keystores import KeyStores
from warest.whatsapp.outbound.engine import other_name

log = logging.getLogger(__name__)

#: Exit statuses, read by the supervisor. Any other end, a signal included, is a crash.
ASKED, LOST, QR_EXPIRED, ENDED, FENCED = 0, 64, 65, 66, 67

#: What is told of the past in one go.
NOTES_AT_ONCE = 200

#: A graceful stop takes at most this long, s; then the process exits as it is.
STOP_PATIENCE = 5.0

#: The same through a proxy that is known to lead nowhere: nothing can be finished there, and what WhatsApp has been
#: told of in vain it says again.
DEAD_PATIENCE = 1.5

_DEAD_PROXY = "Its proxy leads nowhere; another one is taken."

#: Where the contract has a word or a number of its own.
_CONTRACT_TAGS = {
    "replaced": "conflict_replaced",
    "main_device_gone": "logged_out",
    "keepalive_timeout": "reconnecting",
}
_CONTRACT_REASONS: dict[str, int] = {"replaced": 440, "logged_out": 401, "main_device_gone": 401}


@dataclasses.dataclass(frozen=True)
class Order:
    """What a session process needs to know; it reads neither the database nor the environment."""

    identity: events.SessionIdentity
    lease: Lease
    key_stores: KeyStores
    settings: Settings
    noise_root: bytes | None
    delay: float  #: s to wait before connecting, so that many do not knock at once
    usual_proxy: Proxy | None  #: where no other is to be used
    proxy: str = dataclasses.field(repr=False)  #: the session's own, as its record has it
    is_admins: bool  #: its owner is an admin


def main(order: Order) -> None:
    """Run one session until it is asked to stop or its connection is over. Never returns."""
    logs.configure(order.settings, f"session {order.identity.id}")
    sentry.start(order.settings, f"session {order.identity.id}")
    fixes.quiet_prints()
    try:
        with order.key_stores.claimed(order.identity.ulid, order.lease.number) as key_store:
            status = Session(order, key_store).run()
    except LeaseLost:
        status = FENCED
    except DriverError as error:
        log.error("%s", error.message)
        status = LOST
    except SetupError as error:
        log.error("%s", error.message)
        status = _given_up(order, error)
    except Exception:
        log.exception("session process failed")
        status = 1
    fixes.exit_process(status)


def _given_up(order: Order, error: SetupError) -> int:
    """To begin anew would not help: its owner reads why in its state."""
    try:
        connect(order.settings).states.put(order.identity.ulid, lease=order.lease, state="failed", reason=error.message)
    except LeaseLost:
        return FENCED
    return ENDED


class Session:
    """Listens to one Client, and runs the commands that come in over the queue."""

    def __init__(self, order: Order, key_store: str) -> None:
        self.identity = order.identity
        self.house = connect(order.settings)
        self._ending = threading.Event()
        self._status = LOST
        self._patience = STOP_PATIENCE
        self._attempts = 0
        self._lease = order.lease
        self._reporter = Reporter(
            self.house.redis,
            "session",
            {"messages": self.house.meter},
            session=order.identity.id,
            watches=False,
        )
        self._delay = order.delay
        self._way_out = WayOut(
            self.house, order.identity.ulid, order.proxy, is_admins=order.is_admins, usual=order.usual_proxy
        )
        self._heartbeat = Heartbeat(
            self.house.leases, order.lease, on_beat=self._look_after, on_lost=self._on_lease_lost
        )
        self._state, self._since = "starting", time.monotonic()
        self._phone = PhoneWatch(
            self.house.states.get(order.identity.ulid).phone_seen, order.settings.phone_patience * 86_400
        )
        signal.signal(signal.SIGTERM, lambda *_: self._end(ASKED))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the supervisor decides
        self._pacing = pacing_of(order.settings, self.house.redis, self.identity.ulid)
        self._book = AddressBook(self.house.bus, self.identity.ulid)
        self._commands = CommandWords(kinds.split(order.settings.commands))
        engine = fixes.load(order.noise_root)
        mends = order.settings.app_state_fix
        syncs, removes = mends and fixes.mend_app_state(), mends and fixes.mend_removal()
        self.client = Client(
            engine,
            key_store,
            self,
            syncs_app_state=syncs,
            removes_pictures=removes,
            in_sandbox=order.noise_root is not None,
        )
        self._calls = CallReports(self.identity.ulid, self.client.callers, functools.partial(other_name, self.client))
        self._groups = GroupReports(self.identity.ulid, functools.partial(other_name, self.client))

    def run(self) -> int:
        """The exit status."""
        self._publish(events.SESSION_STATUS, {"tags": "create"}, event_id=ids.new_event_id())
        self._change("connecting", pid=os.getpid())
        self._heartbeat.start()
        runner = CommandRunner(self.house, self.identity.ulid, self._lease, self._learn, self._ending.wait)
        threads = self.house.settings.queue_concurrency
        worker = dramatiq.Worker(self.house.broker, queues={runner.declare(self.client)}, worker_threads=threads)
        worker.start()
        threading.Thread(target=self._connect, name="connection", daemon=True).start()
        self._ending.wait()
        self._close(worker, runner)
        return self._status

    def on_qr(self, text: str, seconds: int) -> None:
        self._surely(self._way_out.leads_there)
        shown = {"qr": qr_data_uri(text), "qrString": text, "qrDuration": seconds}
        self._change("qr", shown, qr=text, qr_until=time.time() + seconds)

    def on_pair_code(self, code: str, seconds: int) -> None:
        until = time.time() + seconds
        self._change("pairing_code", {"pairCode": code}, pair_code=code, pair_code_until=until)

    def on_paired(self) -> None:
        self._phone.saw(time.time())
        self._change("paired", qr=None, qr_until=None, pair_code=None, pair_code_until=None)

    def on_qr_expired(self) -> None:
        self._end(QR_EXPIRED)

    def on_open(self, me: dict[str, Any]) -> None:
        self._attempts = 0
        self._surely(self._way_out.leads_there)
        self._book.look_soon()
        now_ms = time.time_ns() // 1_000_000
        self._change("open", {"status": "open", "me": me}, me=me, connected_ms=now_ms, qr=None, qr_until=None)
        self._publish(events.CREDS_UPDATE, {}, event_id=ids.new_event_id())

    def on_disconnected(self) -> None:
        self._attempts += 1
        self._change("reconnecting", {"status": "reconnecting", "attempts": self._attempts})
        self._surely(self._way_out.was_cut)

    def on_keepalive_timeout(self) -> None:
        """The engine would wait three minutes more; a new process is open in seconds."""
        self._change("keepalive_timeout", {"status": "reconnecting", "attempts": self._attempts + 1})
        self._surely(lambda: self._way_out.failed("a connection through it has stopped answering"))
        self._end(LOST)

    def on_end(self, state: str, reason: str, until: float | None = None) -> None:
        told = {
            "status": lifecycle.STATES[state].status,
            "reason": _CONTRACT_REASONS.get(state, reason),
            "until": until,
        }
        self._change(
            state, {key: value for key, value in told.items() if value is not None}, reason=reason, until=until
        )
        self._end(ENDED)

    def on_message(self, message: Any) -> None:
        if (seen_at := inbound.seen_phone_at(message)) is not None:
            self._phone.saw(seen_at)
        if report := reports.of(self.identity.ulid, self.client.own_names, message):
            self._meet(report)
            self._report(report)

    def on_history(self, history: Any) -> None:
        """In parts that Redis takes at once; its lane is as long as it may be while a worker writes it down."""
        self._remember_all(past.notes_of(history, self.client.own_names))

    def on_presence(self, event: Any) -> None:
        self._report(presence_reports.of(event, functools.partial(other_name, self.client)))

    def on_call(self, status: str, event: Any) -> None:
        report = self._calls.of(status, event, time.time())
        self._report(report)
        (call,) = report.data["calls"]
        if call["status"] == "offer" and not call["isGroup"] and not call["offline"]:
            told = {"call_id": call["id"], "caller": call["from"], "event_id": report.event_id}
            self._surely(
                lambda: self.house.bus.send(keys.WEBHOOK_QUEUE, "answer_call", session=self.identity.ulid, **told)
            )

    def on_contacts(self, notes: Iterator[dict[str, Any]]) -> None:
        self._remember_all(self._book.news(notes))

    def on_group(self, kind: str, event: Any) -> None:
        for report in self._groups.of(kind, self.client.own_names, event):
            self._report(report)

    def on_sent(self, chat: ids.Jid, id: str, timestamp: int, message: Any) -> None:
        own = self.client.own_jid or chat
        if self.house.settings.send_events:
            self._report(reports.sent(self.identity.ulid, own, chat, id, timestamp, message))
        else:
            self._remember(*reports.notes_of_sent(own, chat, id, timestamp, message))

    def _learn(self, note: dict[str, Any]) -> None:
        """What has become of a send."""
        if self.house.settings.send_events:
            self._report(reports.outcome(self.identity.ulid, note, time.time()))
        else:
            self._remember(note)

    def _meet(self, report: reports.Report) -> None:
        """Whoever has written is no stranger any more."""
        sender = report.data.get("sender", {})
        if self._pacing and report.event == events.MESSAGE_RECEIVED and not sender.get("isGroup"):
            names = [name for name in (sender.get("pn"), sender.get("lid")) if name]
            pacing = self._pacing
            self._surely(lambda: pacing.knows(names))

    def _report(self, report: reports.Report) -> None:
        """A message with a file is reported by actors/mirror.py, with a link to its file."""
        if not report.event:
            return self._remember(*report.notes)
        if report.event == events.MESSAGE_RECEIVED and report.data["text"] in self._commands:
            self._report(reports.command(self.identity.ulid, report))
        if report.event != events.MESSAGE_RECEIVED or mirroring.file_of(report.data) is None:
            return self._publish(report.event, report.data, *report.notes, event_id=report.event_id)
        patience_ms = self.house.settings.mirror_patience_ms
        self._surely(
            lambda: self.house.bus.entrust(self.identity, report.event_id, report.data, patience_ms=patience_ms)
        )
        self._remember(*report.notes)

    def _remember(self, *notes: dict[str, Any]) -> None:
        if notes:
            self._surely(lambda: self.house.bus.remember(self.identity.ulid, *notes))

    def _remember_all(self, notes: Iterator[dict[str, Any]]) -> None:
        while portion := list(itertools.islice(notes, NOTES_AT_ONCE)):
            self._remember(*portion)

    def _look_after(self) -> None:
        """At every sign of life of this process."""
        self._reporter.tick()
        if self._ending.is_set():
            return
        self._give_up_if_stuck()
        self._leave_a_dead_proxy()
        if self.client.is_open:
            self._miss_the_phone()
            self._book.look()

    def _miss_the_phone(self) -> None:
        if (seen_at := self._phone.to_keep()) is not None:
            self._surely(lambda: self.house.states.put(self.identity.ulid, lease=self._lease, phone_seen=seen_at))
        if self._phone.is_missing and self._state == "open":
            self._change(
                "phone_offline", {"status": "open"}, reason=f"no sign of the phone for {self._phone.days} days"
            )
        elif not self._phone.is_missing and self._state == "phone_offline":
            self._change("open", {"status": "open", "me": self.client.me})

    def _give_up_if_stuck(self) -> None:
        """A server that takes the connection and then says nothing leaves the engine waiting for ever: begin anew."""
        patience = min(self.house.settings.connect_patience, self._way_out.patience)
        if self._state in lifecycle.ON_THE_WAY and time.monotonic() - self._since > patience:
            log.warning("still %s after %.0f s; trying again in another process", self._state, patience)
            self._surely(lambda: self._way_out.failed(f"a session was still {self._state} after {patience:g} s"))
            self._end(LOST)

    def _leave_a_dead_proxy(self) -> None:
        """A check has found that it leads nowhere: the connection may look open for half a minute more."""
        try:
            is_dead = self._way_out.is_dead()
        except DriverError as error:
            log.warning("%s", error.message)
            return
        if is_dead:
            self._patience = DEAD_PATIENCE
            self._change("reconnecting", {"status": "reconnecting", "attempts": self._attempts + 1}, reason=_DEAD_PROXY)
            self._end(LOST)

    def _on_lease_lost(self) -> None:
        log.warning("another process owns the session now; this one ends")
        self._end(FENCED)

    def _connect(self) -> None:
        time.sleep(self._delay)
        try:
            self._surely(self._way_out.choose)
            self.client.run(self._way_out.url())
        except (NotConnected, InvalidInput) as error:
            if not self._ending.is_set():
                self._surely(lambda: self._way_out.failed("nothing could be reached through it"))
            self._change("reconnecting", {"status": "reconnecting", "attempts": 1}, reason=error.message)
        # Whatever the reason, a connect() that returned leaves nothing to go on with (traps 5, 21).
        self._end(LOST)

    def _end(self, status: int) -> None:
        """Leave `run`; the first reason counts."""
        if not self._ending.is_set():
            self._status = status
            self._ending.set()

    def _close(self, worker: dramatiq.Worker, runner: CommandRunner) -> None:
        """Finish the running command, close the connection, and let the events already received become durable."""
        patience = threading.Timer(self._patience, fixes.exit_process, [self._status])
        patience.daemon = True
        patience.start()
        if self._patience == DEAD_PATIENCE:
            runner.give_up()
        worker.stop(timeout=int(self._patience * 500))
        self.client.close()
        self._reporter.leave()
        self.house.broker.close()

    def _change(self, state: str, data: dict[str, Any] | None = None, **fields: Any) -> None:
        """The session is now so: in its state, and as an event with this `data`."""
        self._state, self._since = state, time.monotonic()
        fields = {"reason": None, "until": None, **fields, "state": state}
        self._surely(lambda: self.house.states.put(self.identity.ulid, lease=self._lease, **fields))
        told = {"tags": _CONTRACT_TAGS.get(state, state), **(data or {}), "advice": lifecycle.STATES[state].advice}
        self._publish(events.SESSION_STATUS, told, event_id=ids.new_event_id())

    def _publish(self, name: str, data: dict[str, Any], *notes: dict[str, Any], event_id: str) -> None:
        event = events.make_now(self.identity, name, data, event_id=event_id)
        self._surely(lambda: self.house.bus.publish(self.identity, event, *notes))

    def _surely(self, write: Callable[[], object]) -> None:
        """Write to Redis, however long that takes: meanwhile the engine waits, and WhatsApp keeps the rest."""
        delay = 0.05
        while True:
            try:
                write()
                return
            except LeaseLost:
                return self._end(FENCED)
            except WarestError as error:
                log.error("not stored yet: %s", error.message)
                time.sleep(delay)
                delay = min(delay * 2, 2.0)

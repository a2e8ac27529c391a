"""One connection to WhatsApp: pair, connect, execute commands, close.

The engine allows one client in a process (traps 1, 2, 7, 8) and cannot be left in the QR phase (trap 3), so a Client
lives as long as its process. Callbacks run on the engine's one event thread, in order; they hand over and return.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Protocol

from warest.errors import InvalidInput, NotConnected, NotPaired
from warest.ids import Jid
from warest.whatsapp import fixes, inbound, protos

log = logging.getLogger(__name__)

#: WhatsApp shows the first QR for 60 s and each further one for 20 s.
FIRST_QR_SECONDS, NEXT_QR_SECONDS = 60, 20

#: How long a pair code is given out again (contract, data.md section 3).
PAIR_CODE_SECONDS = 65

#: After hanging up, events may still come from the engine's queue: until none has come for QUIET, s.
QUIET, DRAIN_PATIENCE = 0.2, 3.0


class Listener(Protocol):
    """Who is told of what happens. Called on engine threads; an exception here would lose the event."""

    def on_qr(self, text: str, seconds: int) -> None:
        """A QR waits to be scanned, for `seconds`."""

    def on_pair_code(self, code: str, seconds: int) -> None:
        """A code waits to be typed on the phone, for `seconds`."""

    def on_paired(self) -> None:
        """The QR was scanned; the connection is made anew as the account."""

    def on_qr_expired(self) -> None:
        """No further QR will come: the process must be replaced."""

    def on_open(self, me: dict[str, Any]) -> None:
        """The session is online; `me` is `{id, name, lid}`."""

    def on_disconnected(self) -> None:
        """The connection is lost; the engine is already trying to get it back."""

    def on_keepalive_timeout(self) -> None:
        """WhatsApp no longer answers, on a connection that looks open."""

    def on_end(self, state: str, reason: str, until: float | None = None) -> None:
        """The connection is over for good. `state` is one of lifecycle.STATES, `reason` WhatsApp's own words."""

    def on_message(self, message: Any) -> None:
        """Somebody wrote, here or on another device of the account."""

    def on_history(self, history: Any) -> None:
        """The phone tells of its chats: a waHistorySync.HistorySync, after linking, in parts."""

    def on_group(self, kind: str, event: Any) -> None:
        """Something is new in a group: `kind` is change (a GroupInfoEvent), joining (a JoinedGroup) or picture (a
        Picture, of people too)."""

    def on_presence(self, event: Any) -> None:
        """Somebody whom the session has asked for is there, or no longer: a Neonize.Presence."""

    def on_call(self, status: str, event: Any) -> None:
        """Somebody calls, or a call has gone on: `status` is offer, accept or terminate; `event` is what the engine
        says of it."""

    def on_contacts(self, notes: Iterator[dict[str, Any]]) -> None:
        """What the engine knows of the account's contacts, as notes for the database."""

    def on_sent(self, chat: Jid, id: str, timestamp: int, message: Any) -> None:
        """A message of ours has gone out, at this time (epoch s); `message` is its content."""


class Client:
    def __init__(
        self,
        engine: ModuleType,
        store: str,
        listener: Listener,
        *,
        syncs_app_state: bool = False,
        removes_pictures: bool = False,
        in_sandbox: bool = False,
    ) -> None:
        """`store`: where the session's keys are, as the engine names it (keystores.py). `syncs_app_state`: whether the
        engine has been mended so that it can (fixes.mend_app_state); `removes_pictures` likewise (mend_removal).
        `in_sandbox`: it must not reach anything beyond this machine."""
        self._in_sandbox = in_sandbox
        self.removes_pictures = removes_pictures
        self.syncs_app_state = syncs_app_state
        self._listener = listener
        #: Who calls: the addresses as WhatsApp has said them, by the ids of the latest calls.
        self.callers: dict[str, Jid] = {}
        self._open = threading.Event()
        self._paired = False
        self._handling = False
        self._pair_code: tuple[str, str, float] | None = None
        self._qr_shown = False
        self.me: dict[str, Any] | None = None
        self.engine: Any = engine.NewClient(store, uuid="session")
        fixes.tame(self.engine, self._on_login_status)
        self.engine.event.qr(lambda _, data: self._on_qr(data.decode()))
        for kind, handler in self._handlers().items():
            self.engine.event(kind)(self._noted(handler))

    def run(self, proxy: str = "") -> None:
        """Connect, through a proxy if a URL is given, and stay; returns when the connection is over for good. Raises
        NotConnected when it cannot dial."""
        try:
            fixes.dial(self.engine, proxy, in_sandbox=self._in_sandbox)
        except protos.errors.NeonizeError as error:
            raise NotConnected(f"WhatsApp could not be reached: {fixes.without_credentials(str(error))}") from error
        finally:
            self._open.clear()

    def pair_phone(self, phone: str) -> str:
        """A code to be typed on `phone` (digits). Only while QRs are shown: raises NotConnected else.

        Asked again soon, it is the same one: a new one would make void what somebody is just typing.
        """
        if not self._qr_shown or self._paired:
            raise NotConnected("No QR is shown, so no pair code can be had: start the session first.")
        if self._pair_code and self._pair_code[0] == phone and time.monotonic() < self._pair_code[2]:
            return self._pair_code[1]
        try:
            # The client type is given, since neonize would take it from another enumeration (trap 27).
            code: str = self.engine.PairPhone(
                phone, True, protos.enums.ClientName.LINUX, protos.enums.ClientType.CHROME
            )
        except protos.errors.PairPhoneError as error:
            raise InvalidInput(f"WhatsApp gives no code for this number: {error}") from error
        self._pair_code = phone, code, time.monotonic() + PAIR_CODE_SECONDS
        self._listener.on_pair_code(code, PAIR_CODE_SECONDS)
        return code

    def close(self) -> None:
        """Hang up, take what has come in already, and stop.

        WhatsApp believes that the events still on their way to us were received (trap 11): stopping at once would lose
        them. Without a linked account this cannot end `run` (trap 3): exit the process.
        """
        if self._open.is_set():
            self._open.clear()
            self.engine.disconnect()
        if self._paired:
            self._wait_for_quiet()
        self.engine.stop()

    def _wait_for_quiet(self) -> None:
        deadline = time.monotonic() + DRAIN_PATIENCE
        quiet_since = time.monotonic()
        while (now := time.monotonic()) < deadline and now - quiet_since < QUIET:
            if self._handling:
                quiet_since = now
            time.sleep(QUIET / 20)

    def tell_sent(self, chat: Jid, id: str, timestamp: int, message: Any) -> None:
        self._listener.on_sent(chat, id, timestamp, message)

    def tell_contacts(self, notes: Iterator[dict[str, Any]]) -> None:
        self._listener.on_contacts(notes)

    @property
    def own_names(self) -> list[str]:
        """The session's account by number and by LID; nothing as long as it was not online."""
        known = [self.me["id"], self.me["lid"]] if self.me else []
        return [str(Jid.parse(name).account) for name in known if name]

    @property
    def own_jid(self) -> Jid | None:
        """The session's account, by number; None as long as it was not online."""
        return Jid.parse(self.me["id"]).account if self.me else None

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    def require_open(self) -> None:
        """The engine aborts the process when its store is used while it is not connected (trap 1)."""
        if not self._open.is_set():
            raise NotConnected("The session is reconnecting.") if self._paired else NotPaired("Scan the QR first.")

    def _noted(self, handler: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        """The handler, and the knowledge that it is at work; there is one event thread."""

        def handle(client: Any, event: Any) -> None:
            self._handling = True
            try:
                handler(client, event)
            finally:
                self._handling = False

        return handle

    def _handlers(self) -> dict[Any, Callable[[Any, Any], None]]:
        """Engine event -> handler. Receipts are not subscribed: an unknown kind ends the event thread (trap 5)."""
        events = protos.events
        return {
            events.ConnectedEv: lambda _, __: self._on_connected(),
            events.DisconnectedEv: lambda _, __: self._on_disconnected(),
            events.MessageEv: lambda _, message: self._listener.on_message(message),
            events.HistorySyncEv: lambda _, history: self._listener.on_history(history.Data),
            events.GroupInfoEv: lambda _, event: self._listener.on_group("change", event),
            events.JoinedGroupEv: lambda _, event: self._listener.on_group("joining", event),
            events.PictureEv: lambda _, event: self._listener.on_group("picture", event),
            events.PresenceEv: lambda _, event: self._listener.on_presence(event),
            events.CallOfferEv: lambda _, event: self._listener.on_call("offer", event),
            events.CallOfferNoticeEv: lambda _, event: self._listener.on_call("offer", event),
            events.CallAcceptEv: lambda _, event: self._listener.on_call("accept", event),
            events.CallTerminateEv: lambda _, event: self._listener.on_call("terminate", event),
            events.KeepAliveTimeoutEv: lambda _, __: self._listener.on_keepalive_timeout(),
            events.LoggedOutEv: lambda _, event: self._on_logged_out(event),
            events.StreamReplacedEv: lambda _, __: self._on_end("replaced", "stream replaced"),
            events.TemporaryBanEv: lambda _, ban: self._on_end("banned", _ban_cause(ban), _ban_end(ban)),
            events.ClientOutdatedEv: lambda _, __: self._on_end("outdated", "client outdated"),
            events.ConnectFailureEv: lambda _, event: self._on_end("failed", _failure(event)),
        }

    def _on_qr(self, text: str) -> None:
        seconds = NEXT_QR_SECONDS if self._qr_shown else FIRST_QR_SECONDS
        self._qr_shown = True
        self._listener.on_qr(text, seconds)

    def _on_login_status(self, status: str) -> None:
        log.info("pairing: %s", status)
        if status == "success":
            self._paired = True
            self._listener.on_paired()
        elif "timeout" in status:
            self._listener.on_qr_expired()
        elif status == "err-client-outdated":
            self._on_end("outdated", "client outdated")
        elif status.startswith("err"):  # before it is linked, a refused login is told here only, and no reason with it
            self._on_end("failed", f"the login was refused before the account was linked: {status}")

    def _on_connected(self) -> None:
        device = self.engine.get_me()
        self.me = {
            "id": str(inbound.jid(device.JID)),
            "name": device.PushName or device.BussinessName,
            "lid": str(inbound.jid(device.LID)),
        }
        self._paired = True
        self._open.set()
        self._listener.on_open(self.me)

    def _on_disconnected(self) -> None:
        self._open.clear()
        self._listener.on_disconnected()

    def _on_logged_out(self, event: Any) -> None:
        gone = event.Reason == protos.engine.MAIN_DEVICE_GONE
        self._on_end("main_device_gone" if gone else "logged_out", _failure(event))

    def _on_end(self, state: str, reason: str, until: float | None = None) -> None:
        self._open.clear()
        self._listener.on_end(state, reason, until)


def _failure(event: Any) -> str:
    """What WhatsApp called it."""
    name: str = protos.engine.ConnectFailureReason.Name(event.Reason).lower()
    words = getattr(event, "Message", "")
    return f"{name}: {words}" if words else name


def _ban_cause(ban: Any) -> str:
    name: str = protos.engine.TemporaryBan.TempBanReason.Name(ban.Code).lower()
    return name


def _ban_end(ban: Any) -> float:
    """Epoch seconds; the engine tells how many it lasts."""
    return time.time() + float(ban.Expire)

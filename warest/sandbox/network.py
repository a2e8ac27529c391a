"""The network itself: what logs in, what comes from a linked session, and what the phones' owners do."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from warest.sandbox import app_state, linkcode, messages, mischief
from warest.sandbox import iq as iqs
from warest.sandbox.accounts import Account, Accounts, Device, Prekeys
from warest.sandbox.calls import Calls
from warest.sandbox.channels import Channels
from warest.sandbox.connection import Connection
from warest.sandbox.delivery import Delivery
from warest.sandbox.faults import Faults
from warest.sandbox.greeting import Greeting
from warest.sandbox.group_deeds import Deeds
from warest.sandbox.groups import Groups
from warest.sandbox.history import History
from warest.sandbox.media import Files
from warest.sandbox.nodes import SERVER, MalformedNode, Node, Value
from warest.sandbox.noise import Certificate
from warest.sandbox.outbox import Outbox
from warest.sandbox.pairing import Pairing
from warest.sandbox.phone import PhoneKeys
from warest.sandbox.phones import Phones
from warest.sandbox.presence import Presence
from warest.sandbox.profiles import Profiles
from warest.sandbox.sender_keys import GroupKeys
from warest.sandbox.store import Store
from warest.sandbox.violations import Violations
from warest.whatsapp import protos
from warest.whatsapp.library import Tokens

log = logging.getLogger(__name__)

#: What clients tell in an <ib> and nobody answers; a client says the first even before it is linked.
_HINTS = frozenset({"unified_session", "offline_batch"})


class Network:
    def __init__(self, store: Store, tokens: Tokens) -> None:
        self.store = store
        self.tokens = tokens
        self.certificate = Certificate.from_bytes(store.setting("noise", lambda: Certificate.generate().to_bytes()))
        self.outbox = Outbox(store)
        self.violations = Violations(store)
        self.accounts = Accounts(store)
        self.prekeys = Prekeys(store)
        self.keys = PhoneKeys(store, self.prekeys)
        self.profiles = Profiles(store)
        self.groups = Groups(store, self.accounts)
        self.channels = Channels(store)
        self.history = History(store, self.accounts, self.groups)
        self.delivery = Delivery(store)
        self.deeds = Deeds(self.groups, self.accounts, self.delivery)
        self.calls = Calls(self.delivery, self.profiles)
        self.presence = Presence(self.accounts, self.delivery)
        self.phones = Phones(
            self.accounts, self.groups, self.keys, GroupKeys(store), self.delivery, self.history, self.profiles
        )
        self.files = Files(store)
        self.greeting = Greeting(self.accounts, self.keys, self.delivery, self.history, self.files)
        self.faults = Faults()
        self.pairing = Pairing(self.accounts, self.faults)
        self.link_codes = linkcode.LinkCodes(self.pairing)
        self.connections: set[Connection] = set()

    # Connections

    def log_in(self, connection: Connection, data: bytes) -> None:
        """The Noise handshake is over; `data` is the ClientPayload."""
        self.connections.add(connection)
        try:
            payload = protos.wa6.ClientPayload.FromString(data)
        except DecodeError as error:
            raise MalformedNode("the handshake holds no ClientPayload") from error
        device = self.accounts.device_of_noise_key(connection.client_static)
        phone = device.account.phone if device else None
        connection.by_phone_number = not payload.lidDbMigrated
        mischief.hinder(self, connection, phone)
        if fault := self.faults.take("login", phone):
            mischief.fail_login(connection, fault)
        elif payload.HasField("devicePairingData"):
            self.pairing.offer(connection, payload)
        elif device is None or (phone, device.id) != (str(payload.username), payload.device):
            connection.finish(Node("failure", {"reason": "401", "location": "frc", "t": _now()}))
        else:
            self._open(device, connection)

    def _open(self, device: Device, connection: Connection) -> None:
        if device.connection:
            device.connection.finish(Node("stream:error", {}, [Node("conflict", {"type": "replaced"})]))
        device.connection, connection.device = connection, device
        attrs: dict[str, Value] = {"t": _now(), "lid": device.lid, "location": "frc", "props": "1"}
        connection.send(Node("success", attrs))

    def disconnected(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.pairing.withdraw(connection)
        self.link_codes.withdraw(connection)
        device = connection.device
        if device and device.connection is connection:
            device.connection = None
            self.presence.gone(device)

    def activate(self, device: Device) -> None:
        """The session wants its stanzas now."""
        if device.connection is None:
            return
        if not device.greeted:
            self.greeting.greet(device)
        self.delivery.catch_up(device)

    # Stanzas

    def handle(self, connection: Connection, node: Node) -> None:
        """One stanza of a client. Whatever is wrong with it is noted, and answered so that nobody waits for 75 s."""
        try:
            self._dispatch(connection, node)
        except MalformedNode as error:
            self.violations.record(connection.name, str(error), node)
            self._refuse(connection, node, 400, str(error))
        except Exception as error:
            log.exception("The sandbox failed at %s", node)
            self.violations.record(connection.name, f"the sandbox itself failed: {error!r}", node)
            self._refuse(connection, node, 500, "internal-server-error")

    def _dispatch(self, connection: Connection, node: Node) -> None:
        if node.tag == "iq" and node.text("type") in ("result", "error"):
            connection.answered(node)
        elif node.tag == "ib" and all(child.tag in _HINTS for child in node.children):
            pass
        elif connection.device is None:
            self._before_linking(connection, node)
        elif node.tag == "iq":
            connection.send(iqs.answer(self, connection.device, node))
        elif handler := messages.HANDLERS.get(node.tag):
            handler(self, connection.device, node)
        else:
            raise MalformedNode(f"the unknown stanza <{node.tag}>")

    def _before_linking(self, connection: Connection, node: Node) -> None:
        """What a client may say that is no device of anybody yet."""
        kind = (node.tag, node.attrs.get("xmlns"), node.children[0].tag if node.children else "")
        if kind == ("iq", "w:p", ""):
            connection.send(iqs.result(node, []))
        elif kind == ("iq", "md", linkcode.TAG):
            connection.send(iqs.result(node, self.link_codes.answer(connection, node.children[0])))
        elif (node.tag, node.attrs.get("class")) != ("ack", "notification"):
            raise MalformedNode("only a linked session may send this")

    def _refuse(self, connection: Connection, node: Node, code: int, why: str) -> None:
        if not isinstance(node.attrs.get("id"), str):
            return
        if node.tag == "iq":
            connection.send(iqs.error(node, code, why))
        elif node.tag in ("message", "receipt"):
            attrs: dict[str, Value] = {"class": node.tag, "id": node.text("id"), "from": node.attrs.get("to", SERVER)}
            connection.send(Node("ack", {**attrs, "t": _now(), "error": str(code)}))

    def call_soon(self, callback: Callable[[], None]) -> None:
        """After the answer to the stanza that is being handled."""
        asyncio.get_running_loop().call_soon(callback)

    # Accounts

    def add_phone(self, phone: str, name: str) -> Account:
        account = self.accounts.create(phone, name)
        app_state.begin(self, account)
        return account

    async def link(self, account: Account, qr: str) -> Device:
        return self._welcome(*await self.pairing.scan(account, qr))

    async def link_by_code(self, account: Account, code: str) -> Device:
        return self._welcome(*await self.link_codes.enter(account, code))

    def _welcome(self, device: Device, connection: Connection) -> Device:
        """A session has been linked: it is to connect again, as the device."""
        self.devices_changed(device.account, but=device)
        connection.finish(Node("stream:error", {"code": "515"}))
        return device

    def unlink(self, device: Device) -> None:
        if device.account.devices.get(device.id) is not device:
            return
        self.accounts.unlink(device)
        self.keys.forget(device)
        self.files.forget(device)
        self.devices_changed(device.account)
        if connection := device.connection:
            conflict = Node("conflict", {"type": "device_removed"})
            connection.finish(Node("stream:error", {"code": "401"}, [conflict]))

    def devices_changed(self, account: Account, *, but: Device | None = None) -> None:
        """Sessions keep device lists for as long as they live: tell all who asked for this one to ask again."""
        devices = [Node("device", {"jid": jid}) for jid in (account.pn, *(d.pn for d in account.devices.values()))]
        for device in account.devices.values():
            if device is not but:
                # A hash that does not fit makes whatsmeow forget the list; the next message asks for it.
                own = Node("devices", {"dhash": "2:changed"}, devices)
                self._notify(device, "account_sync", {"from": account.pn}, [own])
        for watcher in self.watchers(account):
            if watcher is not but:
                for jid in (account.lid, account.pn):
                    self._notify(watcher, "devices", {"from": jid}, [Node("update", {"device_hash": "2:changed"})])

    def watch(self, device: Device, account: Account) -> None:
        """The device has asked for the account's device list."""
        self.store.write(
            "insert or ignore into watchers values (?, ?, ?)", account.phone, device.account.phone, device.id
        )

    def watchers(self, account: Account) -> list[Device]:
        rows = self.store.read("select phone, device from watchers where watched = ?", account.phone)
        return [self.accounts.phone(phone).devices[number] for phone, number in rows]

    # Notifications

    def notify(self, to: Account, kind: str, sender: Account, children: list[Node]) -> None:
        for device in to.devices.values():
            self._notify(device, kind, {"from": sender.pn, "sender_lid": sender.lid}, children)

    def tell_of_app_state(self, account: Account, collection: str, version: int, *, but: Device | None = None) -> None:
        for device in account.devices.values():
            if device is not but:
                change = Node("collection", {"name": collection, "version": str(version)})
                self._notify(device, "server_sync", {"from": SERVER}, [change])

    def warn_of_few_prekeys(self, device: Device, few: int) -> None:
        if (count := self.prekeys.count(device)) == few - 1:
            self._notify(device, "encrypt", {"from": SERVER}, [Node("count", {"value": str(count)})])

    def _notify(self, device: Device, kind: str, attrs: dict[str, Any], children: list[Node]) -> None:
        more: dict[str, Value] = {"type": kind, "id": secrets.token_hex(8), "t": _now()}
        self.delivery.post(device, Node("notification", attrs | more, children))

    def new_token(self) -> bytes:
        return secrets.token_bytes(32)


def _now() -> str:
    return str(int(time.time()))

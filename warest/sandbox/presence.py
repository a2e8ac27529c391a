"""Who is available, and who wants to know. Nothing of it outlives a connection."""

from warest.ids import Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.delivery import Delivery
from warest.sandbox.nodes import MalformedNode, Node, Value


class Presence:
    def __init__(self, accounts: Accounts, delivery: Delivery) -> None:
        self._accounts = accounts
        self._delivery = delivery
        self._available: set[str] = set()
        self._subscribers: dict[str, set[Device]] = {}

    def subscribe(self, device: Device, to: Jid) -> None:
        account = self._accounts.find(to)
        if account is None:
            raise MalformedNode(f"a subscription to the presence of {to}, which does not exist")
        self._subscribers.setdefault(account.phone, set()).add(device)
        if device.connection and account.phone in self._available:
            device.connection.send(self._stanza(account))

    def announce(self, account: Account, kind: str) -> None:
        before = account.phone in self._available
        if kind == "available":
            self._available.add(account.phone)
        else:
            self._available.discard(account.phone)
        if before == (kind == "available"):
            return
        for device in self._subscribers.get(account.phone, ()):
            if device.connection and device.connection.active:
                device.connection.send(self._stanza(account))

    def gone(self, device: Device) -> None:
        """The device has gone offline; with the last one its account is unavailable."""
        for subscribers in self._subscribers.values():
            subscribers.discard(device)
        if not any(other.online for other in device.account.devices.values()):
            self.announce(device.account, "unavailable")

    def _stanza(self, account: Account) -> Node:
        attrs: dict[str, Value] = {"from": account.lid}
        if account.phone not in self._available:
            attrs |= {"type": "unavailable", "last": "deny"}
        return Node("presence", attrs)

"""Who is available, who wants to know, and who writes to whom. Nothing of it outlives the sandbox, and little of it a
connection."""

from warest.ids import Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.delivery import Delivery
from warest.sandbox.groups import Chat, Group
from warest.sandbox.nodes import MalformedNode, Node, Value


class Presence:
    def __init__(self, accounts: Accounts, delivery: Delivery) -> None:
        self._accounts = accounts
        self._delivery = delivery
        self._available: set[str] = set()
        self._last_seen: dict[str, int] = {}
        self._subscribers: dict[str, set[Device]] = {}
        self._writing: dict[str, dict[str, dict[str, str]]] = {}

    def subscribe(self, device: Device, to: Jid) -> None:
        account = self._accounts.find(to)
        if account is None:
            raise MalformedNode(f"a subscription to the presence of {to}, which does not exist")
        self._subscribers.setdefault(account.phone, set()).add(device)
        if device.connection and account.phone in self._available:
            device.connection.send(self._stanza(account))

    def announce(self, account: Account, kind: str, last_seen: int = 0) -> None:
        """`last_seen` (epoch s): what an account that goes lets others know; 0: nothing."""
        before = account.phone in self._available
        self._last_seen[account.phone] = last_seen
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

    def write(self, by: Account, chat: Chat, state: Node) -> None:
        """Everybody else in the chat sees that this one writes, on the phone and on the sessions that are online."""
        for other in (chat,) if isinstance(chat, Account) else chat.members:
            if other is by:
                continue
            attrs: dict[str, Value] = {"from": by.lid}
            if isinstance(chat, Group):
                attrs = {"from": chat.jid, "participant": by.lid}
            self._delivery.pass_on(other, Node("chatstate", attrs, [state]))
            shown = "recording" if state.attrs.get("media") == "audio" else state.tag
            where = chat.key if isinstance(chat, Group) else by.key
            self._writing.setdefault(other.phone, {})[where] = {"from": by.phone, "state": shown}

    def show(self, account: Account) -> dict[str, object]:
        """Whether it is available, and what it was last shown of others who write, by chat."""
        return {"available": account.phone in self._available, "writing": self._writing.get(account.phone, {})}

    def _stanza(self, account: Account) -> Node:
        attrs: dict[str, Value] = {"from": account.lid}
        if account.phone not in self._available:
            attrs |= {"type": "unavailable", "last": str(self._last_seen.get(account.phone) or "deny")}
        return Node("presence", attrs)

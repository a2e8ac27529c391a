"""A network without clients, for tests that say stanzas to it and look at its answers."""

from pathlib import Path

from warest.sandbox.accounts import Account, Device
from warest.sandbox.connection import Connection
from warest.sandbox.crypto import KeyPair
from warest.sandbox.network import Network
from warest.sandbox.nodes import NO_TOKENS, Node, Value, decode
from warest.sandbox.signal import Identity
from warest.sandbox.store import Store

ANI, BUDI = "628110000001", "628110000002"


class Recorder(Connection):
    """A connection to nobody: it keeps what it was to send."""

    def __init__(self, network: Network, device: Device | None) -> None:
        super().__init__(network)
        self.device = device
        self.sent: list[Node] = []
        if device:
            device.connection = self

    def send_encoded(self, data: bytes) -> None:
        self.sent.append(decode(data, NO_TOKENS))


class World:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.network = Network(self.store, NO_TOKENS)
        self.ani, self.budi = self.network.add_phone(ANI, "Ani"), self.network.add_phone(BUDI, "Budi")
        self.device = self.link(self.ani)
        self.connection = Recorder(self.network, self.device)
        self.connection.active = True

    def link(self, account: Account) -> Device:
        own = Identity.generate()
        keys = (own.signed_id, own.signed.public, own.signature())
        number = account.free_device_id()
        device = Device(account, number, KeyPair.generate().public, own.key.public, own.registration, 1, "Test", *keys)
        self.network.accounts.link(device)
        return device

    def say(self, tag: str, content: "list[Node] | None" = None, **attrs: Value) -> list[Node]:
        """A stanza of the session; what it gets to hear at once."""
        self.connection.sent.clear()
        attrs = {name.rstrip("_"): value for name, value in attrs.items()}
        self.network.handle(self.connection, Node(tag, attrs, content))
        return self.connection.sent

    def violations(self) -> list[str]:
        return [violation["what"] for violation in self.network.violations.list()]

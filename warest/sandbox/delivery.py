"""Stanzas on their way to linked devices.

A message, receipt or notification stays queued until the device has answered it, and is sent again when the device
comes back: WhatsApp's offline queue.
"""

from collections import Counter

from warest.sandbox.accounts import Account, Device
from warest.sandbox.nodes import SERVER, Node, encode
from warest.sandbox.nodes import decode as decode_node
from warest.sandbox.store import Store
from warest.whatsapp.library import Tokens

_NO_TOKENS = Tokens((), ())


class Delivery:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, device: Device, stanza: Node) -> None:
        """Send now, if the device is online, and in any case until it has answered."""
        data = encode(stanza)
        key = (device.account.phone, device.id, stanza.tag, stanza.text("id"))
        if stanza.tag == "message":
            # A sender that lost its connection, or was asked for a retry, sends the same id again.
            self._store.write("delete from queue where phone = ? and device = ? and tag = ? and id = ?", *key)
        self._store.write("insert into queue (phone, device, tag, id, node) values (?, ?, ?, ?, ?)", *key, data)
        if device.connection and device.connection.active:
            device.connection.send_encoded(data)

    def post_all(self, account: Account, stanza: Node, *, but: Device | None = None) -> None:
        for device in account.devices.values():
            if device is not but:
                self.post(device, stanza)

    def pass_on(self, account: Account, stanza: Node) -> None:
        """Send to those devices that are online: for what is only true now."""
        for device in account.devices.values():
            if device.connection and device.connection.active:
                device.connection.send(stanza)

    def answered(self, device: Device, tag: str, stanza_id: str) -> None:
        """The device has dealt with the oldest stanza of this tag and id."""
        self._store.write(
            "delete from queue where seq = (select min(seq) from queue where phone = ? and device = ? and tag = ? and id = ?)",
            *(device.account.phone, device.id, tag, stanza_id),
        )

    def catch_up(self, device: Device) -> None:
        """The device has just become active: everything that it has not answered, between the two marks."""
        assert device.connection
        rows = self._store.read(
            "select tag, node from queue where phone = ? and device = ? order by seq", device.account.phone, device.id
        )
        counts = Counter(tag for tag, _ in rows)
        kinds = ("message", "notification", "receipt")
        preview = {"count": str(len(rows)), "appdata": "0"} | {kind: str(counts[kind]) for kind in kinds}
        device.connection.send(Node("ib", {"from": SERVER}, [Node("offline_preview", {**preview})]))
        for _, data in rows:
            stanza = decode_node(data, _NO_TOKENS)
            stanza.attrs["offline"] = "0"
            device.connection.send(stanza)
        device.connection.send(Node("ib", {"from": SERVER}, [Node("offline", {"count": str(len(rows))})]))

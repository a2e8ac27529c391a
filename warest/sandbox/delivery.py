"""Stanzas on their way to linked devices.

A message, receipt or notification stays queued until the device has answered it, and is sent again when the device
comes back: WhatsApp's offline queue.
"""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from warest.sandbox.accounts import Account, Device
from warest.sandbox.nodes import NO_TOKENS, SERVER, Node, decode, encode
from warest.sandbox.store import Store

if TYPE_CHECKING:
    from warest.sandbox.connection import Connection

_COUNTS = "select tag, count(*) from queue where phone = ? and device = ? group by tag"
_QUEUED = "select seq, node from queue where phone = ? and device = ? and seq > ? order by seq limit ?"
_STANZA = "phone = ? and device = ? and tag = ? and id = ?"
_PAGE = 200


class Delivery:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, device: Device, stanza: Node) -> None:
        """Send now, if the device is online, and in any case until it has answered."""
        data = encode(stanza)
        key = (device.account.phone, device.id, stanza.tag, stanza.text("id"))
        if stanza.tag == "message":
            # A sender that lost its connection, or was asked for a retry, sends the same id again.
            self._store.write(f"delete from queue where {_STANZA}", *key)
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
            f"delete from queue where seq = (select min(seq) from queue where {_STANZA})",
            *(device.account.phone, device.id, tag, stanza_id),
        )

    def catch_up(self, device: Device) -> None:
        """The device has just become active: everything that it has not answered comes between two marks.

        Page by page, so that a long queue does not stop the others; what is posted meanwhile comes behind it.
        """
        assert device.connection
        counts = Counter(dict(self._store.read(_COUNTS, device.account.phone, device.id)))
        kinds = {kind: str(counts[kind]) for kind in ("message", "notification", "receipt")}
        preview = Node("offline_preview", {"count": str(counts.total()), **kinds, "appdata": "0"})
        device.connection.send(Node("ib", {"from": SERVER}, [preview]))
        self._send_page(device, device.connection, 0, counts.total())

    def _send_page(self, device: Device, connection: "Connection", after: int, total: int) -> None:
        if device.connection is not connection:
            return  # It has gone, and will begin anew.
        rows = self._store.read(_QUEUED, device.account.phone, device.id, after, _PAGE)
        for _, data in rows:
            stanza = decode(data, NO_TOKENS)
            stanza.attrs["offline"] = "0"
            connection.send(stanza)
        if len(rows) == _PAGE:
            asyncio.get_running_loop().call_soon(self._send_page, device, connection, rows[-1][0], total)
            return
        connection.send(Node("ib", {"from": SERVER}, [Node("offline", {"count": str(total)})]))
        connection.active = True

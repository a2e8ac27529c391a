"""The stanzas of linked sessions that are no <iq>: messages, receipts, acks, presence."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from warest.ids import Jid
from warest.sandbox import channels, group_messages
from warest.sandbox.accounts import Account, Device
from warest.sandbox.groups import STATUS, group_of
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: How a receipt's type counts as the status of a message; a client that is not available says `inactive`.
_STATUS = {"": "delivered", "inactive": "delivered", "read": "read", "played": "played"}

#: Receipts that only tell the server that a copy has arrived.
_FOR_THE_SERVER = frozenset({"sender", "peer_msg", "hist_sync"})

#: Receipts for the other devices of one's own account.
_FOR_ONESELF = frozenset({"read-self", "played-self"})


def on_message(network: "Network", device: Device, stanza: Node) -> None:
    to, phone = stanza.jid("to"), device.account.phone
    ack = Node("ack", {"class": "message", "id": stanza.text("id"), "from": to, "t": str(int(time.time()))})
    if fault := network.faults.take("error_ack", phone):
        ack.attrs["error"] = str(fault.options["error"])
    elif to.is_group and group_messages.is_silenced(network, device, to):
        ack.attrs["error"] = "403"
    elif to.is_group:
        group_messages.deliver(network, device, stanza)
    elif to.server == channels.SERVER:
        try:
            network.channels.post(device.account, to, stanza)
        except Refusal as refusal:
            ack.attrs["error"] = str(refusal.code)
    elif to == STATUS.jid:
        group_messages.show_status(network, device, stanza)
    else:
        _deliver(network, device, stanza, to)
    if not network.faults.take("no_ack", phone):
        _answer(device, ack)


def _deliver(network: "Network", device: Device, stanza: Node, to: Jid) -> None:
    # After a retry receipt `to` is the device that asked, and in a copy for an own device `recipient` is the chat.
    chat = network.accounts.find(stanza.jid("recipient") if "recipient" in stanza.attrs else to)
    if chat is None:
        raise MalformedNode(f"a message to {to}, which does not exist")
    for target, enc in _copies(stanza, to):
        _carry(network, device, stanza, chat, target, enc)


def _copies(stanza: Node, to: Jid) -> list[tuple[Jid, Node]]:
    """The devices and what is for each; with a single target, as after a retry receipt, the <enc> is at the top."""
    participants = stanza.find("participants")
    if participants is None:
        return [(to, stanza.child("enc"))]
    return [(copy.jid("jid"), copy.child("enc")) for copy in participants.each("to")]


def _carry(network: "Network", sender: Device, stanza: Node, chat: Account, target: Jid, enc: Node) -> None:
    account = network.accounts.find(target)
    if account is None or account not in (chat, sender.account):
        raise MalformedNode(f"a copy for {target} of a message to {chat.lid}")
    if account is chat and network.profiles.blocks(account, sender.account):
        return  # Who is blocked does not notice.
    if target.device == 0:
        network.phones.receive(account, sender, stanza, enc)
    elif device := account.devices.get(target.device):
        network.delivery.post(device, _forwarded(sender, stanza, chat, device, enc))
    # A copy for a device that was unlinked a moment ago is dropped; a notification tells the sender.


def _forwarded(sender: Device, stanza: Node, chat: Account, target: Device, enc: Node) -> Node:
    attrs: dict[str, Value] = {"from": sender.lid, "id": stanza.text("id"), "type": stanza.text("type")}
    attrs |= {"t": str(int(time.time())), "notify": sender.account.name}
    attrs |= {name: stanza.attrs[name] for name in ("edit", "category", "push_priority") if name in stanza.attrs}
    if target.account is sender.account:
        attrs |= {"recipient": chat.lid, "peer_recipient_pn": chat.pn}
    else:
        attrs["sender_pn"] = sender.pn
    children = [enc]
    if enc.text("type") == "pkmsg":
        children.append(stanza.child("device-identity"))
    children += [child for child in stanza.children if child.tag in group_messages.ENCLOSURES]
    return Node("message", attrs, children)


def on_receipt(network: "Network", device: Device, stanza: Node) -> None:
    to, kind = stanza.jid("to"), stanza.attrs.get("type", "")
    items = stanza.find("list")
    ids = [stanza.text("id"), *(item.text("id") for item in (items.each("item") if items else ()))]
    for message_id in ids:
        network.delivery.answered(device, "message", message_id)
    if kind == "retry":
        _on_retry(network, device, stanza, _author(stanza))
    elif kind in _STATUS:
        _on_status(network, device, stanza, ids, _STATUS[str(kind)])
    elif kind in _FOR_ONESELF:
        _tell_own_devices(network, device, stanza, to)
    elif kind not in _FOR_THE_SERVER:
        raise MalformedNode(f"a receipt of the unknown type {kind!r}")
    attrs: dict[str, Value] = {"class": "receipt", "id": ids[0], "from": to}
    _answer(device, Node("ack", attrs | ({"type": kind} if kind else {})))


def _author(stanza: Node) -> Jid:
    """Whose messages a receipt is for."""
    to = stanza.jid("to")
    return stanza.jid("participant") if to.is_group or to == STATUS.jid else to


def _on_retry(network: "Network", device: Device, stanza: Node, to: Jid) -> None:
    """The device could not open a message: its sender, a phone or another session, is to encrypt it again."""
    account = network.accounts.find(to)
    if account is None:
        raise MalformedNode(f"a retry receipt to {to}, which does not exist")
    if to.device:
        if sender := account.devices.get(to.device):
            network.delivery.post(sender, _from_reader(device, stanza, "retry"))
        return
    again = stanza.child("retry")
    message_id, count = again.text("id"), again.number("count")
    if not (
        network.greeting.retry(device, message_id, count) or network.phones.retry(account, device, message_id, count)
    ):
        raise MalformedNode(f"a retry receipt for a message that {account.phone} has not sent")


def _on_status(network: "Network", device: Device, stanza: Node, ids: list[str], status: str) -> None:
    sender = network.accounts.find(_author(stanza))
    if sender is None:
        raise MalformedNode(f"a receipt to {_author(stanza)}, which does not exist")
    network.history.mark(sender, ids, status)
    kind = "" if status == "delivered" else status
    network.delivery.post_all(sender, _from_reader(device, stanza, kind), but=device)
    if kind and sender is not device.account:
        _tell_own_devices(network, device, stanza, sender.lid)


def _tell_own_devices(network: "Network", device: Device, stanza: Node, chat: Jid) -> None:
    """What one device has read the others need not show as new."""
    receipt = _from_reader(device, stanza, str(stanza.attrs.get("type", "")))
    if "participant" not in receipt.attrs:
        receipt.attrs["recipient"] = chat.account
    network.delivery.post_all(device.account, receipt, but=device)


def _from_reader(reader: Device, stanza: Node, kind: str) -> Node:
    to = stanza.jid("to")
    is_shared = to.is_group or to == STATUS.jid
    attrs: dict[str, Value] = {"from": to, "participant": reader.lid} if is_shared else {"from": reader.lid}
    attrs |= {"id": stanza.text("id"), "t": str(int(time.time()))}
    if kind:
        attrs["type"] = kind
    if "recipient" in stanza.attrs:
        attrs["recipient"] = stanza.attrs["recipient"]
    return Node("receipt", attrs, stanza.content)


def on_ack(network: "Network", device: Device, stanza: Node) -> None:
    """The device has dealt with a notification or receipt, or gives up on a message."""
    network.delivery.answered(device, stanza.text("class"), stanza.text("id"))


def on_presence(network: "Network", device: Device, stanza: Node) -> None:
    kind = stanza.attrs.get("type")
    if kind == "subscribe":
        network.presence.subscribe(device, stanza.jid("to"))
        return
    if name := stanza.attrs.get("name"):
        network.accounts.rename(device.account, str(name))
    if kind in ("available", "unavailable"):
        network.presence.announce(device.account, str(kind))
    elif kind is not None:  # Baileys tells its name without saying whether it is available.
        raise MalformedNode(f"a presence of the unknown type {kind!r}")


def on_chatstate(network: "Network", device: Device, stanza: Node) -> None:
    to = stanza.jid("to")
    chat = group_of(network, device, to) if to.is_group else network.accounts.find(to)
    if chat is None:
        raise MalformedNode(f"a chatstate to {to}, which does not exist")
    if len(stanza.children) != 1 or stanza.children[0].tag not in ("composing", "paused"):
        raise MalformedNode("a chatstate of an unknown kind")
    network.presence.write(device.account, chat, stanza.children[0])


def on_call(network: "Network", device: Device, stanza: Node) -> None:
    network.calls.on_stanza(device, stanza, network.accounts.find(stanza.jid("to")))
    _answer(device, Node("ack", {"class": "call", "id": stanza.text("id"), "from": stanza.jid("to")}))


def _answer(device: Device, stanza: Node) -> None:
    if device.connection:
        device.connection.send(stanza)


HANDLERS: dict[str, Callable[["Network", Device, Node], None]] = {
    "message": on_message,
    "receipt": on_receipt,
    "ack": on_ack,
    "presence": on_presence,
    "chatstate": on_chatstate,
    "call": on_call,
}

"""usync: questions about accounts. A query names protocols (devices, lid, contact ...) and users.

LID addressing is mandatory: before the first message to a phone number whatsmeow asks for its LID, and a number
that has none is a number without WhatsApp.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from warest.ids import PN_SERVER, Jid
from warest.sandbox.accounts import Account, Device
from warest.sandbox.nodes import MalformedNode, Node, Value

if TYPE_CHECKING:
    from warest.sandbox.network import Network


def answer(network: "Network", device: Device, iq: Node) -> list[Node]:
    usync = iq.child("usync")
    protocols = [protocol.tag for protocol in usync.child("query").children]
    if unknown := [tag for tag in protocols if tag not in _PROTOCOLS]:
        raise MalformedNode(f"usync for the unknown protocols {unknown}")
    users = [_user(network, device, user, protocols) for user in usync.child("list").each("user")]
    attrs: dict[str, Value] = {name: usync.text(name) for name in ("sid", "mode", "context")}
    results = [Node(tag) for tag in protocols]
    return [Node("usync", attrs, [Node("result", {}, results), Node("list", {}, users)])]


def _user(network: "Network", device: Device, user: Node, protocols: list[str]) -> Node:
    number = user.find("contact")
    if number is not None and "jid" not in user.attrs:
        return _user_of_number(network, device, number, protocols)
    # The answer repeats the JID as it was asked.
    account = network.accounts.find(user.jid("jid"))
    return Node("user", {"jid": user.jid("jid")}, _facts(network, device, account, protocols))


def _user_of_number(network: "Network", device: Device, number: Node, protocols: list[str]) -> Node:
    """Is this number on WhatsApp? The request says `+NUMBER` or `NUMBER@c.us`, and the answer repeats that."""
    phone = number.data.decode(errors="replace").removeprefix("+").partition("@")[0]
    pn = Jid(phone, PN_SERVER)
    account = network.accounts.find(pn)
    contact = Node("contact", {"type": "in" if account else "out"}, number.data)
    attrs: dict[str, Value] = {"jid": account.lid, "pn_jid": pn} if account else {"jid": pn}
    return Node("user", attrs, [contact, *_facts(network, device, account, protocols)])


def _facts(network: "Network", device: Device, account: Account | None, protocols: list[str]) -> list[Node]:
    if account is None:
        return []
    if "devices" in protocols:
        network.watch(device, account)
    return [fact for tag in protocols if (fact := _PROTOCOLS[tag](network, account)) is not None]


def _devices(network: "Network", account: Account) -> Node:
    devices = [Node("device", {"id": "0"})]
    devices += [
        Node("device", {"id": str(device.id), "key-index": str(device.key_index)})
        for device in account.devices.values()
    ]
    return Node("devices", {}, [Node("device-list", {}, devices)])


def _lid(network: "Network", account: Account) -> Node:
    return Node("lid", {"val": account.lid})


def _status(network: "Network", account: Account) -> Node:
    return Node("status", {"t": "0"}, account.about.encode())


def _picture(network: "Network", account: Account) -> Node | None:
    number = network.profiles.facts(account).picture_id
    return Node("picture", {"id": number}) if number else None


def _business(network: "Network", account: Account) -> Node | None:
    return network.profiles.verified_name(account)


def _nothing(network: "Network", account: Account) -> None:
    return None


_PROTOCOLS: dict[str, Callable[["Network", Account], Node | None]] = {
    "bot": _nothing,
    "business": _business,
    "contact": _nothing,
    "devices": _devices,
    "disappearing_mode": _nothing,
    "lid": _lid,
    "picture": _picture,
    "sidelist": _nothing,
    "status": _status,
    "username": _nothing,
}

"""A session's message to a group, on its way to all devices of all members; or a status, to those whom it is for."""

import time
from typing import TYPE_CHECKING

from warest.ids import Jid
from warest.sandbox.accounts import Account, Device
from warest.sandbox.groups import STATUS, Group, StatusUpdates, group_of
from warest.sandbox.nodes import MalformedNode, Node, Value

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: Children of a message that are for the receiver, beside its <enc>.
ENCLOSURES = frozenset({"biz", "bot", "meta", "reporting"})


def is_silenced(network: "Network", sender: Device, to: Jid) -> bool:
    """Whether only admins may write there, and the sender is none."""
    group = group_of(network, sender, to)
    return group.facts.announcement and not group.roles[sender.account]


def deliver(network: "Network", sender: Device, stanza: Node) -> None:
    group = group_of(network, sender, stanza.jid("to"))
    if "participant" in stanza.attrs:
        _answer_retry(network, sender, stanza, group, group.members)
        return
    shared, copies = _shared(stanza), _copies(network, stanza)
    for member in group.members:
        for number in (0, *member.devices):
            own = copies.get((member, number))
            _carry(network, sender, stanza, group, member, number, [own, shared] if own else [shared])


def show_status(network: "Network", sender: Device, stanza: Node) -> None:
    """Only to whoever is handed the key: those in the address book of whoever shows it."""
    if "participant" in stanza.attrs:
        _answer_retry(network, sender, stanza, STATUS, list(network.accounts))
        return
    shared = _shared(stanza)
    for (viewer, number), own in _copies(network, stanza).items():
        _carry(network, sender, stanza, STATUS, viewer, number, [own, shared])


def _shared(stanza: Node) -> Node:
    shared = stanza.child("enc")
    if shared.text("type") != "skmsg":
        raise MalformedNode(f"<enc type={shared.text('type')!r}> for many")
    return shared


def _copies(network: "Network", stanza: Node) -> dict[tuple[Account, int], Node]:
    """What is for single devices: the key to the rest."""
    participants = stanza.find("participants")
    found: dict[tuple[Account, int], Node] = {}
    for copy in participants.each("to") if participants else ():
        account = network.accounts.find(copy.jid("jid"))
        if account is None:
            raise MalformedNode(f"a copy for {copy.jid('jid')}, who does not exist")
        found[account, copy.jid("jid").device] = copy.child("enc")
    return found


def _answer_retry(
    network: "Network", sender: Device, stanza: Node, group: Group | StatusUpdates, members: list[Account]
) -> None:
    """For the one device that could not open it."""
    target = stanza.jid("participant")
    member = network.accounts.find(target)
    if member is None or member not in members:
        raise MalformedNode(f"a message for {target}, who is not in {group.jid}")
    _carry(network, sender, stanza, group, member, target.device, [stanza.child("enc")])


def _carry(
    network: "Network",
    sender: Device,
    stanza: Node,
    group: Group | StatusUpdates,
    member: Account,
    number: int,
    encs: list[Node],
) -> None:
    if number == 0:
        network.phones.receive_in_group(member, sender, stanza, group, encs)
    elif (device := member.devices.get(number)) and device is not sender:
        network.delivery.post(device, _forwarded(sender, stanza, group, encs))


def _forwarded(sender: Device, stanza: Node, group: Group | StatusUpdates, encs: list[Node]) -> Node:
    attrs: dict[str, Value] = {"from": group.jid, "participant": sender.lid, "participant_pn": sender.pn}
    attrs |= {"id": stanza.text("id"), "type": stanza.text("type"), "t": str(int(time.time()))}
    attrs |= {"notify": sender.account.name, "addressing_mode": "lid"}
    attrs |= {"edit": stanza.attrs["edit"]} if "edit" in stanza.attrs else {}
    children = list(encs)
    if any(enc.text("type") == "pkmsg" for enc in encs):
        children.append(stanza.child("device-identity"))
    return Node("message", attrs, children + [child for child in stanza.children if child.tag in ENCLOSURES])

"""w:g2, and the pictures of groups: what sessions ask about groups, and what they want done to them."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from warest.sandbox import group_nodes
from warest.sandbox.accounts import Account, Device
from warest.sandbox.group_deeds import FORBIDDEN, UNKNOWN
from warest.sandbox.groups import Group, new_code
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from warest.sandbox.network import Network

_CHANGES = ("add", "remove", "promote", "demote")

#: What switches a setting, and which way.
_SETTINGS = {
    "locked": ("locked", True),
    "unlocked": ("locked", False),
    "announcement": ("announcement", True),
    "not_announcement": ("announcement", False),
}

#: How long an invitation is good, s.
_INVITATION = 3 * 24 * 3600

#: What a group's picture could be fetched from, if anybody did.
_PICTURES = "https://pps.whatsapp.net/v/t61.24694-24"


def facts(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Of one group; anybody may ask for one that is none, or none of his."""
    return [group_nodes.facts(device, _own(network, device, iq), network.accounts)]


def participating(network: "Network", device: Device, iq: Node) -> list[Node]:
    """All that the account is in."""
    groups = [group for group in network.groups if device.account in group.roles]
    return [Node("groups", {}, [group_nodes.facts(device, group, network.accounts) for group in groups])]


def sub_groups(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Of a community; other groups have none."""
    community = _own(network, device, iq)
    if not community.facts.community:
        raise Refusal(UNKNOWN, "item-not-found")
    found = network.groups.of_community(community)
    return [Node("sub_groups", {}, [group_nodes.in_community(group) for group in found])]


def create(network: "Network", device: Device, iq: Node) -> list[Node]:
    wanted = iq.child("create")
    people = [each.jid("jid") for each in wanted.each("participant")]
    known = [account for jid in people if (account := network.accounts.find(jid))]
    group = network.deeds.create(device.account, wanted.text("subject"), known, str(wanted.attrs.get("key", "")))
    node = group_nodes.facts(device, group, network.accounts)
    missing = [
        Node("participant", {"jid": jid, "error": str(UNKNOWN)}) for jid in people if not network.accounts.find(jid)
    ]
    return [Node(node.tag, node.attrs, [*node.children, *missing])]


def change(network: "Network", device: Device, iq: Node) -> list[Node]:
    """add, remove, promote and demote: each participant comes back, with an error if it was not done."""
    (wanted,) = iq.children
    group = _own(network, device, iq)
    accounts = [(each.jid("jid"), network.accounts.find(each.jid("jid"))) for each in wanted.each("participant")]
    if not accounts:
        raise MalformedNode(f"<{wanted.tag}> names nobody")
    done = dict(network.deeds.change(device.account, group, wanted.tag, [known for _, known in accounts if known]))
    told = [
        _told(device, wanted.tag, known, done[known])
        if known
        else Node("participant", {"jid": jid, "error": str(UNKNOWN)})
        for jid, known in accounts
    ]
    return [Node(wanted.tag, {}, told)]


def _told(device: Device, change: str, who: Account, error: int) -> Node:
    """Whoever is not to be added can be sent an invitation, with this code."""
    node = group_nodes.participant(device, who, error=error)
    if change == "add" and error == FORBIDDEN:
        request = Node("add_request", {"code": new_code(), "expiration": str(int(time.time()) + _INVITATION)})
        return Node(node.tag, node.attrs, [request])
    return node


def subject(network: "Network", device: Device, iq: Node) -> list[Node]:
    network.deeds.rename(device.account, _own(network, device, iq), iq.child("subject").data.decode())
    return []


def description(network: "Network", device: Device, iq: Node) -> list[Node]:
    wanted, group = iq.child("description"), _own(network, device, iq)
    body = wanted.find("body")
    if (body is None) != (wanted.attrs.get("delete") == "true"):
        raise MalformedNode("<description> either has a <body> or is deleted")
    text = body.data.decode() if body else ""
    network.deeds.describe(
        device.account, group, text, wanted.text("id") if text else "", str(wanted.attrs.get("prev", ""))
    )
    return []


def setting(network: "Network", device: Device, iq: Node) -> list[Node]:
    name, value = _SETTINGS[iq.children[0].tag]
    network.deeds.set(device.account, _own(network, device, iq), name, value)
    return []


def approval(network: "Network", device: Device, iq: Node) -> list[Node]:
    state = iq.child("membership_approval_mode", "group_join").text("state")
    network.deeds.set(device.account, _own(network, device, iq), "approval", state == "on")
    return []


def ephemeral(network: "Network", device: Device, iq: Node) -> list[Node]:
    seconds = iq.children[0].number("expiration") if iq.children[0].tag == "ephemeral" else 0
    network.deeds.expire(device.account, _own(network, device, iq), seconds)
    return []


def ask_invite(network: "Network", device: Device, iq: Node) -> list[Node]:
    """The link of one's own group, or what another one's leads to."""
    wanted = iq.child("invite")
    if iq.jid("to").user:
        return [Node("invite", {"code": network.deeds.invite(device.account, _own(network, device, iq))})]
    group = network.deeds.invited(wanted.text("code"))
    return [group_nodes.facts(device, group, network.accounts)]


def use_invite(network: "Network", device: Device, iq: Node) -> list[Node]:
    """A new link for one's own group, or joining another one by its link."""
    wanted = iq.child("invite")
    if iq.jid("to").user:
        code = network.deeds.invite(device.account, _own(network, device, iq), anew=True)
        return [Node("invite", {"code": code})]
    group, waits = network.deeds.join(device.account, wanted.text("code"))
    return [Node("membership_approval_request" if waits else "group", {"jid": group.jid})]


def leave(network: "Network", device: Device, iq: Node) -> list[Node]:
    left: list[Node] = []
    for each in iq.child("leave").each("group"):
        group = network.groups.find(each.jid("id"))
        if group is None:
            raise Refusal(UNKNOWN, "item-not-found")
        network.deeds.leave(device.account, group)
        left.append(Node("group", {"id": group.jid}))
    return [Node("leave", {}, left)]


def requests(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Who would like to join; admins may know."""
    group = _own(network, device, iq)
    if not group.roles[device.account]:
        raise Refusal(FORBIDDEN, "forbidden")
    waiting = [
        Node(
            "membership_approval_request",
            group_nodes.names(device, who) | {"request_method": "invite_link", "request_time": str(at)},
        )
        for who, at in group.requests.items()
    ]
    return [Node("membership_approval_requests", {}, waiting)]


def decide(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Approve and reject; only clients other than the engine can."""
    (wanted,) = iq.child("membership_requests_action").children
    if wanted.tag not in ("approve", "reject"):
        raise MalformedNode(f"the unknown decision <{wanted.tag}>")
    people = [_account(network, each) for each in wanted.each("participant")]
    group = _own(network, device, iq)
    done = network.deeds.decide(device.account, group, people, approve=wanted.tag == "approve")
    told = [group_nodes.participant(device, who, error=error) for who, error in done]
    return [Node("membership_requests_action", {}, [Node(wanted.tag, {}, told)])]


def get_picture(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Where the picture of a group is, for those who are in it or were invited."""
    group = network.groups.find(iq.jid("target"))
    if group is None or not group.facts.picture_id:
        raise Refusal(UNKNOWN, "item-not-found")
    wanted, path = iq.child("picture"), f"/{group.facts.picture_id}.jpg"
    attrs: dict[str, Value] = {"id": group.facts.picture_id, "type": str(wanted.attrs.get("type", "image"))}
    return [Node("picture", attrs | {"url": _PICTURES + path, "direct_path": "/v/t61.24694-24" + path})]


def set_picture(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Without a <picture> there is none from now on."""
    group = network.groups.find(iq.jid("target"))
    if group is None:
        raise Refusal(UNKNOWN, "item-not-found")
    data = iq.child("picture").data if iq.children else b""
    if iq.children and not data:
        raise MalformedNode("<picture> holds no picture")
    number = network.deeds.picture(device.account, group, data)
    return [Node("picture", {"id": number})] if data else []


def _own(network: "Network", device: Device, iq: Node) -> Group:
    """One that the account is in."""
    group = network.groups.find(iq.jid("to"))
    if group is None:
        raise Refusal(UNKNOWN, "item-not-found")
    if device.account not in group.roles:
        raise Refusal(FORBIDDEN, "forbidden")
    return group


def _account(network: "Network", participant: Node) -> Account:
    account = network.accounts.find(participant.jid("jid"))
    if account is None:
        raise MalformedNode(f"nobody is {participant.jid('jid')}")
    return account


HANDLERS: dict[tuple[str, str, str], Callable[["Network", Device, Node], list[Node]]] = {
    ("w:g2", "get", "query"): facts,
    ("w:g2", "get", "participating"): participating,
    ("w:g2", "get", "sub_groups"): sub_groups,
    ("w:g2", "get", "invite"): ask_invite,
    ("w:g2", "get", "membership_approval_requests"): requests,
    ("w:g2", "set", "create"): create,
    ("w:g2", "set", "subject"): subject,
    ("w:g2", "set", "description"): description,
    ("w:g2", "set", "membership_approval_mode"): approval,
    ("w:g2", "set", "membership_requests_action"): decide,
    ("w:g2", "set", "ephemeral"): ephemeral,
    ("w:g2", "set", "not_ephemeral"): ephemeral,
    ("w:g2", "set", "invite"): use_invite,
    ("w:g2", "set", "leave"): leave,
    **{("w:g2", "set", name): change for name in _CHANGES},
    **{("w:g2", "set", name): setting for name in _SETTINGS},
}

"""Groups as nodes, with the names that each client knows accounts by (addressing.py)."""

from warest.ids import Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.groups import Group
from warest.sandbox.nodes import Node, Value


def names(device: Device, account: Account) -> dict[str, Value]:
    """Both names of somebody, for a <participant>."""
    if by_number(device):
        return {"jid": account.pn, "lid": account.lid}
    return {"jid": account.lid, "phone_number": account.pn}


def name(device: Device, account: Account) -> Value:
    return account.pn if by_number(device) else account.lid


def by_number(device: Device) -> bool:
    return bool(device.connection and device.connection.by_phone_number)


def participant(device: Device, account: Account, role: str = "", error: int = 0) -> Node:
    """`error` is why he is not what somebody wanted him to be."""
    more: dict[str, Value] = {"type": role} if role else {}
    return Node("participant", names(device, account) | more | ({"error": str(error)} if error else {}))


def facts(device: Device, group: Group, accounts: Accounts, *, with_members: bool = True) -> Node:
    """All that a member knows of a group; with its link one knows it without the members."""
    told = group.facts
    attrs: dict[str, Value] = {
        "id": group.id,
        "creator": name(device, group.creator),
        "creation": str(group.created),
        "subject": group.name,
        "s_t": str(told.named_at or group.created),
        "s_o": name(device, accounts.phone(told.named_by) if told.named_by else group.creator),
        "size": str(len(group.roles)),
        "addressing_mode": "pn" if by_number(device) else "lid",
    }
    if not by_number(device):
        attrs["creator_pn"] = group.creator.pn
    people = [participant(device, member, role) for member, role in group.roles.items()] if with_members else []
    return Node("group", attrs, [*people, *_settings(device, group, accounts)])


def _settings(device: Device, group: Group, accounts: Accounts) -> list[Node]:
    told = group.facts
    nodes = [Node(tag) for tag, is_set in (("locked", told.locked), ("announcement", told.announcement)) if is_set]
    if told.community:
        nodes.append(Node("parent", {"default_membership_approval_mode": "request_required"}))
    if told.parent:
        nodes.append(Node("linked_parent", {"jid": Jid.parse(told.parent)}))
    if told.default:
        nodes.append(Node("default_sub_group"))
    if told.approval:
        nodes.append(Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})]))
    if told.expiration:
        nodes.append(Node("ephemeral", {"expiration": str(told.expiration)}))
    if told.description:
        nodes.append(description(device, group, accounts))
    return nodes


def in_community(group: Group) -> Node:
    """What the members of a community know of its groups, whether they are in them or not."""
    told = group.facts
    attrs: dict[str, Value] = {"id": group.id, "subject": group.name, "s_t": str(told.named_at or group.created)}
    return Node("group", attrs, [Node("default_sub_group")] if told.default else None)


def description(device: Device, group: Group, accounts: Accounts) -> Node:
    told = group.facts
    attrs: dict[str, Value] = {"id": told.description_id, "t": str(told.described_at)}
    attrs["participant"] = name(device, accounts.phone(told.described_by))
    if not told.description:
        return Node("description", attrs, [Node("delete")])
    return Node("description", attrs, [Node("body", {}, told.description.encode())])

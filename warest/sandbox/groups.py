"""Groups, as far as messages need them: who is in them, and what clients ask of them."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warest.errors import InvalidInput, NotFound
from warest.ids import GROUP_SERVER, Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.refusal import Refusal
from warest.sandbox.store import Store

if TYPE_CHECKING:
    from warest.sandbox.network import Network


@dataclass(slots=True, eq=False)
class Group:
    id: str
    name: str
    creator: Account
    #: Epoch seconds.
    created: int
    members: list[Account]

    @property
    def jid(self) -> Jid:
        return Jid(self.id, GROUP_SERVER)

    @property
    def key(self) -> str:
        """Its name in the control API and in the store."""
        return str(self.jid)

    def devices(self) -> Iterator[Device]:
        """The linked sessions of all members."""
        for member in self.members:
            yield from member.devices.values()


#: Whom one writes to.
Chat = Account | Group


class Groups:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        self._by_id: dict[str, Group] = {}
        for number, name, creator, created in store.read("select * from groups order by created"):
            members = store.read("select phone from group_members where id = ? order by rowid", number)
            people = [accounts.phone(phone) for (phone,) in members]
            self._by_id[number] = Group(number, name, accounts.phone(creator), created, people)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._by_id.values())

    def create(self, name: str, by: Account, members: list[Account]) -> Group:
        if not name:
            raise InvalidInput("A group needs a name.")
        people = list(dict.fromkeys([by, *members]))
        group = Group(f"120363{secrets.randbelow(10**12):012}", name, by, int(time.time()), people)
        self._store.write("insert into groups values (?, ?, ?, ?)", group.id, name, by.phone, group.created)
        self._store.write_many("insert into group_members values (?, ?)", ((group.id, each.phone) for each in people))
        self._by_id[group.id] = group
        return group

    def find(self, jid: Jid) -> Group | None:
        return self._by_id.get(jid.user) if jid.is_group else None

    def chat(self, key: str) -> Chat:
        """The group of this address, or the phone of this number. Raises NotFound."""
        if not key.endswith(f"@{GROUP_SERVER}"):
            return self._accounts.phone(key)
        if (group := self._by_id.get(key.partition("@")[0])) is None:
            raise NotFound(f"There is no group {key}; make one with POST /groups.")
        return group


def group_of(network: "Network", device: Device, jid: Jid) -> Group:
    """One that the session's account is in."""
    group = network.groups.find(jid)
    if group is None or device.account not in group.members:
        raise MalformedNode(f"{jid} is no group that {device.account.phone} is in")
    return group


def answer(network: "Network", device: Device, iq: Node) -> list[Node]:
    """The facts of one group; anybody may ask for one that is none, or none of his."""
    group = network.groups.find(iq.jid("to"))
    if group is None or device.account not in group.members:
        raise Refusal(404, "item-not-found")
    return [_facts(device, group)]


def answer_participating(network: "Network", device: Device, iq: Node) -> list[Node]:
    """All that the account is in."""
    return [Node("groups", {}, [_facts(device, group) for group in network.groups if device.account in group.members])]


def _facts(device: Device, group: Group) -> Node:
    """With the names that the client knows accounts by (addressing.py)."""
    by_number = bool(device.connection and device.connection.by_phone_number)
    people = [
        Node(
            "participant",
            {
                **(
                    {"jid": member.pn, "lid": member.lid}
                    if by_number
                    else {"jid": member.lid, "phone_number": member.pn}
                ),
                **({"type": "superadmin"} if member is group.creator else {}),
            },
        )
        for member in group.members
    ]
    creator = group.creator.pn if by_number else group.creator.lid
    attrs: dict[str, Value] = {
        "id": group.id,
        "creator": creator,
        "creation": str(group.created),
        "subject": group.name,
    }
    attrs |= {"s_t": str(group.created), "s_o": creator, "size": str(len(people))}
    return Node("group", attrs | {"addressing_mode": "pn" if by_number else "lid"}, people)

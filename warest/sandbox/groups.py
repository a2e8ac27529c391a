"""Groups: who is in them and as what, what is set in them, and who would like to join. Here it is only kept;
group_deeds.py has what people may do, group_queries.py and group_orders.py what sessions ask and want."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from warest.errors import InvalidInput, NotFound
from warest.ids import GROUP_SERVER, Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.nodes import MalformedNode
from warest.sandbox.store import Store

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: What a member is besides; the empty text for most.
ADMIN, SUPERADMIN = "admin", "superadmin"


@dataclass(slots=True)
class Facts:
    """What can be set in a group. Times are epoch seconds; whoever set it is there by his number."""

    named_at: int = 0
    named_by: str = ""
    description: str = ""
    description_id: str = ""
    described_at: int = 0
    described_by: str = ""
    #: Only admins may change name, description and picture.
    locked: bool = False
    #: Only admins may write.
    announcement: bool = False
    #: An admin has to let people in who come by the link.
    approval: bool = False
    #: How long messages stay, s; 0: for good.
    expiration: int = 0
    #: The code in the link.
    invite: str = ""
    picture_id: str = ""
    #: A community: a group whose groups are others.
    community: bool = False
    #: The community of a group (a JID), and whether it is the one that all of that are in.
    parent: str = ""
    default: bool = False
    #: How often people have come, gone or changed.
    version: int = 0


@dataclass(slots=True, eq=False)
class Group:
    id: str
    name: str
    creator: Account
    #: Epoch seconds.
    created: int
    #: Everybody who is in it -> ADMIN, SUPERADMIN or nothing.
    roles: dict[Account, str]
    facts: Facts
    #: Who would like to join -> since when, epoch seconds.
    requests: dict[Account, int] = field(default_factory=dict)

    @property
    def jid(self) -> Jid:
        return Jid(self.id, GROUP_SERVER)

    @property
    def key(self) -> str:
        """Its name in the control API and in the store."""
        return str(self.jid)

    @property
    def members(self) -> list[Account]:
        return list(self.roles)

    def devices(self) -> Iterator[Device]:
        """The linked sessions of all members."""
        for member in self.roles:
            yield from member.devices.values()


class StatusUpdates:
    """Where everybody finds what others show for a day. It has no members: whoever shows something chooses for whom."""

    jid = Jid("status", "broadcast")
    key = str(jid)
    name = "Status"
    members: tuple[Account, ...] = ()


STATUS = StatusUpdates()

#: Whom one writes to.
Chat = Account | Group | StatusUpdates


class Groups:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        self._by_id: dict[str, Group] = {}
        phone = accounts.phone
        for number, name, creator, created, facts in store.read(
            "select id, name, creator, created, facts from groups order by created"
        ):
            members = store.read("select phone, role from group_members where id = ? order by rowid", number)
            waiting = store.read("select phone, at from group_requests where id = ? order by rowid", number)
            self._by_id[number] = Group(
                number,
                name,
                phone(creator),
                created,
                {phone(member): role for member, role in members},
                Facts(**json.loads(facts)),
                {phone(member): at for member, at in waiting},
            )

    def __iter__(self) -> Iterator[Group]:
        return iter(self._by_id.values())

    def create(self, name: str, by: Account, members: list[Account], **more: Any) -> Group:
        """`more` is what else is set in it."""
        if not name:
            raise InvalidInput("A group needs a name.")
        now = int(time.time())
        roles = {by: SUPERADMIN} | {member: "" for member in members if member is not by}
        facts = Facts(named_at=now, named_by=by.phone, invite=new_code(), **more)
        group = Group(f"120363{secrets.randbelow(10**12):012}", name, by, now, roles, facts)
        self._by_id[group.id] = group
        self._store.write(
            "insert into groups (id, name, creator, created, facts) values (?, ?, ?, ?, ?)",
            *(group.id, name, by.phone, now, json.dumps(asdict(facts))),
        )
        self.save_people(group)
        return group

    def save(self, group: Group) -> None:
        """Its name and what else is set in it."""
        facts = json.dumps(asdict(group.facts))
        self._store.write("update groups set name = ?, facts = ? where id = ?", group.name, facts, group.id)

    def save_people(self, group: Group) -> None:
        """Who is in it, and who would like to be."""
        group.facts.version += 1
        self.save(group)
        for table, people in (("group_members", group.roles), ("group_requests", group.requests)):
            self._store.write(f"delete from {table} where id = ?", group.id)
            self._store.write_many(
                f"insert into {table} values (?, ?, ?)", [(group.id, who.phone, what) for who, what in people.items()]
            )

    def of_community(self, community: Group) -> list[Group]:
        return [group for group in self if group.facts.parent == community.key]

    def picture(self, group: Group) -> bytes:
        """Nothing, if there is none."""
        return next((bytes(data) for (data,) in self._store.read(_PICTURE, group.id)), b"")

    def save_picture(self, group: Group, data: bytes) -> None:
        self._store.write("delete from group_pictures where id = ?", group.id)
        if data:
            self._store.write("insert into group_pictures values (?, ?)", group.id, data)
        self.save(group)

    def let_add(self, who: Account, addable: bool) -> None:
        """Whether others may add somebody to their groups."""
        self._store.write("delete from group_privacy where phone = ?", who.phone)
        if not addable:
            self._store.write("insert into group_privacy values (?)", who.phone)

    def is_addable(self, who: Account) -> bool:
        return not self._store.read("select phone from group_privacy where phone = ?", who.phone)

    def find(self, jid: Jid) -> Group | None:
        return self._by_id.get(jid.user) if jid.is_group else None

    def by_code(self, code: str) -> Group | None:
        """The one that this invite leads to."""
        return next((group for group in self if group.facts.invite == code), None)

    def chat(self, key: str) -> Chat:
        """The group of this address, or the phone of this number. Raises NotFound."""
        if key == STATUS.key:
            return STATUS
        return self.named(key) if key.endswith(f"@{GROUP_SERVER}") else self._accounts.phone(key)

    def named(self, key: str) -> Group:
        """The group of this address. Raises NotFound."""
        if (group := self._by_id.get(key.partition("@")[0])) is None:
            raise NotFound(f"There is no group {key}; make one with POST /groups.")
        return group


_PICTURE = "select data from group_pictures where id = ?"


def new_code() -> str:
    """Of an invite: 22 letters and digits, as WhatsApp has them."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789") for _ in range(22))


def group_of(network: "Network", device: Device, jid: Jid) -> Group:
    """One that the session's account is in."""
    group = network.groups.find(jid)
    if group is None or device.account not in group.roles:
        raise MalformedNode(f"{jid} is no group that {device.account.phone} is in")
    return group

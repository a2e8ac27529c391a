"""What people do to groups, from a phone or from a session: who may, what it changes, and who is told.

As at WhatsApp, whoever did something is told of it too, on all his sessions.
"""

import secrets
import time
from collections.abc import Callable, Iterable

from warest.ids import Jid
from warest.sandbox import group_nodes
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.delivery import Delivery
from warest.sandbox.groups import ADMIN, SUPERADMIN, Group, Groups, new_code
from warest.sandbox.nodes import Node, Value
from warest.sandbox.refusal import Refusal

#: Characters, as WhatsApp has it.
NAME_MAX, DESCRIPTION_MAX = 100, 2048

#: What the errors of WhatsApp mean here.
NOT_ALLOWED, FORBIDDEN, UNKNOWN, UNFIT, THERE_ALREADY, GONE = 401, 403, 404, 406, 409, 410

Describe = Callable[[Device], Node]


class Deeds:
    def __init__(self, groups: Groups, accounts: Accounts, delivery: Delivery) -> None:
        self._groups = groups
        self._accounts = accounts
        self._delivery = delivery

    def create(self, by: Account, name: str, members: list[Account], key: str = "") -> Group:
        """`key` is what the session that made it knows it again by."""
        self._fit(name, NAME_MAX)
        group = self._groups.create(name, by, members)
        self._welcome(group, by, group.members, {"type": "new", **({"key": key} if key else {})})
        return group

    def create_community(self, by: Account, name: str, members: list[Account], names: list[str]) -> Group:
        """With the group for announcements, which all are in, and those of these `names`."""
        for one in (name, *names):
            self._fit(one, NAME_MAX)
        community = self._groups.create(name, by, members, community=True)
        made = [self._groups.create(name, by, members, parent=community.key, default=True, announcement=True)]
        made += [self._groups.create(one, by, members, parent=community.key) for one in names]
        for group in (community, *made):
            self._welcome(group, by, group.members, {"type": "new"})
        return community

    def change(self, by: Account, group: Group, change: str, people: Iterable[Account]) -> list[tuple[Account, int]]:
        """`change` is add, remove, promote or demote. Everybody with the error that kept him from it, or 0."""
        self._admin(by, group)
        done = [(who, self._error(group, change, who)) for who in dict.fromkeys(people)]
        changed = [who for who, error in done if not error]
        told = group.members
        for who in changed:
            self._apply(group, change, who)
        if changed:
            self._groups.save_people(group)
            self._tell(group, by, told, _people(group, change, changed))
        if change == "add" and changed:
            self._welcome(group, by, changed, {"reason": "invite"})
        return done

    def _error(self, group: Group, change: str, who: Account) -> int:
        if change == "add" and who not in group.roles:
            return 0 if who in group.requests or self._groups.is_addable(who) else FORBIDDEN
        if change == "add":
            return THERE_ALREADY
        if who not in group.roles:
            return UNKNOWN
        return FORBIDDEN if change != "promote" and group.roles[who] == SUPERADMIN else 0

    def _apply(self, group: Group, change: str, who: Account) -> None:
        if change == "remove":
            del group.roles[who]
            return
        group.requests.pop(who, None)
        if change != "promote" or group.roles[who] != SUPERADMIN:
            group.roles[who] = ADMIN if change == "promote" else ""

    def leave(self, by: Account, group: Group) -> None:
        self._member(by, group)
        told = group.members
        del group.roles[by]
        self._groups.save_people(group)
        self._tell(group, by, told, _people(group, "remove", [by]))

    def rename(self, by: Account, group: Group, name: str) -> None:
        self._may_edit(by, group)
        self._fit(name, NAME_MAX)
        group.name, group.facts.named_at, group.facts.named_by = name, int(time.time()), by.phone
        self._groups.save(group)
        attrs: dict[str, Value] = {"subject": name, "s_t": str(group.facts.named_at)}
        self._tell(
            group,
            by,
            group.members,
            lambda device: Node("subject", attrs | {"s_o": group_nodes.name(device, by)}),
        )

    def describe(self, by: Account, group: Group, text: str, new_id: str = "", previous: str | None = None) -> None:
        """An empty text takes it away. `previous` is the id of the one that it replaces; of another one it is a
        conflict."""
        self._may_edit(by, group)
        if len(text) > DESCRIPTION_MAX:
            raise Refusal(UNFIT, "not-acceptable")
        facts = group.facts
        if previous is not None and previous != facts.description_id:
            raise Refusal(THERE_ALREADY, "conflict")
        facts.description, facts.described_at, facts.described_by = text, int(time.time()), by.phone
        facts.description_id = (new_id or secrets.token_hex(8).upper()) if text else ""
        self._groups.save(group)
        self._tell(group, by, group.members, lambda device: group_nodes.description(device, group, self._accounts))

    def set(self, by: Account, group: Group, setting: str, value: bool) -> None:
        """`setting` is locked, announcement or approval."""
        self._admin(by, group)
        setattr(group.facts, setting, value)
        self._groups.save(group)
        self._tell(group, by, group.members, lambda _: _setting(setting, value))

    def expire(self, by: Account, group: Group, seconds: int) -> None:
        self._admin(by, group)
        group.facts.expiration = seconds
        self._groups.save(group)
        child = Node("ephemeral", {"expiration": str(seconds)}) if seconds else Node("not_ephemeral")
        self._tell(group, by, group.members, lambda _: child)

    def invite(self, by: Account, group: Group, *, anew: bool = False) -> str:
        """The code of its link; `anew`: the one before leads nowhere from now on."""
        self._member(by, group)
        if not group.roles[by]:
            raise Refusal(NOT_ALLOWED, "not-authorized")
        if anew:
            group.facts.invite = new_code()
            self._groups.save(group)
            self._tell(group, by, group.members, lambda _: Node("invite", {"code": group.facts.invite}))
        return group.facts.invite

    def invited(self, code: str) -> Group:
        group = self._groups.by_code(code)
        if group is None:
            raise Refusal(GONE if len(code) == len(new_code()) else UNFIT, "gone")
        return group

    def join(self, who: Account, code: str) -> tuple[Group, bool]:
        """By a link: the group, and whether an admin has to let him in."""
        group = self.invited(code)
        if who in group.roles:
            raise Refusal(THERE_ALREADY, "conflict")
        if group.facts.approval:
            group.requests[who] = int(time.time())
            self._groups.save_people(group)
            admins = [member for member, role in group.roles.items() if role]
            self._tell(group, who, admins, lambda device: _request(device, who))
            return group, True
        self._enter(group, who, who, {"reason": "invite"})
        return group, False

    def decide(
        self, by: Account, group: Group, people: Iterable[Account], *, approve: bool
    ) -> list[tuple[Account, int]]:
        """Those who would like to join may, or may not."""
        self._admin(by, group)
        done = []
        for who in dict.fromkeys(people):
            waits = group.requests.pop(who, None)
            done.append((who, 0 if waits else UNKNOWN))
            if waits and approve:
                self._enter(group, by, who, {"reason": "linked_group_join"})
        self._groups.save_people(group)
        return done

    def picture(self, by: Account, group: Group, data: bytes) -> str:
        """Its id; without bytes there is none from now on."""
        self._may_edit(by, group)
        if data and not data.startswith(b"\xff\xd8\xff"):
            raise Refusal(UNFIT, "not-acceptable")
        group.facts.picture_id = str(secrets.randbelow(10**9) + 10**9) if data else ""
        self._groups.save_picture(group, data)
        for member in group.members:
            for device in member.devices.values():
                attrs: dict[str, Value] = {"jid": group.jid, "author": group_nodes.name(device, by)}
                child = Node("set", attrs | {"id": group.facts.picture_id}) if data else Node("delete", attrs)
                self._post(device, "picture", {"from": group.jid}, child)
        return group.facts.picture_id

    def _enter(self, group: Group, by: Account, who: Account, why: dict[str, Value]) -> None:
        told = group.members
        group.roles[who] = ""
        self._groups.save_people(group)
        self._tell(group, by, told, _people(group, "add", [who], why))
        self._welcome(group, by, [who], why)

    def _welcome(self, group: Group, by: Account, people: Iterable[Account], why: dict[str, Value]) -> None:
        """Whoever is new hears all about the group."""
        self._tell(
            group,
            by,
            people,
            lambda device: Node("create", dict(why), [group_nodes.facts(device, group, self._accounts)]),
        )

    def _tell(self, group: Group, by: Account, people: Iterable[Account], describe: Describe) -> None:
        for member in people:
            for device in member.devices.values():
                attrs: dict[str, Value] = {"from": group.jid, "participant": by.lid, "participant_pn": by.pn}
                self._post(device, "w:gp2", attrs | {"notify": by.name, "addressing_mode": "lid"}, describe(device))

    def _post(self, device: Device, kind: str, attrs: dict[str, Value], child: Node) -> None:
        more: dict[str, Value] = {"type": kind, "id": secrets.token_hex(8), "t": str(int(time.time()))}
        self._delivery.post(device, Node("notification", attrs | more, [child]))

    def _member(self, by: Account, group: Group) -> None:
        if by not in group.roles:
            raise Refusal(FORBIDDEN, "forbidden")

    def _admin(self, by: Account, group: Group) -> None:
        self._member(by, group)
        if not group.roles[by]:
            raise Refusal(FORBIDDEN, "forbidden")

    def _may_edit(self, by: Account, group: Group) -> None:
        (self._admin if group.facts.locked else self._member)(by, group)

    def _fit(self, name: str, most: int) -> None:
        if not 0 < len(name) <= most:
            raise Refusal(UNFIT, "not-acceptable")

    def account(self, jid: Jid) -> Account | None:
        return self._accounts.find(jid)


def _people(group: Group, change: str, people: list[Account], why: dict[str, Value] | None = None) -> Describe:
    """Versions tell one change from another of the same second."""
    versions: dict[str, Value] = {"v_id": str(group.facts.version), "prev_v_id": str(group.facts.version - 1)}
    return lambda device: Node(change, versions | (why or {}), [group_nodes.participant(device, who) for who in people])


def _setting(setting: str, value: bool) -> Node:
    match setting:
        case "locked":
            return Node("locked" if value else "unlocked")
        case "announcement":
            # Without a version the engine drops what it is told.
            return Node("announcement" if value else "not_announcement", {"v_id": str(time.time_ns())})
        case _:
            state = Node("group_join", {"state": "on" if value else "off"})
            return Node("membership_approval_mode", {}, [state])


def _request(device: Device, who: Account) -> Node:
    attrs: dict[str, Value] = {"request_method": "invite_link"}
    asks = Node("requested_user", group_nodes.names(device, who))
    return Node("created_membership_requests", attrs, [asks])

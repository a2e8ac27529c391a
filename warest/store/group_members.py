"""Who is in a stored group. Within a transaction that has the session for itself."""

from collections.abc import Iterable
from typing import Any

from warest import entities
from warest.group_commands import Member
from warest.store import fitting

#: Names of somebody, PN and LID; the empty text where one is not known.
Names = tuple[str, str]


def of(opened: entities.Entities, group: entities.Row) -> Any:
    """The query of them."""
    session, jid = group.session, group.jid
    return opened.GroupMember.select(lambda one: one.session == session and one.chat == jid)


def told(opened: entities.Entities, group: entities.Row) -> tuple[Member, ...]:
    """In the order of their addresses."""
    rows = sorted(of(opened, group), key=lambda one: str(one.jid))
    return tuple(Member(pn=one.pn, lid=one.lid, role=one.role) for one in rows)


def differ(opened: entities.Entities, group: entities.Row, members: Iterable[Member]) -> bool:
    """Whether others are known, or as something else."""
    return {(one.jid, one.role) for one in of(opened, group)} != {(_key(one), one.role) for one in members}


def replace(opened: entities.Entities, group: entities.Row, members: Iterable[Member]) -> None:
    """Those who stay keep their rows."""
    wanted = {_key(one): one for one in members}
    known = {one.jid: one for one in of(opened, group)}
    for jid in known.keys() - wanted.keys():
        known[jid].delete()
    for jid, one in wanted.items():
        names = {"pn": fitting.key(one.pn), "lid": fitting.key(one.lid), "role": one.role}
        if jid in known:
            known[jid].set(**names)
        else:
            opened.GroupMember(session=group.session, chat=group.jid, jid=jid, **names)


def moves(opened: entities.Entities, group: entities.Row, change: str, people: Iterable[Names]) -> bool:
    """Whether it would change anything."""
    known = list(of(opened, group))
    return any(_moves(_found(known, who), change) for who in people)


def move(opened: entities.Entities, group: entities.Row, change: str, people: Iterable[Names]) -> None:
    """`change`: add, remove, promote or demote. The second time it changes nothing."""
    known = list(of(opened, group))
    for pn, lid in [(fitting.key(pn), fitting.key(lid)) for pn, lid in people]:
        found = _found(known, (pn, lid))
        if change == "remove":
            if found:
                known.remove(found)
                found.delete()
            continue
        if found is None:
            names = {"jid": lid or pn, "pn": pn, "lid": lid, "role": ""}
            found = opened.GroupMember(session=group.session, chat=group.jid, **names)
            known.append(found)
        if change in ("promote", "demote"):
            found.role = (found.role or "admin") if change == "promote" else ""
    group.size = len(known)


def _moves(member: entities.Row | None, change: str) -> bool:
    if member is None:
        return change != "remove"
    return change != "add" and (change == "remove" or (change == "promote") == (not member.role))


def _found(known: list[entities.Row], who: Names) -> entities.Row | None:
    pn, lid = map(fitting.key, who)
    return next((one for one in known if one.jid in (pn, lid) or (pn and one.pn == pn)), None)


def _key(member: Member) -> str:
    return fitting.key(member.lid or member.pn)

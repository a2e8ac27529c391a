"""The engine's groups -> what the house says of them. Pure, but for the other names of people, which the engine knows.

WhatsApp names people of a group by LID or by number, as the group likes: here both are looked for, and the number
stands where there is room for one name only.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from warest import group_commands as groups
from warest.ids import LID_SERVER, PN_SERVER, Jid
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.payload import text

# neonize's protobufs publish no types.
GroupInfo = Any  #: Neonize.GroupInfo
Address = Any  #: Neonize.JID

#: The other name of an account, if the engine knows it.
OtherName = Callable[[Jid], Jid | None]

#: A time that is none, in the engine's words, is far in the past.
_NEVER = 0


def facts(info: GroupInfo, other_name: OtherName, *, with_members: bool = True) -> dict[str, Any]:
    """A GroupFacts, as an object. Without the members nobody's other name is looked for: they may be many thousands."""
    members = [member(one, other_name if with_members else _nobody) for one in info.Participants]
    known = {one.lid: one.pn for one in members if one.pn}
    people = _People(known, other_name)
    told = groups.GroupFacts(
        jid=str(jid_of(info.JID).account),
        owner=_plain(info.OwnerPN) or people.named(info.OwnerJID),
        created=_seconds(int(info.GroupCreated)),
        locked=info.GroupLocked.isLocked,
        announcement=info.GroupAnnounce.IsAnnounce,
        ephemeral=info.GroupEphemeral.DisappearingTimer if info.GroupEphemeral.IsEphemeral else 0,
        is_community=info.GroupParent.IsParent,
        is_community_announce=info.GroupIsDefaultSub.IsDefaultSubGroup,
        parent=_plain(info.GroupLinkedParent.LinkedParentJID),
        by_lid=any(one.JID.Server == LID_SERVER for one in info.Participants),
        size=len(members),
        members=tuple(members) if with_members else None,
        **_name(info.GroupName, people),
        **_description(info.GroupTopic, people),
    )
    return dataclasses.asdict(told)


def subgroup(target: Any) -> groups.Subgroup:
    """Of a Neonize.GroupLinkTarget."""
    return groups.Subgroup(
        jid=str(jid_of(target.JID).account),
        name=text(target.GroupName.Name),
        named_at=_seconds(target.GroupName.NameSetAt),
        is_announce=target.GroupIsDefaultSub.IsDefaultSubGroup,
    )


def changes(event: Any, other_name: OtherName) -> dict[str, Any]:
    """The fields of GroupFacts that a GroupInfoEvent changes, but for the members."""
    people = _People({}, other_name)
    changed: dict[str, Any] = {}
    if event.HasField("Name"):
        changed |= _name(event.Name, people)
    if event.HasField("Topic"):
        changed |= _description(event.Topic, people)
    if event.HasField("Locked"):
        changed["locked"] = event.Locked.isLocked
    if event.HasField("Announce"):
        changed["announcement"] = event.Announce.IsAnnounce
    if event.HasField("Ephemeral"):
        changed["ephemeral"] = event.Ephemeral.DisappearingTimer if event.Ephemeral.IsEphemeral else 0
    return changed


def member(participant: Any, other_name: OtherName) -> groups.Member:
    """Of a Neonize.GroupParticipant."""
    pn, lid = both_names([participant.JID, participant.PhoneNumber, participant.LID], other_name)
    role = "superadmin" if participant.IsSuperAdmin else "admin" if participant.IsAdmin else ""
    return groups.Member(pn=pn, lid=lid, role=role)


def both_names(addresses: Iterable[Address], other_name: OtherName) -> tuple[str, str]:
    """Number and LID of somebody who goes by these; the empty text where one is not known.

    Whoever goes by another kind of name, a business in the cloud say, has that in place of his number.
    """
    found = {address.Server: jid_of(address).account for address in addresses if address.User}
    pn, lid = found.get(PN_SERVER), found.get(LID_SERVER)
    if pn is None and lid is None:
        return str(next(iter(found.values()), "")), ""
    if pn is None and lid is not None:
        pn = other_name(lid)
    elif lid is None and pn is not None:
        lid = other_name(pn)
    return str(pn or ""), str(lid or "")


def _nobody(_: Jid) -> Jid | None:
    return None


class _People:
    """Whoever did something, by number where it is known."""

    def __init__(self, known: dict[str, str], other_name: OtherName) -> None:
        self._known = known
        self._other_name = other_name

    def named(self, address: Address) -> str:
        if address.Server != LID_SERVER:
            return _plain(address)
        lid = jid_of(address).account
        return self._known.get(str(lid)) or str(self._other_name(lid) or lid)


def _name(name: Any, people: _People) -> dict[str, Any]:
    return {
        "name": text(name.Name),
        "named_at": _seconds(name.NameSetAt),
        "named_by": people.named(name.NameSetBy),
    }


def _description(topic: Any, people: _People) -> dict[str, Any]:
    return {
        "description": text(topic.Topic),
        "description_id": text(topic.TopicID),
        "described_at": _seconds(topic.TopicSetAt),
        "described_by": people.named(topic.TopicSetBy),
    }


def _plain(address: Address) -> str:
    return str(jid_of(address).account) if address.User else ""


def _seconds(value: int) -> int:
    return max(value, _NEVER)

"""Groups and their people as the API shows them, under the names of the original's library (contract, endpoints.md
section 9)."""

from collections.abc import Iterable
from typing import Any

from warest import ids
from warest.group_commands import GroupFacts, Member, Subgroup
from warest.http.operation import Result

#: Who somebody is: an object with both of his names.
Names = dict[str, Any]


class GroupView(Result):
    """Times in epoch seconds. `joinApprovalMode` and `memberAddMode` are null: the engine does not tell them; of
    `creation` it tells within two minutes. `ephemeralDuration` (s) is there where messages disappear."""

    id: str
    addressingMode: str
    subject: str
    subjectOwner: str | None
    subjectTime: int
    creation: int
    owner: str | None
    desc: str | None = None
    descId: str | None = None
    descOwner: str | None = None
    descTime: int | None = None
    linkedParent: str | None = None
    restrict: bool
    announce: bool
    isCommunity: bool
    isCommunityAnnounce: bool
    joinApprovalMode: bool | None
    memberAddMode: bool | None
    ephemeralDuration: int | None = None
    participantsCount: int


class ParticipantView(Result):
    """`id` (and `jid`) is the number where it is known, else the LID; `contactId` is what stays."""

    id: str
    jid: str
    lid: str | None
    isMe: bool
    isAdmin: bool
    isSuperAdmin: bool
    pn: str | None
    contactId: str


def group(facts: GroupFacts) -> dict[str, Any]:
    described = {
        "desc": facts.description,
        "descId": facts.description_id,
        "descOwner": facts.described_by or None,
        "descTime": facts.described_at,
    }
    return {
        "id": facts.jid,
        "addressingMode": "lid" if facts.by_lid else "pn",
        "subject": facts.name,
        "subjectOwner": facts.named_by or None,
        "subjectTime": facts.named_at,
        "creation": facts.created,
        "owner": facts.owner or None,
        **(described if facts.description else {}),
        **({"linkedParent": facts.parent} if facts.parent else {}),
        "restrict": facts.locked,
        "announce": facts.announcement,
        "isCommunity": facts.is_community,
        "isCommunityAnnounce": facts.is_community_announce,
        "joinApprovalMode": None,
        "memberAddMode": None,
        **({"ephemeralDuration": facts.ephemeral} if facts.ephemeral else {}),
        "participantsCount": facts.size,
    }


def subgroup(one: Subgroup) -> dict[str, Any]:
    return {
        "id": one.jid,
        "subject": one.name,
        "subjectTime": one.named_at,
        "isCommunityAnnounce": one.is_announce,
    }


def participant(member: Member, ours: Iterable[str]) -> dict[str, Any]:
    """`ours` are the names of the session's account."""
    jid = member.pn or member.lid
    return {
        "id": jid,
        "jid": jid,
        "lid": member.lid or None,
        "isMe": not {member.pn, member.lid}.isdisjoint(ours),
        "isAdmin": member.role != "",
        "isSuperAdmin": member.role == "superadmin",
        "pn": member.pn or None,
        "contactId": member.lid or member.pn,
    }


def request(one: Names) -> dict[str, Any]:
    """By which way somebody asks, the engine does not say."""
    return {
        "jid": one["pn"] or one["lid"],
        "lid": one["lid"] or None,
        "phone": digits(one["pn"]) if one["pn"] else None,
        "requestMethod": None,
        "requestTime": one["at"],
    }


def phone(one: Names) -> str:
    """Digits: of the number where it is known, else of the LID."""
    return digits(one["pn"] or one["lid"])


def digits(jid: str) -> str:
    return ids.Jid.parse(jid).user

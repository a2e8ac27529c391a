"""/api/v1/group/invite and /api/v1/group/join-via-link.

Facts: contract, endpoints.md section 9.
"""

import re
from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest.group_commands import AskInvite, JoinGroup, PreviewGroup
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.grouping import CODES, Grouping, GroupTold, OfGroup, OfSession, OfSessionTold, group_of, required
from warest.http.operation import Answer, Word, operation

#: The parts of the host's name are shorter.
_CODE = re.compile(r"[0-9A-Za-z]{10,64}")


class Link(OfSession):
    """`inviteLink`: a link, or the code in it."""

    invite_link: Word = Field(None, validation_alias=AliasChoices("inviteLink", "link", "code"))


class InviteTold(GroupTold):
    inviteLink: str | None


class InviteRevoked(InviteTold):
    status: str


class GroupJoined(OfSessionTold):
    status: str
    groupId: str


class GroupPreview(OfSessionTold):
    """Null where the link leads nowhere. `groupPicture` is there where everybody may see it."""

    groupId: str | None
    groupName: str | None
    groupDescription: str | None
    participantsCount: int | None
    isGroupLocked: bool | None
    isAnnouncement: bool | None
    isEphemeral: bool | None
    inviteLink: str
    groupPicture: str | None = None


class Invite:
    """/api/v1/group/invite"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("The link to a group", family=Family.E1, parameters=OfGroup, result=InviteTold, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        link = self._grouping.unless_refused(place, AskInvite(jid=place.group))
        return Answer([self._grouping.told_of_group(place, inviteLink=link)], "Group invite link fetched")


class Revoke:
    """/api/v1/group/invite/revoke"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("Make the link to a group void", family=Family.E1, parameters=OfGroup, result=InviteRevoked, codes=CODES)
    def on_post(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        link = self._grouping.unless_refused(place, AskInvite(jid=place.group, anew=True))
        status = "success revoke invite link" if link else "failed"
        told = self._grouping.told_of_group(place, inviteLink=link, status=status)
        return Answer([told], "Group invite link revoked" if link else "The invite link is still valid")


class Join:
    """/api/v1/group/join-via-link"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("What a link leads to", family=Family.E1, parameters=Link, result=GroupPreview, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: Link) -> Answer:
        place = self._grouping.session(request, parameters)
        link = required(parameters.invite_link, "inviteLink")
        found = self._grouping.unless_refused(place, PreviewGroup(code=_code(link))) or {}
        told = self._grouping.told(
            place,
            groupId=found.get("jid"),
            groupName=found.get("name"),
            groupDescription=found.get("description"),
            participantsCount=found.get("size") or None,
            isGroupLocked=found.get("locked"),
            isAnnouncement=found.get("announcement"),
            isEphemeral=found["ephemeral"] > 0 if found else None,
            inviteLink=link,
            **({"groupPicture": found["picture"]} if found.get("picture") else {}),
        )
        return Answer([told], "Group info fetched from the invite link")

    @operation(
        "Join a group by its link",
        family=Family.E1,
        parameters=Link,
        result=GroupJoined,
        codes=(*CODES, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: Link) -> Answer:
        place = self._grouping.session(request, parameters)
        code = _code(required(parameters.invite_link, "inviteLink"))
        joined = self._grouping.order(place, JoinGroup(code=code), Code.DOWNSTREAM_ERROR)
        if joined["group"]:
            self._grouping.learned(place, joined["group"])
        status = "success joined group" if joined["group"] else "pending approval to join"
        told = self._grouping.told(place, status=status, groupId=joined["jid"])
        return Answer([told], "Joined the group" if joined["group"] else "An admin has to let you in")


def _code(link: str) -> str:
    """The first run of so many letters and digits. Raises Refusal."""
    found = _CODE.search(link)
    if found is None:
        raise Refusal(Code.INVALID_PARAMETER, "inviteLink is invalid")
    return found[0]


def routes(grouping: Grouping) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/group/invite", Invite(grouping)
    yield "/api/v1/group/invite/revoke", Revoke(grouping)
    yield "/api/v1/group/join-via-link", Join(grouping)

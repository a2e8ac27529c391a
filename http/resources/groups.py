"""/api/v1/groups, and whole groups below /api/v1/group: what is known of them, making, leaving and dissolving them.

Facts: contract, endpoints.md section 9; decision 38: what events keep true is not asked each time.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest.group_commands import AskSubgroups, CreateGroup, DissolveGroup, LeaveGroup, Subgroup
from warest.http import group_views
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.group_views import GroupView
from warest.http.grouping import (
    CODES,
    Asked,
    GroupDone,
    Grouping,
    GroupTold,
    OfGroup,
    OfSession,
    OfSessionTold,
    anybody_of,
    group_of,
    listed,
    required,
)
from warest.http.operation import Answer, Flag, Result, Word, operation

_PARTLY = (*CODES, Code.PARTIAL_SUCCESS)


class ListAsked(OfSession):
    """`refresh`: ask WhatsApp, whatever is known here."""

    refresh: Flag = False


class NewGroup(OfSession):
    """`participants`: numbers with their country code, or JIDs; may be missing."""

    name: Word = Field(None, validation_alias=AliasChoices("groupName", "name", "subject"))
    participants: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)


class GroupList(OfSessionTold):
    data: list[GroupView]


class OneGroup(OfSessionTold):
    data: GroupView


class GroupDissolved(GroupTold):
    """Numbers, or LIDs where those are not known."""

    removedParticipants: list[str]
    failedToRemove: list[str]
    status: str


class SubgroupView(Result):
    """`subjectTime` in epoch seconds. `isCommunityAnnounce`: the one that all of the community are in."""

    id: str
    subject: str
    subjectTime: int
    isCommunityAnnounce: bool


class Subgroups(GroupTold):
    data: list[SubgroupView]


class ListOfGroups:
    """/api/v1/groups"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("The groups of a session", family=Family.E1, parameters=ListAsked, result=GroupList, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: ListAsked) -> Answer:
        place = self._grouping.session(request, parameters)
        found = self._grouping.listed(place, refresh=parameters.refresh)
        return Answer([self._grouping.told(place, data=[group_views.group(one) for one in found])], "Groups fetched")


class Info:
    """/api/v1/group/info"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("What is known of a group", family=Family.E1, parameters=Asked, result=OneGroup, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: Asked) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        found = self._grouping.known(place, refresh=parameters.refresh)
        return Answer([self._grouping.told(place, data=group_views.group(found))], "Group info fetched")


class ListOfSubgroups:
    """/api/v1/group/subgroups; our own, the original has none"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("The groups of a community", family=Family.E1, parameters=OfGroup, result=Subgroups,
               codes=(*CODES, Code.GROUP_NOT_FOUND))  # fmt: skip
    def on_get(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        found = self._grouping.order(place, AskSubgroups(jid=place.group), Code.GROUP_NOT_FOUND)
        told = [group_views.subgroup(Subgroup(**one)) for one in found]
        return Answer([self._grouping.told_of_group(place, data=told)], "Subgroups fetched")


class Create:
    """/api/v1/group/create"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("Make a group", family=Family.E1, parameters=NewGroup, result=GroupTold, codes=CODES)
    def on_post(self, request: falcon.Request, parameters: NewGroup) -> Answer:
        name = required(parameters.name, "groupName")
        place = self._grouping.session(request, parameters)
        command = CreateGroup(name=name, participants=anybody_of(parameters.participants))
        made = self._grouping.learned(place, self._grouping.order(place, command))
        return Answer([self._grouping.told(place, groupId=made.jid)], "Group created")


class Leave:
    """/api/v1/group/leave"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("Leave a group", family=Family.E1, parameters=OfGroup, result=GroupDone, codes=_PARTLY)
    def on_post(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        if not self._grouping.is_done(place, LeaveGroup(jid=place.group)):
            failed = self._grouping.told_of_group(place, status="failed")
            return Answer([failed], "Failed to leave the group", Code.PARTIAL_SUCCESS)
        self._grouping.groups.forget(place.record.ulid, place.group)
        return Answer([self._grouping.told_of_group(place, status="success leave")], "Left the group")


class Delete:
    """/api/v1/group/delete"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation(
        "Remove everybody from a group, make its link void, and leave it",
        family=Family.E1,
        parameters=OfGroup,
        result=GroupDissolved,
        codes=_PARTLY,
    )
    def on_delete(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        done = self._grouping.order(place, DissolveGroup(jid=place.group))
        if done["others"] is not None:
            members = [group_views.digits(jid) for jid in done["others"]]
            told = self._grouping.told_of_group(place, status="not permitted", normMembers=members)
            raise Refusal(Code.FORBIDDEN, "Bot is not an admin in this group", [told])
        self._grouping.groups.forget(place.record.ulid, place.group)
        removed, failed = (list(map(group_views.phone, done[name])) for name in ("removed", "failed"))
        told = self._grouping.told_of_group(
            place, removedParticipants=removed, failedToRemove=failed, status="partial" if failed else "success"
        )
        code = Code.PARTIAL_SUCCESS if failed else Code.SUCCESS
        return Answer([told], "Group deleted", code)


def routes(grouping: Grouping) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/groups", ListOfGroups(grouping)
    yield "/api/v1/group/info", Info(grouping)
    yield "/api/v1/group/subgroups", ListOfSubgroups(grouping)
    yield "/api/v1/group/create", Create(grouping)
    yield "/api/v1/group/leave", Leave(grouping)
    yield "/api/v1/group/delete", Delete(grouping)

"""/api/v1/group/participants: who is in a group, comes, goes and becomes an admin, and who would like to join.

Facts: contract, endpoints.md section 9. The engine cannot turn anybody away who would like to join: that is 501.
"""

from collections.abc import Iterator
from typing import Any

import falcon

from warest.errors import Unsupported
from warest.group_commands import ApproveRequests, AskRequests, Change, ChangeMembers
from warest.http import group_views
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.group_views import ParticipantView
from warest.http.grouping import CODES, Asked, Grouping, GroupTold, OfGroup, People, Place, group_of, people_of
from warest.http.operation import Answer, Result, operation
from warest.http.support import BY_ADDING, NO_REJECTION

_PARTLY = (*CODES, Code.PARTIAL_SUCCESS)

#: What WhatsApp says of somebody who is not in the group.
_NOT_A_MEMBER = 404

#: And where we may not do it.
_NOT_PERMITTED = (401, 403)


class ParticipantList(GroupTold):
    participants: list[ParticipantView]


class PeopleAdded(GroupTold):
    """Numbers, or LIDs where those are not known."""

    addedParticipants: list[str]
    failedToAdd: list[str]
    status: str


class PeopleRemoved(GroupTold):
    """Numbers, or LIDs where those are not known; whoever was not in it is in neither."""

    removedParticipants: list[str]
    failedToRemove: list[str]
    status: str


class PersonRanked(Result):
    """`status`: promoted or demoted, not permitted, failed."""

    phone: str
    status: str


class PeopleRanked(GroupTold):
    participants: list[PersonRanked]
    status: str


class JoinRequestView(Result):
    """`requestTime` in epoch seconds."""

    jid: str
    lid: str | None
    phone: str | None
    requestMethod: str | None
    requestTime: int


class RequestList(GroupTold):
    joinRequests: list[JoinRequestView]


class RequestsApproved(GroupTold):
    """Numbers, or LIDs where those are not known. `via`: how the engine lets them in."""

    approvedParticipants: list[str]
    failedToApprove: list[str]
    status: str
    via: str


class _OfPeople:
    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    def _place(self, request: falcon.Request, given: People) -> tuple[Place, tuple[str, ...]]:
        group, people = group_of(given), people_of(given.participants)
        return self._grouping.place(request, given, group), people

    def _changed(self, place: Place, change: Change, people: tuple[str, ...]) -> list[dict[str, Any]]:
        """At WhatsApp, and then here; one object for each of them."""
        command = ChangeMembers(jid=place.group, change=change, participants=people)
        done: list[dict[str, Any]] = self._grouping.order(place, command)
        self._move(place, change, done)
        return done

    def _move(self, place: Place, change: str, done: list[dict[str, Any]]) -> None:
        names = [(one["pn"], one["lid"]) for one in done if not one["error"]]
        self._grouping.groups.move(place.record.ulid, place.group, change, names)


class Participants(_OfPeople):
    """/api/v1/group/participants"""

    @operation("Who is in a group", family=Family.E1, parameters=Asked, result=ParticipantList, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: Asked) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        found = self._grouping.known(place, refresh=parameters.refresh)
        ours = self._grouping.own_names(place)
        people = [group_views.participant(one, ours) for one in found.members or ()]
        told = self._grouping.told_of_group(place, participants=people)
        return Answer([told], "Group participants fetched")


class Add(_OfPeople):
    """/api/v1/group/participants/add"""

    @operation("Add people to a group", family=Family.E1, parameters=People, result=PeopleAdded, codes=_PARTLY)
    def on_post(self, request: falcon.Request, parameters: People) -> Answer:
        place, people = self._place(request, parameters)
        added, failed = _parted(self._changed(place, "add", people))
        told = self._grouping.told_of_group(
            place, addedParticipants=added, failedToAdd=failed, status=_status(added, failed)
        )
        return _answer(told, failed, "Participants added")


class Remove(_OfPeople):
    """/api/v1/group/participants/remove"""

    @operation("Remove people from a group", family=Family.E1, parameters=People, result=PeopleRemoved, codes=_PARTLY)
    def on_delete(self, request: falcon.Request, parameters: People) -> Answer:
        place, people = self._place(request, parameters)
        done = self._changed(place, "remove", people)
        removed, failed = _parted([one for one in done if one["error"] != _NOT_A_MEMBER])
        told = self._grouping.told_of_group(
            place, removedParticipants=removed, failedToRemove=failed, status=_status(removed, failed)
        )
        return _answer(told, failed, "Participants removed")


class _Rank(_OfPeople):
    def _ranked(self, request: falcon.Request, parameters: People, change: Change) -> Answer:
        place, people = self._place(request, parameters)
        done = self._changed(place, change, people)
        ranked = [{"phone": group_views.phone(one), "status": _rank(one["error"], f"{change}d")} for one in done]
        failed = [one for one in done if one["error"]]
        status = _status([one for one in done if not one["error"]], failed)
        told = self._grouping.told_of_group(place, participants=ranked, status=status)
        return _answer(told, failed, f"Participants {change}d")


class Promote(_Rank):
    """/api/v1/group/participants/promote"""

    @operation("Make people admins of a group", family=Family.E1, parameters=People, result=PeopleRanked, codes=_PARTLY)
    def on_post(self, request: falcon.Request, parameters: People) -> Answer:
        return self._ranked(request, parameters, "promote")


class Demote(_Rank):
    """/api/v1/group/participants/demote"""

    @operation("Make admins plain members", family=Family.E1, parameters=People, result=PeopleRanked, codes=_PARTLY)
    def on_post(self, request: falcon.Request, parameters: People) -> Answer:
        return self._ranked(request, parameters, "demote")


class Requests:
    """/api/v1/group/participants/requests"""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    @operation("Who would like to join a group", family=Family.E1, parameters=OfGroup, result=RequestList, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        found = self._grouping.order(place, AskRequests(jid=place.group))
        told = self._grouping.told_of_group(place, joinRequests=[group_views.request(one) for one in found])
        return Answer([told], "Join requests fetched")


class Approve(_OfPeople):
    """/api/v1/group/participants/request/approve"""

    @operation(
        "Let people join who asked to",
        family=Family.E1,
        parameters=People,
        result=RequestsApproved,
        codes=_PARTLY,
        limit=BY_ADDING,
    )
    def on_post(self, request: falcon.Request, parameters: People) -> Answer:
        place, people = self._place(request, parameters)
        done = self._grouping.order(place, ApproveRequests(jid=place.group, participants=people))
        self._move(place, "add", done)
        approved, failed = _parted(done)
        told = self._grouping.told_of_group(
            place,
            approvedParticipants=approved,
            failedToApprove=failed,
            status=_status(approved, failed),
            via="add",
        )
        return _answer(told, failed, "Join requests approved")


class Reject(_OfPeople):
    """/api/v1/group/participants/request/reject"""

    @operation(
        "Turn people away who would like to join", family=Family.E1, parameters=People, result=PeopleRanked,
        codes=(*CODES, Code.NOT_IMPLEMENTED), limit=NO_REJECTION,)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: People) -> Answer:
        self._place(request, parameters)
        raise Unsupported(NO_REJECTION.reason)


def _parted(done: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Of whom it was done, and of whom not."""
    return (
        [group_views.phone(one) for one in done if not one["error"]],
        [group_views.phone(one) for one in done if one["error"]],
    )


def _status(done: list[Any], failed: list[Any]) -> str:
    return "success" if not failed else "partial" if done else "failed"


def _rank(error: int, done: str) -> str:
    return done if not error else "not permitted" if error in _NOT_PERMITTED else "failed"


def _answer(told: dict[str, Any], failed: list[Any], message: str) -> Answer:
    if not failed:
        return Answer([told], message)
    return Answer([told], f"{message}, but not all", Code.PARTIAL_SUCCESS)


def routes(grouping: Grouping) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/group/participants", Participants(grouping)
    yield "/api/v1/group/participants/add", Add(grouping)
    yield "/api/v1/group/participants/remove", Remove(grouping)
    yield "/api/v1/group/participants/promote", Promote(grouping)
    yield "/api/v1/group/participants/demote", Demote(grouping)
    yield "/api/v1/group/participants/requests", Requests(grouping)
    yield "/api/v1/group/participants/request/approve", Approve(grouping)
    yield "/api/v1/group/participants/request/reject", Reject(grouping)

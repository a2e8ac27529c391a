"""/api/v1/group: name, description, picture, and who may write and change what.

Facts: contract, endpoints.md section 9. A picture can be removed where the engine is mended for it, else that is 501.
"""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest.group_commands import (
    AnnounceGroup,
    AskGroupPicture,
    DescribeGroup,
    GroupCommand,
    LockGroup,
    NameGroup,
    SetGroupPicture,
)
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.grouping import CODES, GroupDone, Grouping, GroupTold, OfGroup, Place, group_of, required
from warest.http.operation import Answer, Flag, Word, operation
from warest.http.portraits import Portraits
from warest.http.support import REMOVAL
from warest.profile_commands import HidePicture

_REFUSED = (*CODES, Code.DOWNSTREAM_ERROR)


class Named(OfGroup):
    name: Word = Field(None, validation_alias=AliasChoices("groupName", "name", "subject"))


class Described(OfGroup):
    """An empty `groupDescription` takes it away."""

    text: Word = Field(None, validation_alias=AliasChoices("groupDescription", "description", "desc"))


class Locked(OfGroup):
    """Only admins may change name, description and picture."""

    locked: Flag = False


class Announced(OfGroup):
    """Only admins may write."""

    announcement: Flag = False


class Pictured(OfGroup):
    """`picture`: a URL, a data URI or base64."""

    picture: Word = Field(None, validation_alias=AliasChoices("picture", "image", "photo", "avatar"))


class NameTold(GroupTold):
    groupName: str
    status: str


class DescriptionTold(GroupTold):
    groupDescription: str
    status: str


class PictureTold(GroupTold):
    pictureUrl: str | None


class PictureSet(PictureTold):
    status: str


class _Setting:
    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping

    def _set(
        self, place: Place, command: GroupCommand, fields: dict[str, Any], failed: Code = Code.INTERNAL_ERROR
    ) -> None:
        """At WhatsApp, and then here: whoever asks at once finds it."""
        self._grouping.order(place, command, failed)
        self._grouping.groups.change(place.record.ulid, place.group, fields)

    def _us(self, place: Place) -> str:
        """Who did it. When, WhatsApp's event says: a clock of ours that is fast would hold up the changes of others."""
        return next(iter(self._grouping.own_names(place)), "")


class Name(_Setting):
    """/api/v1/group/name"""

    @operation("Name a group", family=Family.E1, parameters=Named, result=NameTold, codes=_REFUSED)
    def on_post(self, request: falcon.Request, parameters: Named) -> Answer:
        group = group_of(parameters, "groupId")
        name = required(parameters.name, "groupName")
        place = self._grouping.place(request, parameters, group)
        fields = {"name": name, "named_by": self._us(place)}
        self._set(place, NameGroup(jid=group, name=name), fields, Code.DOWNSTREAM_ERROR)
        told = self._grouping.told_of_group(place, groupName=name, status="success update group name")
        return Answer([told], "Group name updated")


class Description(_Setting):
    """/api/v1/group/description"""

    @operation("Describe a group", family=Family.E1, parameters=Described, result=DescriptionTold, codes=_REFUSED)
    def on_post(self, request: falcon.Request, parameters: Described) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        text = parameters.text or ""
        fields = {"description": text, "described_by": self._us(place)}
        self._set(place, DescribeGroup(jid=place.group, text=text), fields, Code.DOWNSTREAM_ERROR)
        status = "success update group description"
        told = self._grouping.told_of_group(place, groupDescription=text, status=status)
        return Answer([told], "Group description updated")


class Lock(_Setting):
    """/api/v1/group/locked"""

    @operation(
        "Who may change what is set in a group", family=Family.E1, parameters=Locked, result=GroupDone, codes=CODES
    )
    def on_post(self, request: falcon.Request, parameters: Locked) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        command = LockGroup(jid=place.group, locked=parameters.locked)
        self._set(place, command, {"locked": parameters.locked})
        status = "success locked group" if parameters.locked else "success unlocked group"
        return Answer([self._grouping.told_of_group(place, status=status)], "Group lock updated")


class Announcement(_Setting):
    """/api/v1/group/announcement"""

    @operation("Who may write in a group", family=Family.E1, parameters=Announced, result=GroupDone, codes=CODES)
    def on_post(self, request: falcon.Request, parameters: Announced) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        command = AnnounceGroup(jid=place.group, announcement=parameters.announcement)
        self._set(place, command, {"announcement": parameters.announcement})
        told = self._grouping.told_of_group(place, status="success set announcement mode")
        return Answer([told], "Group announcement mode updated")


class Picture:
    """/api/v1/group/picture"""

    def __init__(self, grouping: Grouping, portraits: Portraits) -> None:
        self._grouping = grouping
        self._portraits = portraits

    @operation("The picture of a group", family=Family.E1, parameters=OfGroup, result=PictureTold, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        return Answer([self._grouping.told_of_group(place, pictureUrl=self._url(place))], "Group picture fetched")

    @operation(
        "Give a group a picture",
        family=Family.E1,
        parameters=Pictured,
        result=PictureSet,
        codes=(*_REFUSED, Code.SERVICE_UNAVAILABLE, Code.TIMEOUT),
    )
    def on_post(self, request: falcon.Request, parameters: Pictured) -> Answer:
        group, picture = group_of(parameters), required(parameters.picture, "picture")
        place = self._grouping.place(request, parameters, group)
        key = self._portraits.spooled(picture)
        try:
            self._grouping.order(place, SetGroupPicture(jid=group, file=key), Code.DOWNSTREAM_ERROR)
        except Refusal:
            self._portraits.drop(key)
            raise
        told = self._grouping.told_of_group(place, pictureUrl=self._url(place), status="success update group picture")
        return Answer([told], "Group picture updated")

    @operation(
        "Take a group's picture away", family=Family.E1, parameters=OfGroup, result=GroupDone,
        codes=(*CODES, Code.PARTIAL_SUCCESS, Code.NOT_IMPLEMENTED), limit=REMOVAL,)  # fmt: skip
    def on_delete(self, request: falcon.Request, parameters: OfGroup) -> Answer:
        place = self._grouping.place(request, parameters, group_of(parameters))
        try:
            self._grouping.order(place, HidePicture(jid=place.group), Code.DOWNSTREAM_ERROR)
        except Refusal:
            told = self._grouping.told_of_group(place, status="failed")
            return Answer([told], "Group picture not removed", Code.PARTIAL_SUCCESS)
        told = self._grouping.told_of_group(place, status="success delete group picture")
        return Answer([told], "Group picture removed")

    def _url(self, place: Place) -> Any:
        return self._grouping.unless_refused(place, AskGroupPicture(jid=place.group))


def routes(grouping: Grouping, portraits: Portraits) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/group/name", Name(grouping)
    yield "/api/v1/group/description", Description(grouping)
    yield "/api/v1/group/locked", Lock(grouping)
    yield "/api/v1/group/announcement", Announcement(grouping)
    yield "/api/v1/group/picture", Picture(grouping, portraits)

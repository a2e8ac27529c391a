"""/api/v1/channels: following what others post to many. Our own; the original has none."""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids
from warest.commands import FollowChannel
from warest.http.acting import Act, Acting, ChatActed, Place
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, operation
from warest.http.sending import Tokens

_CODES = (Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.CHAT_NOT_FOUND, Code.QUEUED)


class OfChannel(Act):
    """`channelId`: the address of a channel, `...@newsletter`."""

    to: Tokens = Field((), validation_alias=AliasChoices("channelId", "to"), examples=["120363041234567890@newsletter"])  # type: ignore[assignment]


class Follow:
    """/api/v1/channels/follow"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation("Follow a channel", family=Family.E2, parameters=OfChannel, result=ChatActed, codes=_CODES)
    def on_post(self, request: falcon.Request, parameters: OfChannel) -> Answer:
        place = _place(self._acting, request, parameters)
        synced = self._acting.order(place, FollowChannel(jid=place.chat, follows=True), Code.CHAT_NOT_FOUND)
        return Answer([self._acting.entry(place, "channel followed success", synced=synced)], "Channel followed")


class Unfollow:
    """/api/v1/channels/unfollow"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation("Follow a channel no longer", family=Family.E2, parameters=OfChannel, result=ChatActed, codes=_CODES)
    def on_post(self, request: falcon.Request, parameters: OfChannel) -> Answer:
        place = _place(self._acting, request, parameters)
        synced = self._acting.order(place, FollowChannel(jid=place.chat, follows=False), Code.CHAT_NOT_FOUND)
        return Answer([self._acting.entry(place, "channel unfollowed success", synced=synced)], "Channel unfollowed")


def _place(acting: Acting, request: falcon.Request, given: OfChannel) -> Place:
    place = acting.chat(request, given)
    if ids.Jid.parse(place.chat).server != ids.CHANNEL_SERVER:
        raise Refusal(Code.INVALID_PARAMETER, "This is no channelId: it ends in @newsletter")
    return place


def routes(acting: Acting) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/channels/follow", Follow(acting)
    yield "/api/v1/channels/unfollow", Unfollow(acting)

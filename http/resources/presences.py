"""Presence by itself, without a message: being seen to be there, to write, and asking who is there.

Beyond the contract. What is heard of others comes as `presence_update`.
"""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import Field

from warest.contact_commands import BeSeen, ShowWriting, WatchPresence
from warest.http.acting import Acting
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.resources.chats import ChatReading
from warest.http.resources.profile import CODES, OfSession, Profile
from warest.http.sessions import phone_of
from warest.presence_words import state_of

#: What everybody sees, and what is seen in one chat.
_OF_ONESELF, _IN_A_CHAT = ("available", "unavailable"), ("composing", "recording", "paused")

_CHAT_CODES = (
    Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.BAD_REQUEST, Code.SEND_FAILED,
    Code.QUEUED,
)  # fmt: skip


class Seen(OfSession):
    """`presence`: available or unavailable (online, offline)."""

    presence: Word = Field(None, examples=["available"])


class Shown(Result):
    phone: str | None
    presence: str = Field(examples=["available"])


class Writing(ChatReading):
    """`presence`: composing, recording or paused, or one of the words that sends take for them (typing, voice)."""

    presence: Word = Field(None, examples=["composing"])


class InChat(Result):
    sessionId: str
    phone: str | None
    chatId: str
    presence: str = Field(examples=["composing"])


class Watched(Result):
    """From now on, for as long as the session stays online."""

    sessionId: str
    phone: str | None
    chatId: str
    subscribed: bool


class OwnPresence:
    """/api/v1/profile/presence"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation("Be seen to be online, or not", family=Family.E1, parameters=Seen, result=Shown, codes=CODES)
    def on_post(self, request: falcon.Request, parameters: Seen) -> Answer:
        record, state = self._profile.session(request, parameters)
        presence = _wanted(parameters.presence, _OF_ONESELF)
        self._profile.ask(record, BeSeen(available=presence == "available"))
        return Answer([Shown(phone=phone_of(state), presence=presence).model_dump()], "Presence updated")


class ChatPresence:
    """/api/v1/chats/{chatId}/presence"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Show in a chat that one writes, speaks, or has stopped",
        family=Family.E3,
        parameters=Writing,
        result=InChat,
        codes=_CHAT_CODES,
    )
    def on_post(self, request: falcon.Request, parameters: Writing, chatId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        presence = _wanted(parameters.presence, _IN_A_CHAT)
        self._acting.order(place, ShowWriting(chat=place.chat, presence=presence), Code.SEND_FAILED)
        return Answer(self._acting.told_of_chat(place) | {"presence": presence}, "Presence shown")


class PresenceWatch:
    """/api/v1/chats/{chatId}/presence/subscribe"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Be told when somebody is there, and when no longer",
        family=Family.E3,
        parameters=ChatReading,
        result=Watched,
        codes=_CHAT_CODES,
    )
    def on_post(self, request: falcon.Request, parameters: ChatReading, chatId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        if place.is_group:
            raise Refusal(Code.INVALID_PARAMETER, "A group has no presence")
        self._acting.order(place, WatchPresence(jid=place.chat), Code.SEND_FAILED)
        return Answer(self._acting.told_of_chat(place) | {"subscribed": True}, "Presence subscribed")


def _wanted(word: str | None, known: tuple[str, ...]) -> str:
    if not word:
        raise Refusal(Code.MISSING_PARAMETER, "presence is required")
    if (state := state_of(word)) not in known:
        raise Refusal(Code.INVALID_PARAMETER, f"presence must be {', '.join(known[:-1])} or {known[-1]}")
    return state


def routes(profile: Profile, acting: Acting) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/profile/presence", OwnPresence(profile)
    yield "/api/v1/chats/{chatId}/presence", ChatPresence(acting)
    yield "/api/v1/chats/{chatId}/presence/subscribe", PresenceWatch(acting)

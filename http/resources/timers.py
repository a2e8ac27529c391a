"""How long messages stay: in a chat, and in those that begin later. Beyond the contract."""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import Field

from warest.contact_commands import TIMERS, SetDefaultTimer, SetTimer
from warest.http.acting import Acting
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.resources.chats import ChatReading
from warest.http.resources.profile import CODES, OfSession, Profile
from warest.http.sessions import phone_of

_WORDS = dict(zip(("off", "24h", "7d", "90d"), TIMERS, strict=True))


class ChatTimer(ChatReading):
    """`duration`: 0, 86400, 604800 or 7776000 seconds, or off, 24h, 7d, 90d."""

    duration: Word = Field(None, examples=["7d"])


class DefaultTimer(OfSession):
    __doc__ = ChatTimer.__doc__

    duration: Word = Field(None, examples=["7d"])


class ChatTimed(Result):
    """`ephemeralExpiry` in seconds."""

    sessionId: str
    phone: str | None
    chatId: str
    ephemeralExpiry: int = Field(examples=[604_800])


class Timed(Result):
    __doc__ = ChatTimed.__doc__

    phone: str | None
    ephemeralExpiry: int = Field(examples=[604_800])


class DisappearingInChat:
    """/api/v1/chats/{chatId}/disappearing"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Have the messages of a chat disappear after a time, or stay",
        family=Family.E3,
        parameters=ChatTimer,
        result=ChatTimed,
        codes=(
            Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.BAD_REQUEST,
            Code.SEND_FAILED, Code.QUEUED,
        ),
    )  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: ChatTimer, chatId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        seconds = _seconds(parameters.duration)
        self._acting.order(place, SetTimer(chat=place.chat, seconds=seconds), Code.SEND_FAILED)
        return Answer(self._acting.told_of_chat(place) | {"ephemeralExpiry": seconds}, "Disappearing messages updated")


class DisappearingByDefault:
    """/api/v1/profile/disappearing"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation(
        "Have the messages of new chats disappear after a time, or stay",
        family=Family.E1,
        parameters=DefaultTimer,
        result=Timed,
        codes=CODES,
    )
    def on_post(self, request: falcon.Request, parameters: DefaultTimer) -> Answer:
        record, state = self._profile.session(request, parameters)
        seconds = _seconds(parameters.duration)
        self._profile.ask(record, SetDefaultTimer(seconds=seconds))
        told = Timed(phone=phone_of(state), ephemeralExpiry=seconds)
        return Answer([told.model_dump()], "Default for disappearing messages updated")


def _seconds(word: str | None) -> int:
    """One of TIMERS."""
    if not word:
        raise Refusal(Code.MISSING_PARAMETER, "duration is required")
    known = _WORDS | {str(seconds): seconds for seconds in TIMERS}
    if (seconds := known.get(word.strip().lower())) is None:
        raise Refusal(Code.INVALID_PARAMETER, f"duration must be {', '.join(map(str, TIMERS))} or {', '.join(_WORDS)}")
    return seconds


def routes(profile: Profile, acting: Acting) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/chats/{chatId}/disappearing", DisappearingInChat(acting)
    yield "/api/v1/profile/disappearing", DisappearingByDefault(profile)

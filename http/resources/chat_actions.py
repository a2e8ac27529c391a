"""/api/v1/messages/action: what is done to a whole chat. WhatsApp tells nobody but the account's own devices."""

from collections.abc import Iterator
from typing import Annotated, Any

import falcon
from pydantic import BeforeValidator

from warest.commands import Action, ArchiveChat, ClearChat, MuteChat
from warest.http.acting import Act, Acting, ChatActed, Place, until
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, operation
from warest.http.support import APP_STATE

_CODES = (Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.QUEUED)

#: Minutes of a mute: 30 days at most.
_SHORTEST, _LONGEST, _USUAL = 1, 43_200, 60


def _minutes(value: object) -> int | None:
    """None: this is no number. One beyond the bounds counts as the bound."""
    if value == "":
        return _USUAL
    try:
        return min(_LONGEST, max(_SHORTEST, int(float(str(value)))))
    except (ValueError, OverflowError):
        return None


class Mute(Act):
    """`duration` in minutes, 30 days at most."""

    duration: Annotated[int | None, BeforeValidator(_minutes)] = _USUAL


class _Action:
    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def _done(self, place: Place, command: Action, word: str) -> Answer:
        synced = self._acting.order(place, command)
        return Answer([self._acting.entry(place, f"chat {word} success", synced=synced)], f"Chat {word}")


class MuteTheChat(_Action):
    """/api/v1/messages/action/mute"""

    @operation(
        "Mute a chat for a time",
        family=Family.E2,
        parameters=Mute,
        result=ChatActed,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Mute) -> Answer:
        place = self._acting.chat(request, parameters)
        if parameters.duration is None:
            raise Refusal(Code.INVALID_PARAMETER, "duration is a number of minutes")
        return self._done(place, MuteChat(chat=place.chat, until=until(parameters.duration)), "muted")


class UnmuteTheChat(_Action):
    """/api/v1/messages/action/unmute"""

    @operation(
        "Unmute a chat",
        family=Family.E2,
        parameters=Act,
        result=ChatActed,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Act) -> Answer:
        place = self._acting.chat(request, parameters)
        return self._done(place, MuteChat(chat=place.chat, until=0), "unmuted")


class ArchiveTheChat(_Action):
    """/api/v1/messages/action/archive"""

    @operation(
        "Put a chat into the archive",
        family=Family.E2,
        parameters=Act,
        result=ChatActed,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Act) -> Answer:
        place = self._acting.chat(request, parameters)
        command = ArchiveChat(chat=place.chat, archived=True, last=self._acting.last_of(place))
        return self._done(place, command, "archived")


class UnarchiveTheChat(_Action):
    """/api/v1/messages/action/unarchive"""

    @operation(
        "Take a chat out of the archive",
        family=Family.E2,
        parameters=Act,
        result=ChatActed,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Act) -> Answer:
        place = self._acting.chat(request, parameters)
        command = ArchiveChat(chat=place.chat, archived=False, last=self._acting.last_of(place))
        return self._done(place, command, "unarchived")


class ClearTheChat(_Action):
    """/api/v1/messages/action/clear-all"""

    @operation(
        "Delete all messages of a chat",
        family=Family.E2,
        parameters=Act,
        result=ChatActed,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_delete(self, request: falcon.Request, parameters: Act) -> Answer:
        """One chat, whatever the path says, on one's own devices."""
        place = self._acting.chat(request, parameters)
        return self._done(place, ClearChat(chat=place.chat, last=self._acting.last_of(place)), "cleared")


def routes(acting: Acting) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/messages/action/mute", MuteTheChat(acting)
    yield "/api/v1/messages/action/unmute", UnmuteTheChat(acting)
    yield "/api/v1/messages/action/archive", ArchiveTheChat(acting)
    yield "/api/v1/messages/action/unarchive", UnarchiveTheChat(acting)
    yield "/api/v1/messages/action/clear-all", ClearTheChat(acting)

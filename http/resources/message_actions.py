"""/api/v1/messages/{messageId}/action: what is done to one message.

What goes out as a message is written into the database by the session's process (whatsapp/reports.py), like all that
it sends; the rest is written when it is done (own_annals.py).
"""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import DeleteForMe, Edit, MarkRead, React, Revoke, Star
from warest.http.acting import Act, Acted, Acting, Place
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Flag, Word, operation
from warest.http.resources.messages import mentioned_in
from warest.http.support import APP_STATE
from warest.store import ChatNews

_CODES = (
    Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.BAD_REQUEST, Code.QUEUED,
)  # fmt: skip


class Reaction(Act):
    __doc__ = Act.__doc__

    emoji: Word = None


class Deletion(Act):
    """`withMedia`: the file of the message goes, too."""

    with_media: Flag = Field(True, alias="withMedia")


class Revocation(Act):
    """`deleteForMe`: it does not even stay as deleted on our own devices."""

    delete_for_me: Flag = Field(False, alias="deleteForMe")


class Change(Act):
    """`message` is the new text; who is in it as `@number` is mentioned."""

    message: Word = Field(None, validation_alias=AliasChoices("message", "text"))


class _Action:
    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def _answer(self, place: Place, message: str, status: str, *, synced: bool) -> Answer:
        return Answer([self._acting.entry(place, f"{status} success", synced=synced)], message)


class StarMessage(_Action):
    """/api/v1/messages/{messageId}/action/star"""

    @operation(
        "Star a message",
        family=Family.E2,
        parameters=Act,
        result=Acted,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Act, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        return self._answer(place, "Message starred", "message starred", synced=_starred(self._acting, place, True))


class UnstarMessage(_Action):
    """/api/v1/messages/{messageId}/action/unstar"""

    @operation(
        "Take the star from a message",
        family=Family.E2,
        parameters=Act,
        result=Acted,
        codes=_CODES,
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Act, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        return self._answer(
            place, "Message unstarred", "message unstarred", synced=_starred(self._acting, place, False)
        )


class ReactToMessage(_Action):
    """/api/v1/messages/{messageId}/action/reaction"""

    @operation(
        "React to a message",
        family=Family.E2,
        parameters=Reaction,
        result=Acted,
        codes=(*_CODES, Code.REACTION_FAILED),
    )
    def on_post(self, request: falcon.Request, parameters: Reaction, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        if not parameters.emoji:
            raise Refusal(Code.MISSING_PARAMETER, "Emoji is required")
        command = React(key=place.key(ours=False), emoji=parameters.emoji)
        synced = self._acting.order(place, command, Code.REACTION_FAILED)
        return self._answer(place, "Reaction applied", "reaction applied", synced=synced)


class UnreactToMessage(_Action):
    """/api/v1/messages/{messageId}/action/unreaction"""

    @operation(
        "Take a reaction back", family=Family.E2, parameters=Act, result=Acted, codes=(*_CODES, Code.REACTION_FAILED)
    )
    def on_post(self, request: falcon.Request, parameters: Act, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        synced = self._acting.order(place, React(key=place.key(ours=False), emoji=""), Code.REACTION_FAILED)
        return self._answer(place, "Reaction removed", "reaction removed", synced=synced)


class DeleteMessage(_Action):
    """/api/v1/messages/{messageId}/action/delete"""

    @operation(
        "Delete a message on one's own devices",
        family=Family.E2,
        parameters=Deletion,
        result=Acted,
        codes=(*_CODES, Code.MESSAGE_DELETE_FAILED),
        limit=APP_STATE,
    )
    def on_delete(self, request: falcon.Request, parameters: Deletion, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        synced = _deleted(self._acting, place, ours=False, with_media=parameters.with_media)
        return self._answer(place, "Message deleted for me", "message deleted", synced=synced)


class RevokeMessage(_Action):
    """/api/v1/messages/{messageId}/action/revoke"""

    @operation(
        "Delete a message for everybody",
        family=Family.E2,
        parameters=Revocation,
        result=Acted,
        codes=(*_CODES, Code.MESSAGE_DELETE_FAILED),
    )
    def on_post(self, request: falcon.Request, parameters: Revocation, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        synced = self._acting.order(place, Revoke(key=place.key(ours=True)), Code.MESSAGE_DELETE_FAILED)
        if parameters.delete_for_me:
            synced = _deleted(self._acting, place, ours=True, with_media=True)
        return self._answer(place, "Message revoked", "message revoked", synced=synced)


class EditMessage(_Action):
    """/api/v1/messages/{messageId}/action/edit"""

    @operation(
        "Change the text of a message",
        family=Family.E2,
        parameters=Change,
        result=Acted,
        codes=(*_CODES, Code.MESSAGE_EDIT_NOT_ALLOWED),
    )
    def on_post(self, request: falcon.Request, parameters: Change, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        if not parameters.message:
            raise Refusal(Code.MISSING_PARAMETER, "Message text is required")
        key = place.key(ours=True)
        if not key.from_me:
            raise Refusal(Code.MESSAGE_EDIT_NOT_ALLOWED, "Only one's own messages can be edited")
        text = texts.as_whatsapp(parameters.message)
        command = Edit(key=key, text=text, mentions=self._acting.jids(mentioned_in(text)))
        synced = self._acting.order(place, command, Code.MESSAGE_EDIT_NOT_ALLOWED)
        return self._answer(place, "Message edited", "message edited", synced=synced)


class MarkMessageRead(_Action):
    """/api/v1/messages/{messageId}/action/mark-as-read"""

    @operation(
        "Tell a message's sender that it was read",
        family=Family.E2,
        parameters=Act,
        result=Acted,
        codes=(*_CODES, Code.MESSAGE_NOT_FOUND),
    )
    def on_post(self, request: falcon.Request, parameters: Act, messageId: str) -> Answer:
        place = self._acting.message(request, parameters, messageId)
        key = place.key(ours=False)
        if place.is_group and not key.from_me and not key.participant:
            raise Refusal(Code.MESSAGE_NOT_FOUND, "Who wrote this message in the group is not known here")
        synced = True
        if not key.from_me:  # of our own nobody waits to hear it
            command = MarkRead(chat=place.chat, ids=(messageId,), sender=key.participant or place.chat)
            synced = self._acting.order(place, command)
            self._note(place)
        return self._answer(place, "Message marked as read", "message read", synced=synced)

    def _note(self, place: Place) -> None:
        """With the newest message the whole chat is read."""
        chat = self._acting.store.chats.get(place.account, place.record.ulid, place.stored_in)
        if chat and place.stored and place.stored.ts >= chat.last_message_ts:
            self._acting.store.chats.put(place.record.ulid, [ChatNews(jid=chat.jid, unread=0)])


def _starred(acting: Acting, place: Place, starred: bool) -> bool:
    return acting.order(place, Star(key=place.key(ours=False), starred=starred))


def _deleted(acting: Acting, place: Place, *, ours: bool, with_media: bool) -> bool:
    command = DeleteForMe(key=place.key(ours=ours), with_media=with_media)
    return acting.order(place, command, Code.MESSAGE_DELETE_FAILED)


def routes(acting: Acting) -> Iterator[tuple[str, Any]]:
    one = "/api/v1/messages/{messageId}/action"
    yield f"{one}/star", StarMessage(acting)
    yield f"{one}/unstar", UnstarMessage(acting)
    yield f"{one}/reaction", ReactToMessage(acting)
    yield f"{one}/unreaction", UnreactToMessage(acting)
    yield f"{one}/delete", DeleteMessage(acting)
    yield f"{one}/revoke", RevokeMessage(acting)
    yield f"{one}/edit", EditMessage(acting)
    yield f"{one}/mark-as-read", MarkMessageRead(acting)

"""/api/v1/chats/{chatId}: read, pin, and the pin of a message in it.

Facts: contract, endpoints.md section 8.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Any

import falcon

from warest.commands import MarkChatRead, MarkRead, PinChat, PinMessage
from warest.http.acting import Acting, Place, key_of
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, operation
from warest.http.resources.chats import ChatReading, Choice, number
from warest.http.support import APP_STATE
from warest.store import Message

#: Messages that one call marks at most.
CAP = 10_000

#: Receipts that go out in one message to WhatsApp.
_AT_ONCE = 500

_DAY = 86_400

_CODES = (Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.QUEUED)


class Marking(ChatReading):
    """The newest `messages` of the others (500 at most), or, if that is 0, those of the last `days` (365 at most, 1; 0:
    all of them)."""

    messages: Annotated[int, number(0, 500, 0)] = 0
    days: Annotated[int, number(0, 365, 1)] = 1


class Marked(Result):
    """`synced`: the account's other devices were told, too."""

    sessionId: str
    phone: str | None
    chatId: str
    totalMarked: int
    mode: str
    parameters: dict[str, int]
    marked: list[dict[str, Any]]
    synced: bool


class Pin(ChatReading):
    pin: Choice = None


class Pinned(Result):
    """`synced`: the account's other devices, or the others in the chat, were told. `updatedAt` in epoch seconds."""

    sessionId: str
    phone: str | None
    chatId: str
    pinned: bool
    message: str
    updatedAt: int
    synced: bool


class PinnedMessage(Pinned):
    __doc__ = Pinned.__doc__

    messageId: str


class ReadChat:
    """/api/v1/chats/{chatId}/read"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Mark messages of a chat as read",
        family=Family.E3,
        parameters=Marking,
        result=Marked,
        codes=(*_CODES, Code.NOTHING_TO_MARK),
    )
    def on_post(self, request: falcon.Request, parameters: Marking, chatId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        messages = self._messages(place, parameters)
        if not messages:
            raise Refusal(Code.NOTHING_TO_MARK, "No inbound messages available to mark as read")
        synced = self._mark(place, messages)
        by_count = parameters.messages > 0
        span = f"the last {parameters.days} day(s)" if parameters.days else "all days"
        words = f"the last {len(messages)} inbound message(s)" if by_count else f"inbound messages in {span}"
        result = self._acting.told_of_chat(place) | {
            "totalMarked": len(messages),
            "mode": "by_messages" if by_count else "by_days",
            "parameters": {"messages": parameters.messages, "days": parameters.days},
            "marked": [{"id": each.id, "fromMe": False, "timestamp": each.ts} for each in messages],
            **({"partial": {"capped": True, "cap": CAP}} if len(messages) == CAP else {}),
            "synced": synced,
        }
        return Answer(result, f"Marked {words} as read")

    def _messages(self, place: Place, wanted: Marking) -> list[Message]:
        start = None
        if not wanted.messages and wanted.days:
            start = int(time.time()) - wanted.days * _DAY
        page = self._acting.store.messages.page(
            place.account,
            place.record.ulid,
            self._acting.stored_chat(place),
            start=start,
            from_me=False,
            limit=wanted.messages or CAP,
        )
        return page.rows

    def _mark(self, place: Place, messages: list[Message]) -> bool:
        """A receipt names whose messages it is about. Whether the other devices of the account were told, too."""
        by_sender: dict[str, list[str]] = defaultdict(list)
        for message in messages:
            by_sender[message.sender if place.is_group else place.chat].append(message.id)
        for sender, ids in by_sender.items():
            for begin in range(0, len(ids), _AT_ONCE):
                some = tuple(ids[begin : begin + _AT_ONCE])
                self._acting.order(place, MarkRead(chat=place.chat, ids=some, sender=sender))
        last = key_of(messages[0], place.chat)
        return self._acting.order(place, MarkChatRead(chat=place.chat, read=True, last=last))


class PinTheChat:
    """/api/v1/chats/{chatId}/pin"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Keep a chat above the others, or not",
        family=Family.E3,
        parameters=Pin,
        result=Pinned,
        codes=(*_CODES, Code.MESSAGE_PIN_NOT_ALLOWED),
        limit=APP_STATE,
    )
    def on_post(self, request: falcon.Request, parameters: Pin, chatId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        if parameters.pin is None:
            raise Refusal(Code.MISSING_PARAMETER, "Missing chatId or pin flag")
        command = PinChat(chat=place.chat, pinned=parameters.pin)
        synced = self._acting.order(place, command, Code.MESSAGE_PIN_NOT_ALLOWED)
        return _pinned(self._acting, place, "chat", parameters.pin, synced)


class PinTheMessage:
    """/api/v1/chats/{chatId}/messages/{messageId}/pin"""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    @operation(
        "Pin a message in its chat, for a week, or unpin it",
        family=Family.E3,
        parameters=Pin,
        result=PinnedMessage,
        codes=(*_CODES, Code.INVALID_PARAMETER, Code.MESSAGE_PIN_NOT_ALLOWED),
    )
    def on_post(self, request: falcon.Request, parameters: Pin, chatId: str, messageId: str) -> Answer:
        place = self._acting.chat_named(request, parameters.session_id, parameters.phone, chatId)
        place = self._acting.with_message(place, messageId)
        if parameters.pin is None:
            raise Refusal(Code.MISSING_PARAMETER, "Missing chatId or pin flag")
        command = PinMessage(key=place.key(ours=False), pin=parameters.pin)
        synced = self._acting.order(place, command, Code.MESSAGE_PIN_NOT_ALLOWED)
        return _pinned(self._acting, place, "message", parameters.pin, synced)


def _pinned(acting: Acting, place: Place, what: str, pin: bool, synced: bool) -> Answer:
    done = f"{what} {'pinned' if pin else 'unpinned'}"
    result = acting.told_of_chat(place) | {
        "pinned": pin,
        "message": f"{done} successfully",
        "updatedAt": int(time.time()),
        **({"messageId": place.message_id} if place.message_id else {}),
        "synced": synced,
    }
    return Answer(result, done.capitalize())


def routes(acting: Acting) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/chats/{chatId}/read", ReadChat(acting)
    yield "/api/v1/chats/{chatId}/pin", PinTheChat(acting)
    yield "/api/v1/chats/{chatId}/messages/{messageId}/pin", PinTheMessage(acting)

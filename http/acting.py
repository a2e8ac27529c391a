"""What all routes have in common that do something to a message or a chat.

Facts: contract, endpoints.md section 7. The session comes first, then whom it is about, then the rest.
"""

import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import falcon
from pydantic import Field

from warest import ids, own_annals
from warest.bus import Bus
from warest.commands import Action, Key
from warest.config.settings import Settings
from warest.errors import WhatsAppRefused
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Parameters, Result, Word
from warest.http.resources.chats import chat_of
from warest.http.sending import Tokens
from warest.http.sessions import SessionAccess, phone_of
from warest.states import States
from warest.store import Account, Message, SessionRecord, Store

#: What the engine calls messages that it sends begins so. One that was sent just now may be on its way into the
#: database: it is waited for so long, s, by so many requests of a process at the same time.
_OF_THE_ENGINE, PATIENCE, WAITERS = "3EB0", 1.0, 8

#: What WhatsApp calls messages has neither blanks, by which the engine joins them, nor a zero byte, where it ends them.
_MESSAGE_ID = re.compile(r"[!-~]{1,128}")


class Act(Parameters):
    """`to` is one number or JID: whose chat it is."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None
    to: Tokens = ()  # type: ignore[assignment]


class ChatActed(Result):
    """`phone` is the session's number. `synced`: the account's other devices were told; false: it is so here only."""

    sessionId: str
    phone: str | None
    to: str
    toJid: str
    status: str
    synced: bool


class Acted(ChatActed):
    __doc__ = ChatActed.__doc__

    messageId: str


@dataclass(frozen=True)
class Place:
    """A chat (a JID) of a session, and the message in it, if it is about one; `stored` is what is known of that."""

    account: Account
    record: SessionRecord
    chat: str
    message_id: str = ""
    stored: Message | None = None

    @property
    def stored_in(self) -> str:
        """Under which of the other one's names it is stored."""
        return self.stored.chat if self.stored else self.chat

    @property
    def is_group(self) -> bool:
        return ids.Jid.parse(self.chat).is_group

    def key(self, *, ours: bool) -> Key:
        """`ours` is what is taken for granted of a message that is not known here."""
        if self.stored is None:
            return Key(chat=self.chat, id=self.message_id, from_me=ours)
        return key_of(self.stored, self.chat)


class Acting:
    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, states: States, store: Store) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._states = states
        self.store = store
        self._waiters = threading.BoundedSemaphore(WAITERS)

    def chat(self, request: falcon.Request, given: Act) -> Place:
        return self._place(request, given, "Missing destination")

    def message(self, request: falcon.Request, given: Act, message_id: str) -> Place:
        return self.with_message(self._place(request, given, "Missing destination or messageId"), message_id)

    def chat_named(self, request: falcon.Request, name: str | None, phone: str | None, chat: str) -> Place:
        """The chat that a path names."""
        account: Account = request.context.account
        record = self._access.open(account, name, phone)
        return Place(account, record, chat_of(chat, self._settings.country_code))

    def with_message(self, place: Place, message_id: str) -> Place:
        if not _MESSAGE_ID.fullmatch(message_id):
            raise Refusal(Code.INVALID_PARAMETER, "This is no messageId")
        return Place(place.account, place.record, place.chat, message_id, self._known(place, message_id))

    def order(self, place: Place, command: Action, failed: Code = Code.INTERNAL_ERROR) -> bool:
        """Have the session do it, and know it here; whether it is synced. `failed` is for what WhatsApp refuses."""
        try:
            answer: dict[str, Any] = self._bus.call(place.record.ulid, command, self._settings.command_timeout)
        except WhatsAppRefused as error:
            raise Refusal(failed, error.message) from error
        stored = place.stored_in if place.message_id else self.stored_chat(place)
        own_annals.remember(self.store, place.record.ulid, stored, command)
        return bool(answer["synced"])

    def told_of_chat(self, place: Place) -> dict[str, Any]:
        """What the answers of the chats' routes begin with."""
        phone = phone_of(self._states.get(place.record.ulid))
        return {"sessionId": place.record.id, "phone": phone, "chatId": place.chat}

    def entry(self, place: Place, status: str, *, synced: bool) -> dict[str, Any]:
        return {
            "sessionId": place.record.id,
            "phone": phone_of(self._states.get(place.record.ulid)),
            "to": ids.Jid.parse(place.chat).user,
            "toJid": place.chat,
            **({"messageId": place.message_id} if place.message_id else {}),
            "status": status,
            "synced": synced,
        }

    def last_of(self, place: Place) -> Key | None:
        """The newest message of a chat, as far as it is known here."""
        page = self.store.messages.page(place.account, place.record.ulid, self.stored_chat(place), limit=1)
        return key_of(page.rows[0], place.chat) if page.rows else None

    def stored_chat(self, place: Place) -> str:
        """A chat is stored under the number of the other one, where it is known."""
        if ids.Jid.parse(place.chat).is_lid:
            contact = self.store.contacts.find(place.account, place.record.ulid, place.chat)
            return contact.pn if contact and contact.pn else place.chat
        return place.chat

    def jids(self, tokens: list[str]) -> tuple[str, ...]:
        return tuple(map(str, ids.recipients(tokens, self._settings.country_code)))

    def _place(self, request: falcon.Request, given: Act, missing: str) -> Place:
        account: Account = request.context.account
        record = self._access.open(account, given.session_id, given.phone)
        to = self.jids(list(given.to))
        if not to:
            raise Refusal(Code.MISSING_PARAMETER, missing)
        if len(to) > 1:
            raise Refusal(Code.INVALID_PARAMETER, "Only one destination at a time")
        return Place(account, record, to[0])

    def _known(self, place: Place, message_id: str) -> Message | None:
        """Whoever has just sent a message may do something to it at once."""
        found = self._find(place, message_id)
        if found or not message_id.startswith(_OF_THE_ENGINE) or not self._waiters.acquire(blocking=False):
            return found
        try:
            deadline = time.monotonic() + PATIENCE
            while found is None and time.monotonic() < deadline:
                time.sleep(PATIENCE / 20)
                found = self._find(place, message_id)
            return found
        finally:
            self._waiters.release()

    def _find(self, place: Place, message_id: str) -> Message | None:
        chats = {place.chat, self.stored_chat(place)}
        found = self.store.messages.find(place.account, place.record.ulid, message_id)
        return next((message for message in found if message.chat in chats), None)


def key_of(message: Message, chat: str) -> Key:
    """A message that is known here, in its chat by the name that the caller uses."""
    is_theirs = ids.Jid.parse(chat).is_group and not message.from_me
    return Key(
        chat=chat,
        id=message.id,
        from_me=message.from_me,
        participant=message.sender if is_theirs else "",
        timestamp=message.ts,
    )


def until(minutes: int) -> int:
    """Epoch seconds."""
    return int(time.time()) + minutes * 60

"""/api/v1/chats: what is stored of conversations.

Facts: contract, endpoints.md section 8; quirk Q17 for what the original's parameters should have done.
"""

from typing import Annotated, ClassVar
from urllib.parse import unquote

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest.config.settings import Settings
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.message_views import MessageView, MessageViews
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess, phone_of
from warest.http.times import moment
from warest.ids import LID_SERVER, PN_SERVER, recipient
from warest.states import States
from warest.store import SORTS, Account, Chat, Contact, Store

_YES, _NO = {"true", "1", "yes", "y", "on"}, {"false", "0", "no", "n", "off"}


def _choice(value: object) -> bool | None:
    """Yes, no, or not said."""
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def number(low: int, high: int, otherwise: int) -> BeforeValidator:
    """A number of this range; whatever is none counts as not said."""

    def read(value: object) -> int:
        try:
            return min(high, max(low, int(float(str(value)))))
        except (ValueError, OverflowError):
            return otherwise

    return BeforeValidator(read)


Choice = Annotated[bool | None, BeforeValidator(_choice)]
Moment = Annotated[int | None, BeforeValidator(moment)]
Offset = Annotated[int, number(0, 2**53, 0)]


class ChatReading(Parameters):
    """The session whose chats they are, by its name or its number."""

    query_first: ClassVar[bool] = True

    session_id: Word = Field(None, validation_alias=AliasChoices("sessionId", "session", "id"))
    phone: Word = None


class ChatsAsked(ChatReading):
    """`sortBy`: lastMessage, name, id or unreadCount; `search` stands in the name or the JID."""

    limit: Annotated[int, number(1, 500, 10)] = 10
    offset: Offset = 0
    has_media: Choice = Field(None, alias="hasMedia")
    is_group: Choice = Field(None, alias="isGroup")
    is_unread: Choice = Field(None, alias="isUnread")
    sort_by: Word = Field("lastMessage", alias="sortBy")
    sort_order: Word = Field("desc", alias="sortOrder")
    search: Word = None


class MessagesAsked(ChatReading):
    """`startTime`, `endTime`: ISO dates, or epoch seconds or milliseconds. `search` stands in the text."""

    limit: Annotated[int, number(1, 500, 20)] = 20
    offset: Offset = 0
    start: Moment = Field(None, alias="startTime")
    end: Moment = Field(None, alias="endTime")
    media_only: Choice = Field(None, alias="mediaOnly")
    from_me: Choice = Field(None, alias="isFromMe")
    search: Word = None


class ChatInfo(Result):
    """Times in epoch seconds; `ephemeralExpiry` is how long messages stay, s, 0 for good."""

    jid: str
    name: str | None
    lastMessage: str | None
    isGroup: bool
    unreadCount: int
    lastMessageTimestamp: int
    ephemeralExpiry: int
    createdAt: int
    updatedAt: int


class ChatEntry(Result):
    """Times in epoch seconds; `ephemeralExpiry` is how long messages stay, s, 0 for good. `pn` and `lid` are the two
    names of the other one, where known, `contactId` the one that stays."""

    id: str
    jid: str
    displayName: str
    name: str | None
    isGroup: bool
    unreadCount: int
    lastMessage: str | None
    lastMessageTimestamp: int
    ephemeralExpiry: int
    createdAt: int
    updatedAt: int
    archived: bool
    pinned: bool
    mutedUntil: int
    pn: str | None
    lid: str | None
    contactId: str


class Pagination(Result):
    limit: int
    offset: int
    total: int


class ChatList(Result):
    sessionId: str
    phone: str | None
    data: list[ChatEntry]
    pagination: Pagination


class MessageList(Result):
    sessionId: str
    phone: str | None
    data: list[MessageView]
    pagination: Pagination
    chatInfo: ChatInfo | None


class ChatListResource:
    """/api/v1/chats"""

    def __init__(self, access: SessionAccess, states: States, store: Store) -> None:
        self._access = access
        self._states = states
        self._store = store

    @operation(
        "The chats of a session, newest first",
        family=Family.E3,
        parameters=ChatsAsked,
        result=ChatList,
        codes=(Code.SESSION_NOT_FOUND,),
    )
    def on_get(self, request: falcon.Request, parameters: ChatsAsked) -> Answer:
        account: Account = request.context.account
        record = self._access.linked(account, parameters.session_id, parameters.phone)
        page = self._store.chats.page(
            account,
            record.ulid,
            search=parameters.search or "",
            is_group=parameters.is_group,
            is_unread=parameters.is_unread,
            has_media=parameters.has_media,
            sort=parameters.sort_by if parameters.sort_by in SORTS else "lastMessage",
            descending=(parameters.sort_order or "").lower() != "asc",
            limit=parameters.limit,
            offset=parameters.offset,
        )
        contacts = self._store.contacts.find_many(account, record.ulid, [chat.jid for chat in page.rows])
        told = ChatList(
            sessionId=record.id,
            phone=phone_of(self._states.get(record.ulid)),
            data=[_entry(chat, contacts.get(chat.jid)) for chat in page.rows],
            pagination=Pagination(limit=parameters.limit, offset=parameters.offset, total=page.total),
        )
        return Answer(told.model_dump(), "Chats list fetched")


class ChatMessagesResource:
    """/api/v1/chats/{chatId}/messages"""

    def __init__(
        self, access: SessionAccess, states: States, store: Store, views: MessageViews, settings: Settings
    ) -> None:
        self._access = access
        self._states = states
        self._store = store
        self._views = views
        self._settings = settings

    @operation(
        "The messages of a chat, newest first",
        family=Family.E3,
        parameters=MessagesAsked,
        result=MessageList,
        codes=(Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.BAD_REQUEST),
    )
    def on_get(self, request: falcon.Request, parameters: MessagesAsked, chatId: str) -> Answer:
        account: Account = request.context.account
        record = self._access.linked(account, parameters.session_id, parameters.phone)
        chat = chat_of(chatId, self._settings.country_code)
        page = self._store.messages.page(
            account,
            record.ulid,
            chat,
            start=parameters.start,
            end=parameters.end,
            media_only=bool(parameters.media_only),
            from_me=parameters.from_me,
            search=parameters.search or "",
            limit=parameters.limit,
            offset=parameters.offset,
        )
        known = self._store.chats.get(account, record.ulid, chat)
        told = MessageList(
            sessionId=record.id,
            phone=phone_of(self._states.get(record.ulid)),
            data=self._views.of(record.ulid, page.rows),
            pagination=Pagination(limit=parameters.limit, offset=parameters.offset, total=page.total),
            chatInfo=_info(known) if known else None,
        )
        return Answer(told.model_dump(), "Messages list fetched")


def chat_of(text: str, country_code: str) -> str:
    """A chat as it stands in a path: a JID, or a number."""
    found = recipient(unquote(text), country_code)
    if found is None:
        raise Refusal(Code.MISSING_PARAMETER, "Missing chatId")
    return str(found)


def _entry(chat: Chat, contact: Contact | None) -> ChatEntry:
    name = chat.name or (contact and (contact.name or contact.notify or contact.verified_name)) or None
    info = _info(chat).model_dump() | {"name": name}
    pn = (contact and contact.pn) or (chat.jid if chat.jid.endswith(f"@{PN_SERVER}") else "")
    lid = (contact and contact.lid) or (chat.jid if chat.jid.endswith(f"@{LID_SERVER}") else "")
    return ChatEntry(
        id=chat.jid,
        displayName=name or chat.jid.partition("@")[0],
        archived=chat.archived,
        pinned=chat.pinned,
        mutedUntil=chat.muted_until,
        pn=pn or None,
        lid=lid or None,
        contactId=lid or chat.jid,
        **info,
    )


def _info(chat: Chat) -> ChatInfo:
    return ChatInfo(
        jid=chat.jid,
        name=chat.name or None,
        lastMessage=chat.last_message or None,
        isGroup=chat.is_group,
        unreadCount=chat.unread,
        lastMessageTimestamp=chat.last_message_ts,
        ephemeralExpiry=chat.ephemeral,
        createdAt=int(chat.created_at),
        updatedAt=int(chat.updated_at),
    )

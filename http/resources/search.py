"""/api/v1/messages/search: stored messages by their words. Not in the original."""

from typing import Annotated

import falcon
from pydantic import AliasChoices, Field

from warest.config.settings import Settings
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.message_views import MessageView, MessageViews
from warest.http.operation import Answer, Word, operation
from warest.http.resources.chats import ChatReading, Offset, chat_of, number
from warest.http.sessions import SessionAccess
from warest.store import Account, Store


class Sought(ChatReading):
    """`query`: all its words have to be in the text, and each may be the beginning of a longer one. `chatId`: in it
    only."""

    query: Word = Field(None, validation_alias=AliasChoices("query", "q", "search", "text"))
    chat: Word = Field(None, alias="chatId")
    limit: Annotated[int, number(1, 100, 20)] = 20
    offset: Offset = 0


class SearchResource:
    """/api/v1/messages/search"""

    def __init__(self, access: SessionAccess, settings: Settings, store: Store, views: MessageViews) -> None:
        self._access = access
        self._settings = settings
        self._store = store
        self._views = views

    @operation(
        "Find messages by their words, the newest first",
        family=Family.E2,
        parameters=Sought,
        result=MessageView,
        codes=(Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER),
    )
    def on_get(self, request: falcon.Request, parameters: Sought) -> Answer:
        account: Account = request.context.account
        record = self._access.linked(account, parameters.session_id, parameters.phone)
        if not parameters.query:
            raise Refusal(Code.MISSING_PARAMETER, "query is required")
        chat = chat_of(parameters.chat, self._settings.country_code) if parameters.chat else ""
        found = self._store.search.messages(
            account, record.ulid, parameters.query, chat=chat, limit=parameters.limit, offset=parameters.offset
        )
        return Answer([view.model_dump() for view in self._views.of(record.ulid, found)], "Messages found")

"""/api/v1/events: all that the caller's sessions have told, page by page or while it happens. Not in the original."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import falcon
import orjson
from pydantic import AliasChoices, Field

from warest import events, ids
from warest.chronicle import Chronicle, Wanted
from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.event_streams import EventStreams, Peer
from warest.http.operation import Access, Answer, Bytes, Parameters, Result, ServerSentEvents, Word, operation
from warest.http.resources.chats import number
from warest.http.resources.webhooks import NAMES
from warest.store import Account, EventRecord, Store

#: The cursor of those who want nothing of the past.
NOW = "now"

#: No session is called so: what a key sees whose sessions have gone. (No name at all would be every session.)
_NONE = frozenset({""})

_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Listening(Parameters):
    """`after`: a cursor, or `now`. `session` and `types`: several with commas between them; without, all."""

    query_first: ClassVar[bool] = True

    after: Word = Field(None, examples=["1795341713000-0"])
    session: Word = Field(None, validation_alias=AliasChoices("session", "sessionId"), examples=["me"])
    types: Word = Field(None, examples=["message_received,message_reaction"])


class Asked(Listening):
    limit: Annotated[int, number(1, 500, 100)] = 100


class EventView(Result):
    """`ts` in epoch milliseconds; `body` is what a webhook gets."""

    cursor: str = Field(examples=["1795341713000-0"])
    eventId: str = Field(examples=["evt_01KC2D9S4H0000000000000000"])
    event: str = Field(examples=[events.MESSAGE_RECEIVED])
    session: str = Field(examples=["me"])
    ts: int = Field(examples=[1_795_341_713_000])
    body: dict[str, Any]


class EventPage(Result):
    """The oldest first. `next` is the cursor to go on with; `hasMore`: at once, for there may be more already."""

    items: list[EventView]
    next: str = Field(examples=["1795341713000-0"])
    hasMore: bool


class EventsResource:
    """/api/v1/events"""

    def __init__(self, chronicle: Chronicle, store: Store) -> None:
        self._chronicle = chronicle
        self._store = store

    @operation(
        "What has happened, the oldest first",
        family=Family.E1,
        parameters=Asked,
        result=EventPage,
        codes=(Code.INVALID_PARAMETER,),
    )
    def on_get(self, request: falcon.Request, parameters: Asked) -> Answer:
        wanted = _wanted(self._store, request.context.account, parameters)
        cursor = _cursor(self._chronicle, parameters.after or ids.cursor_text(0))
        found = self._chronicle.after(cursor, wanted, parameters.limit)
        items = [_view(row) for row in found.rows]
        page = {"items": items, "next": ids.cursor_text(found.reached), "hasMore": found.has_more}
        return Answer([page], "Events fetched")


class EventResource:
    """/api/v1/events/{eventId}"""

    def __init__(self, chronicle: Chronicle, store: Store) -> None:
        self._chronicle = chronicle
        self._store = store

    @operation("One event", family=Family.E1, result=EventView, codes=(Code.NOT_FOUND,))
    def on_get(self, request: falcon.Request, _: Parameters, eventId: str) -> Answer:
        account: Account = request.context.account
        row = self._chronicle.get(account.registry, eventId)
        if row is None or not _may_see(self._store, account, row.session):
            raise Refusal(Code.NOT_FOUND, "Event not found")
        return Answer([_view(row)], "Event fetched")


class EventStreamResource:
    """/api/v1/events/stream"""

    def __init__(self, chronicle: Chronicle, store: Store, streams: EventStreams) -> None:
        self._chronicle = chronicle
        self._store = store
        self._streams = streams

    @operation(
        "What happens, as server-sent events, while it happens",
        family=Family.E1,
        access=Access.READER,
        parameters=Listening,
        result=ServerSentEvents,
        codes=(Code.INVALID_PARAMETER, Code.SSE_UNAVAILABLE),
    )
    def on_get(self, request: falcon.Request, parameters: Listening) -> Bytes:
        """Browsers that come again repeat the query, and say in a header how far they got."""
        wanted = _wanted(self._store, request.context.account, parameters)
        cursor = _cursor(self._chronicle, request.get_header("Last-Event-ID") or parameters.after or NOW)
        if getattr(request.context, "is_head", False):
            return Bytes(200, _STREAM)
        peer = Peer(request.env.get("gunicorn.socket"))
        stream = self._streams.open(self._chronicle, wanted, cursor, peer, request.context.may_go_on)
        return Bytes(200, _STREAM, stream)


def routes(chronicle: Chronicle, store: Store, streams: EventStreams) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/events", EventsResource(chronicle, store)
    yield "/api/v1/events/stream", EventStreamResource(chronicle, store, streams)
    yield "/api/v1/events/{eventId}", EventResource(chronicle, store)


def _cursor(chronicle: Chronicle, given: str) -> int:
    try:
        return chronicle.end() if given == NOW else ids.cursor_number(given)
    except InvalidInput:
        raise Refusal(Code.INVALID_PARAMETER, f"after must be a cursor that was given out, or {NOW}") from None


def _may_see(store: Store, account: Account, session: str) -> bool:
    return account.only is None or store.session_of(account, session) is not None


def _wanted(store: Store, account: Account, parameters: Listening) -> Wanted:
    types = _listed(parameters.types)
    if unknown := types - NAMES:
        raise Refusal(Code.INVALID_PARAMETER, f"There are no events of type {', '.join(sorted(unknown))[:100]}")
    sessions = _listed(parameters.session)
    if account.only is not None:
        own = {record.id for record in store.sessions_of(account)}
        sessions = frozenset(own & sessions if sessions else own) or _NONE
    return Wanted(account.registry, sessions, types)


def _listed(words: str | None) -> frozenset[str]:
    return frozenset(filter(None, (word.strip() for word in (words or "").split(","))))


def _view(row: EventRecord) -> dict[str, Any]:
    return {
        "cursor": ids.cursor_text(row.id),
        "eventId": row.event_id,
        "event": row.event,
        "session": row.session,
        "ts": row.ts_ms,
        "body": orjson.Fragment(row.body),
    }

"""/api/v1/webhooks/deliveries and what belongs to it: what went where, and sending it again."""

import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import falcon
import orjson
from pydantic import BeforeValidator, Field

from warest import keys
from warest.http import endpoint_views as views
from warest.http.codes import Code
from warest.http.endpoint_views import DeliveryDetails, DeliveryLog, DeliveryView
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.resources.chats import number
from warest.http.resources.webhooks import Webhooks
from warest.http.times import moment
from warest.store import Account, DeliveryRecord
from warest.store.deliveries import DEAD

Moment = Annotated[int | None, BeforeValidator(moment)]
State = Literal["pending", "delivered", "dead"]


class Span(Parameters):
    """`since`, `until`: only events of that time, as an ISO date or in epoch seconds or milliseconds."""

    since: Moment = None
    until: Moment = None


class LogQuery(Span):
    """`state`, `event`, `eventId`, `endpointId`, `sessionId`: only such. `cursor`: the `next` of the page before."""

    __doc__ = f"{__doc__} {Span.__doc__}"
    query_first: ClassVar[bool] = True

    session_id: Word = Field(None, alias="sessionId")
    endpoint_id: Word = Field(None, alias="endpointId")
    event: Word = None
    event_id: Word = Field(None, alias="eventId")
    state: State | None = None
    cursor: Word = None
    limit: Annotated[int, number(1, 200, 50)] = 50


class Again(Span):
    """`state` (dead), `event`: only such."""

    __doc__ = f"{__doc__} {Span.__doc__}"

    state: State = DEAD  # type: ignore[assignment]
    event: Word = None


class Ordered(Result):
    """How many deliveries go out."""

    ordered: int


class Replaying(Result):
    """`status` is `queued`: the log shows how far it is."""

    endpointId: str
    since: int
    until: int
    status: str


class Log:
    """/api/v1/webhooks/deliveries"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "What went to which endpoint, and what came of it",
        family=Family.E1,
        parameters=LogQuery,
        result=DeliveryLog,
        codes=(Code.SESSION_NOT_FOUND,),
    )
    def on_get(self, request: falcon.Request, asked: LogQuery) -> Answer:
        account: Account = request.context.account
        named = self._shared.access.known(account, asked.session_id, None).ulid if asked.session_id else None
        log = self._shared.store.deliveries.log(
            account,
            session=named,
            endpoint=asked.endpoint_id,
            event=asked.event,
            event_id=asked.event_id,
            state=asked.state,
            since=asked.since,
            until=asked.until,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        names = self._shared.names(account)
        return Answer([{"items": [views.delivery(row, names) for row in log.rows], "next": log.cursor}], "OK")


class One:
    """/api/v1/webhooks/deliveries/{deliveryId}"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "A delivery, with all attempts and the event",
        family=Family.E1,
        result=DeliveryDetails,
        codes=(Code.NOT_FOUND,),
    )
    def on_get(self, request: falcon.Request, _: Parameters, deliveryId: str) -> Answer:
        account: Account = request.context.account
        record = _known(self._shared, account, deliveryId)
        event = self._shared.store.events.get(account.registry, record.event_id)
        told = views.delivery(record, self._shared.names(account)) | {
            "attempts": views.attempts(self._shared.store.deliveries.attempts(account, record.id)),
            "actions": views.actions(self._shared.store.reactions.of(record.id)),
            "body": orjson.loads(event.body) if event else None,
        }
        return Answer([told], "OK")


class Resend:
    """/api/v1/webhooks/deliveries/{deliveryId}/resend"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Send one again, whatever came of it",
        family=Family.E1,
        result=DeliveryView,
        codes=(Code.NOT_FOUND, Code.INVALID_STATE),
    )
    def on_post(self, request: falcon.Request, _: Parameters, deliveryId: str) -> Answer:
        account: Account = request.context.account
        record = _known(self._shared, account, deliveryId)
        if self._shared.store.events.get(account.registry, record.event_id) is None:
            raise Refusal(Code.INVALID_STATE, "The event is no longer kept")
        again = self._shared.store.deliveries.redrive(account, record.id)
        self._shared.bus.send(keys.WEBHOOK_QUEUE, "redeliver", delivery=again.id)
        return Answer([views.delivery(again, self._shared.names(account))], "It is sent again")


class ResendMany:
    """/api/v1/webhooks/{endpointId}/resend"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Send all deliveries of an endpoint again that fit",
        family=Family.E1,
        parameters=Again,
        result=Ordered,
        codes=(Code.NOT_FOUND,),
    )
    def on_post(self, request: falcon.Request, asked: Again, endpointId: str) -> Answer:
        account: Account = request.context.account
        endpoint = self._shared.endpoint(account, endpointId)
        count = self._shared.store.deliveries.redrive_all(
            account,
            endpoint.id,
            states=[asked.state],
            event=asked.event,
            since=asked.since or 0,
            until=asked.until or time.time(),
        )
        return Answer([{"ordered": count}], "They are sent again")


class Replay:
    """/api/v1/webhooks/{endpointId}/replay"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Send an endpoint the events of a range of time, whether they ever went there or not",
        family=Family.E1,
        parameters=Span,
        result=Replaying,
        codes=(Code.NOT_FOUND, Code.MISSING_PARAMETER, Code.ACCEPTED),
    )
    def on_post(self, request: falcon.Request, asked: Span, endpointId: str) -> Answer:
        endpoint = self._shared.endpoint(request.context.account, endpointId)
        if asked.since is None:
            raise Refusal(Code.MISSING_PARAMETER, "since is required")
        until = asked.until or int(time.time())
        told = {"endpoint": endpoint.id, "registry": endpoint.registry, "until": until}
        self._shared.bus.send(keys.WEBHOOK_QUEUE, "replay_events", since=asked.since, **told)
        shown = Replaying(endpointId=endpoint.id, since=asked.since, until=until, status="queued")
        return Answer([shown.model_dump()], "Replay accepted", Code.ACCEPTED)


def routes(shared: Webhooks) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/webhooks/deliveries", Log(shared)
    yield "/api/v1/webhooks/deliveries/{deliveryId}", One(shared)
    yield "/api/v1/webhooks/deliveries/{deliveryId}/resend", Resend(shared)
    yield "/api/v1/webhooks/{endpointId}/resend", ResendMany(shared)
    yield "/api/v1/webhooks/{endpointId}/replay", Replay(shared)


def _known(shared: Webhooks, account: Account, id: str) -> DeliveryRecord:
    record = shared.store.deliveries.get(account, id)
    if record is None:
        raise Refusal(Code.NOT_FOUND, "Delivery not found")
    return record

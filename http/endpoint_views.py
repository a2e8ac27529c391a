"""What the routes of webhooks show of an endpoint, a delivery and an attempt."""

from collections.abc import Iterable, Mapping
from typing import Any

from warest.circuits import Circuit
from warest.http.operation import Result
from warest.store import Attempt, DeliveryRecord, Endpoint
from warest.store.reactions import Reaction


class Health(Result):
    """How it does: `failures` in a row since then; `leftAloneUntil`: nothing is sent there before. Times in epoch
    seconds."""

    failures: int
    failingSince: float | None
    leftAloneUntil: float | None


class EndpointView(Result):
    """`sessionId` null: it gets the events of all sessions. `events` empty: all that the original knows. `isConfig`:
    the one of the session's `config`. `state`: enabled, paused or disabled, the last for a `reason`: gone or failing.
    """

    id: str
    sessionId: str | None
    url: str
    events: list[str]
    isConfig: bool
    state: str
    reason: str
    health: Health
    createdAt: float
    updatedAt: float


class SecretView(Result):
    """`secret` signs as the original does, `standardSecret` for Standard Webhooks. `until` (epoch seconds): it has been
    replaced, and signs for so long."""

    secret: str
    standardSecret: str
    until: float | None


class EndpointWithSecrets(EndpointView):
    __doc__ = EndpointView.__doc__

    secrets: list[SecretView]


class DeliveryView(Result):
    """`state`: pending, delivered or dead. A pending one without `nextAttemptAt` waits until its endpoint is enabled.
    `statusCode` and `error` are those of the last attempt. Times in epoch seconds."""

    id: str
    eventId: str
    event: str
    endpointId: str
    sessionId: str | None
    state: str
    tries: int
    statusCode: int | None
    error: str
    nextAttemptAt: float | None
    createdAt: float
    updatedAt: float


class AttemptView(Result):
    """`statusCode` null: there was no answer. `excerpt` is the beginning of it."""

    number: int
    at: float
    url: str
    statusCode: int | None
    latencyMs: int
    excerpt: str
    error: str


class ActionView(Result):
    """`position` is its place in the answer: `2` is the third, `2.then.0` the first of its branch `then`. `state`:
    done, pending (`jobId` tells what becomes of it), failed, ignored (it was not complete) or skipped (it was not its
    turn)."""

    position: str
    action: str
    state: str
    messageId: str
    jobId: str
    error: str
    at: float


class DeliveryDetails(DeliveryView):
    """Besides, every attempt, what has become of the actions in the answer, and the event as it was first sent; null:
    it is no longer kept."""

    attempts: list[AttemptView]
    actions: list[ActionView]
    body: dict[str, Any] | None


class DeliveryLog(Result):
    """The newest first. `next`: the `cursor` of the next page; null: there is none."""

    items: list[DeliveryView]
    next: str | None


def shown(endpoint: Endpoint, names: Mapping[str, str], circuit: Circuit) -> dict[str, Any]:
    """`names` are those of the sessions, by ULID."""
    health = Health(
        failures=circuit.failures,
        failingSince=circuit.since or None,
        leftAloneUntil=circuit.open_until if circuit.is_open else None,
    )
    return EndpointView(
        id=endpoint.id,
        sessionId=names.get(endpoint.session or ""),
        url=endpoint.url,
        events=list(endpoint.events),
        isConfig=endpoint.is_of_config,
        state=endpoint.state,
        reason=endpoint.reason,
        health=health,
        createdAt=endpoint.created_at,
        updatedAt=endpoint.updated_at,
    ).model_dump()


def secrets(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The newest first."""
    shown = [SecretView(secret=one.secret, standardSecret=one.standard, until=one.until) for one in endpoint.secrets]
    return [each.model_dump() for each in shown]


def delivery(record: DeliveryRecord, names: Mapping[str, str]) -> dict[str, Any]:
    return DeliveryView(
        id=record.id,
        eventId=record.event_id,
        event=record.event,
        endpointId=record.endpoint,
        sessionId=names.get(record.session),
        state=record.state,
        tries=record.tries,
        statusCode=record.status_code,
        error=record.error,
        nextAttemptAt=record.next_attempt_at,
        createdAt=record.created_at,
        updatedAt=record.updated_at,
    ).model_dump()


def attempts(records: Iterable[Attempt]) -> list[dict[str, Any]]:
    return [
        AttemptView(
            number=each.number,
            at=each.at,
            url=each.url,
            statusCode=each.status_code,
            latencyMs=each.latency_ms,
            excerpt=each.excerpt,
            error=each.error,
        ).model_dump()
        for each in records
    ]


def actions(reactions: Iterable[Reaction]) -> list[dict[str, Any]]:
    return [
        ActionView(
            position=each.position,
            action=each.action,
            state=each.state,
            messageId=each.message,
            jobId=each.job,
            error=each.error,
            at=each.at,
        ).model_dump()
        for each in reactions
    ]

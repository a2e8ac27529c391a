"""/api/v1/webhooks: the endpoints to which events go. Not in the original, which had one URL a session."""

from collections.abc import Iterator
from typing import Annotated, Any

import falcon
from pydantic import BeforeValidator, Field

from warest import events, keys, webhooks
from warest.bus import Bus
from warest.circuits import Circuits
from warest.config.settings import Settings
from warest.destinations import Directory, reopen
from warest.errors import Conflict, InvalidInput
from warest.fetch.urls import parsed
from warest.http.codes import Code
from warest.http.endpoint_views import EndpointView, EndpointWithSecrets, secrets, shown
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess
from warest.loose import listed
from warest.store import Account, Endpoint, SessionRecord, Store
from warest.store.endpoints import ENABLED, PAUSED

#: How long a call waits for a receiver's answer, s: longer than the receiver has.
PATIENCE = 20.0

#: The most endpoints that an owner may have, besides those of the sessions.
MOST = 200

#: What an endpoint may ask for.
NAMES = frozenset(value for name, value in vars(events).items() if name.isupper() and isinstance(value, str))

_CODES = (Code.NOT_FOUND,)


def _names(value: object) -> list[str] | None:
    """A list of them, or a text with commas between."""
    if value is None:
        return None
    names = listed(value, "names of events")
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"there is no event {unknown[0][:64]!r}; there are {', '.join(sorted(NAMES))}")
    return names


Names = Annotated[list[str] | None, BeforeValidator(_names)]


class Wanted(Parameters):
    """`events`: the names of those that go there; none: all that the original knows. `secret`: 6 characters at least;
    one is made if none is given."""

    url: Word = Field(None, max_length=4096)
    event_names: Names = Field(None, alias="events")
    secret: Word = Field(None, min_length=webhooks.SHORTEST_SECRET, max_length=255)


class New(Wanted):
    """`sessionId`: whose events go there; none: those of all sessions of the caller."""

    __doc__ = f"{Wanted.__doc__} {__doc__}"

    session_id: Word = Field(None, alias="sessionId")


class OfSession(Parameters):
    """`sessionId`: only those to which its events go."""

    session_id: Word = Field(None, alias="sessionId")


class Rotation(Parameters):
    """`overlapHours`: how long the former secrets sign beside the new ones. `secret`: the new one, if it is not to be
    made."""

    secret: Word = Field(None, min_length=webhooks.SHORTEST_SECRET, max_length=255)
    overlap_hours: float | None = Field(None, alias="overlapHours", ge=0, le=24 * 30)


class Tried(Result):
    """What came of a test event: `status` null: there was no answer, and `error` says why."""

    ok: bool
    eventId: str
    status: int | None
    roundTripMs: int
    excerpt: str
    error: str


class Webhooks:
    """What the resources of this noun share."""

    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, store: Store, directory: Directory) -> None:
        self.bus = bus
        self.access = access
        self.settings = settings
        self.store = store
        self.directory = directory
        self.circuits = Circuits(bus.redis)

    def endpoint(self, account: Account, id: str) -> Endpoint:
        found = self.store.endpoints.get(account, id)
        if found is None:
            raise Refusal(Code.NOT_FOUND, "Endpoint not found")
        return found

    def names(self, account: Account) -> dict[str, str]:
        """The sessions of an owner: what each is called, by its ULID."""
        return {record.ulid: record.id for record in self.store.sessions_of(account)}

    def shown(self, account: Account, *endpoints: Endpoint) -> list[dict[str, Any]]:
        names, circuits = self.names(account), self.circuits.get_many([each.id for each in endpoints])
        return [shown(each, names, circuit) for each, circuit in zip(endpoints, circuits, strict=True)]

    def with_secrets(self, account: Account, endpoint: Endpoint) -> dict[str, Any]:
        return self.shown(account, endpoint)[0] | {"secrets": secrets(endpoint)}

    def switched(self, account: Account, id: str, state: str) -> list[dict[str, Any]]:
        changed = self.store.endpoints.change(account, self.endpoint(account, id).id, state=state)
        self.directory.changed()
        return self.shown(account, changed)

    def session_for(self, account: Account, endpoint: Endpoint) -> SessionRecord:
        """One whose events go there."""
        records = self.store.sessions_of(account)
        found = next((each for each in records if endpoint.session in (None, each.ulid)), None)
        if found is None:
            raise Conflict("There is no session yet whose events would go there")
        return found


class EndpointsResource:
    """/api/v1/webhooks"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "The endpoints to which events go",
        family=Family.E1,
        parameters=OfSession,
        result=EndpointView,
        codes=(Code.SESSION_NOT_FOUND,),
    )
    def on_get(self, request: falcon.Request, parameters: OfSession) -> Answer:
        account: Account = request.context.account
        found = self._shared.store.endpoints.of(account, self._session(account, parameters.session_id))
        return Answer(self._shared.shown(account, *found), "OK")

    @operation(
        "Make one more endpoint",
        family=Family.E1,
        parameters=New,
        result=EndpointWithSecrets,
        codes=(
            Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.WEBHOOK_INVALID_URL, Code.INVALID_STATE,
            Code.FORBIDDEN,
        ),
    )  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: New) -> Answer:
        account: Account = request.context.account
        session = self._session(account, parameters.session_id)
        if not parameters.url:
            raise Refusal(Code.MISSING_PARAMETER, "url is required")
        own = [each for each in self._shared.store.endpoints.of(account) if not each.is_of_config]
        if len(own) >= MOST:
            raise Conflict(f"There are {MOST} endpoints already, and more are not possible")
        made = self._shared.store.endpoints.create(
            account,
            session,
            url=_url(parameters.url),
            events=tuple(parameters.event_names or ()),
            secret=parameters.secret or webhooks.new_secret(),
        )
        self._shared.directory.changed()
        return Answer([self._shared.with_secrets(account, made)], "Endpoint created")

    def _session(self, account: Account, name: str | None) -> str | None:
        return self._shared.access.known(account, name, None).ulid if name else None


class EndpointResource:
    """/api/v1/webhooks/{endpointId}"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation("An endpoint, and how it does", family=Family.E1, result=EndpointView, codes=_CODES)
    def on_get(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        account: Account = request.context.account
        return Answer(self._shared.shown(account, self._shared.endpoint(account, endpointId)), "OK")

    @operation(
        "Change where an endpoint leads, and which events go there",
        family=Family.E1,
        parameters=Wanted,
        result=EndpointView,
        codes=(*_CODES, Code.INVALID_STATE, Code.WEBHOOK_INVALID_URL),
    )
    def on_patch(self, request: falcon.Request, parameters: Wanted, endpointId: str) -> Answer:
        """A new URL enables an endpoint that was disabled."""
        account: Account = request.context.account
        before = self._shared.endpoint(account, endpointId)
        url = _url(parameters.url) if parameters.url else None
        changed = self._shared.store.endpoints.change(
            account,
            before.id,
            url=url,
            events=None if parameters.event_names is None else tuple(parameters.event_names),
            secret=parameters.secret,
            state=ENABLED if url not in (None, before.url) and before.state != PAUSED else None,
        )
        self._shared.directory.changed()
        if url not in (None, before.url):
            reopen(self._shared.bus, before.id)
        return Answer(self._shared.shown(account, changed), "Endpoint changed")

    @operation(
        "Delete an endpoint and its log", family=Family.E1, result=EndpointView, codes=(*_CODES, Code.INVALID_STATE)
    )
    def on_delete(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        account: Account = request.context.account
        endpoint = self._shared.endpoint(account, endpointId)
        if endpoint.is_of_config:
            raise Conflict("This one belongs to its session: clear its URL with session config, or pause it")
        self._shared.store.endpoints.delete(account, endpoint.id)
        self._shared.directory.changed()
        self._shared.circuits.forget(endpoint.id)
        return Answer(self._shared.shown(account, endpoint), "Endpoint deleted")


class Secrets:
    """/api/v1/webhooks/{endpointId}/secrets"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation("The secrets of an endpoint", family=Family.E1, result=EndpointWithSecrets, codes=_CODES)
    def on_get(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        account: Account = request.context.account
        return Answer([self._shared.with_secrets(account, self._shared.endpoint(account, endpointId))], "OK")


class Rotate:
    """/api/v1/webhooks/{endpointId}/rotate"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "New secrets for an endpoint; the former ones sign on for a time",
        family=Family.E1,
        parameters=Rotation,
        result=EndpointWithSecrets,
        codes=_CODES,
    )
    def on_post(self, request: falcon.Request, parameters: Rotation, endpointId: str) -> Answer:
        account: Account = request.context.account
        endpoint = self._shared.endpoint(account, endpointId)
        hours = parameters.overlap_hours
        overlap = self._shared.settings.webhook_overlap_hours if hours is None else hours
        rotated = self._shared.store.endpoints.rotate(
            account, endpoint.id, parameters.secret or webhooks.new_secret(), overlap=overlap * 3600
        )
        self._shared.directory.changed()
        return Answer([self._shared.with_secrets(account, rotated)], "Secrets rotated")


class Pause:
    """/api/v1/webhooks/{endpointId}/pause"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation("Let what is for an endpoint wait", family=Family.E1, result=EndpointView, codes=_CODES)
    def on_post(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        return Answer(self._shared.switched(request.context.account, endpointId, PAUSED), "Endpoint paused")


class Resume:
    """/api/v1/webhooks/{endpointId}/resume"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Enable an endpoint; what has waited for it goes out", family=Family.E1, result=EndpointView, codes=_CODES
    )
    def on_post(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        shown = self._shared.switched(request.context.account, endpointId, ENABLED)
        reopen(self._shared.bus, endpointId)
        return Answer(shown, "Endpoint enabled")


class TryOut:
    """/api/v1/webhooks/{endpointId}/test"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Send an endpoint a test event, and tell what came of it",
        family=Family.E1,
        result=Tried,
        codes=(*_CODES, Code.INVALID_STATE, Code.QUEUED),
    )
    def on_post(self, request: falcon.Request, _: Parameters, endpointId: str) -> Answer:
        account: Account = request.context.account
        endpoint = self._shared.endpoint(account, endpointId)
        session = self._shared.session_for(account, endpoint)
        if not self._shared.directory.target(endpoint, session).url:
            raise Conflict("This endpoint has no URL")
        if not endpoint.secrets:
            raise Conflict("The secrets of this endpoint cannot be read: the server's log says which key is missing")
        tried = self._shared.bus.order(
            keys.WEBHOOK_QUEUE, "try_endpoint", PATIENCE, session=session.ulid, endpoint=endpoint.id
        )
        return Answer([tried], "Test event accepted" if tried["ok"] else "Test event refused")


def routes(shared: Webhooks) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/webhooks", EndpointsResource(shared)
    one = "/api/v1/webhooks/{endpointId}"
    yield one, EndpointResource(shared)
    yield f"{one}/secrets", Secrets(shared)
    yield f"{one}/rotate", Rotate(shared)
    yield f"{one}/pause", Pause(shared)
    yield f"{one}/resume", Resume(shared)
    yield f"{one}/test", TryOut(shared)


def _url(text: str) -> str:
    """Raises Refusal for what cannot be called."""
    try:
        parsed(text)
    except InvalidInput as error:
        raise Refusal(Code.WEBHOOK_INVALID_URL, error.message) from None
    return text.strip()

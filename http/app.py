"""The web application: thin, without state, without the engine."""

from collections.abc import Iterator
from typing import Any

import falcon
import orjson
from falcon import media

from warest import errors
from warest.bus import Bus
from warest.config import house, secrets, settings
from warest.http import errors as http_errors
from warest.http import middleware
from warest.http.openapi import OpenApi
from warest.http.resources import messages, server, sessions
from warest.http.sessions import SessionAccess
from warest.states import States
from warest.store import Store

_JSON = "application/json; charset=utf-8"

App = falcon.App[falcon.Request, falcon.Response]


def from_env() -> App:
    """The application of this process: the only door to the environment."""
    current = settings.from_env()
    secrets.load(current)
    parts = house.connect(current)
    return create_app(current, house.open_store(current), parts.states, parts.bus)


def create_app(current: settings.Settings, store: Store, states: States, bus: Bus) -> App:
    any_case, api_key = middleware.AnyCase(), middleware.ApiKey(store)
    app: App = falcon.App(
        media_type=_JSON,
        middleware=[
            middleware.RequestId(),
            middleware.Gzip(),
            middleware.Cors(current),
            any_case,
            middleware.HeadAsGet(),
            api_key,
            middleware.Body(current),
        ],
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    json_handler = media.JSONHandler(dumps=_dumps, loads=orjson.loads)
    app.resp_options.media_handlers.update({_JSON: json_handler, falcon.MEDIA_JSON: json_handler})
    access = SessionAccess(store, states)
    found = dict(routes(current, store, states, bus, access))
    found["/docs/openapi.json"] = OpenApi(current, found)
    for template, resource in found.items():
        app.add_route(template, resource)
        any_case.learn(template)
    app.add_sink(lambda req, resp, **_: api_key.refuse_unknown(req), prefix="/")
    app.add_error_handler(Exception, http_errors.handle)
    app.add_error_handler(errors.WarestError, http_errors.handle)
    app.add_error_handler(falcon.HTTPError, http_errors.handle_http)
    return app


def routes(
    current: settings.Settings, store: Store, states: States, bus: Bus, access: SessionAccess
) -> Iterator[tuple[str, Any]]:
    """Every path and its resource."""
    shared = sessions.Sessions(store, states, bus, access)
    yield "/api/v1/server/ping", server.Ping(current)
    yield "/api/v1/session/create", sessions.Create(shared)
    yield "/api/v1/session/list", sessions.List(shared)
    yield "/api/v1/session/delete", sessions.Delete(shared)
    yield "/api/v1/session/{sessionId}/config", sessions.Configure(shared)
    yield "/api/v1/messages/send/text", messages.SendTextResource(bus, access, current)


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()

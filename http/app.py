"""The web application: thin, without state, without the engine."""

import atexit
from collections.abc import Iterator
from typing import Any

import falcon
import orjson
from falcon import media

from warest import errors
from warest.chronicle import Chronicle
from warest.config import folders, house, secrets, settings
from warest.config.house import House
from warest.destinations import Directory
from warest.drivers.storage import Storage
from warest.http import errors as http_errors
from warest.http import middleware, restarting
from warest.http.acting import Acting
from warest.http.asking import Asker
from warest.http.clients import Clients
from warest.http.event_streams import EventStreams
from warest.http.file_sending import FileSending
from warest.http.gate import Gate, SpamGuard
from warest.http.grouping import Grouping
from warest.http.guards import Guards
from warest.http.health import Health
from warest.http.inputs import Inputs
from warest.http.message_views import MessageViews
from warest.http.metering import Metering
from warest.http.portraits import Portraits
from warest.http.resources import (
    album_sends,
    audit,
    auth,
    blocklist,
    button_sends,
    calls,
    card_sends,
    channels,
    chat_actions,
    chat_marks,
    chats,
    documentation,
    documents,
    events,
    files_sends,
    group_links,
    group_people,
    group_settings,
    groups,
    jobs,
    keys,
    media_sends,
    message_actions,
    messages,
    metrics,
    misc,
    own_words,
    people,
    preflight,
    presences,
    profile,
    proxies,
    received_files,
    search,
    server,
    session_life,
    session_moves,
    sessions,
    status,
    storage,
    timers,
    users,
    webhook_log,
    webhooks,
)
from warest.http.resources.capabilities import Capabilities
from warest.http.sending import Sending
from warest.http.sessions import SessionAccess
from warest.http.studio import Studio
from warest.http.uploads import Uploads
from warest.limits import Limits
from warest.logins import Lockout, UiSessions
from warest.lookups import Lookups
from warest.sources import Sources
from warest.store import Store
from warest.vitals import Reporter

_JSON = "application/json; charset=utf-8"

App = falcon.App[falcon.Request, falcon.Response]


def from_env() -> App:
    """The application of this process: the only door to the environment."""
    current = settings.from_env()
    kept, parts = secrets.load(current), house.connect(current)
    atexit.register(folders.join(current, parts.redis, "web").leave)
    opened, files = house.open_store(current), house.open_storage(current)
    metering = Metering()
    reporter = reporter_of(parts, metering)
    reporter.run_beside(restarting.watch(parts.redis, reporter.started_at))
    atexit.register(reporter.leave)
    streams = streams_of(current)
    streams.close_when_told()
    return create_app(
        parts,
        opened,
        files,
        house.open_limits(current),
        admin_key=kept.admin_apikey,
        metering=metering,
        reporter=reporter,
        streams=streams,
    )


def reporter_of(parts: House, metering: Metering) -> Reporter:
    return Reporter(parts.redis, "web", {"http": metering.meter})


def streams_of(current: settings.Settings) -> EventStreams:
    """Some threads are left for other requests, whatever the settings say."""
    return EventStreams(min(current.event_streams_max, current.web_threads - 1))


def create_app(
    parts: House,
    opened: Store,
    files: Storage,
    limits: Limits,
    *,
    admin_key: str,
    metering: Metering | None = None,
    reporter: Reporter | None = None,
    streams: EventStreams | None = None,
) -> App:
    """`admin_key` is the one that the settings give to the first admin. `metering` and `reporter` are those of a
    process that tells of itself, `streams` those of one that can be told to end."""
    metering = metering or Metering()
    current, any_case, logins = parts.settings, middleware.AnyCase(), logins_of(parts, opened, limits, admin_key)
    app: App = falcon.App(
        media_type=_JSON,
        middleware=[
            metering,
            Guards(),
            middleware.RequestId(),
            middleware.Gzip(),
            Clients(current),
            middleware.Cors(current),
            any_case,
            middleware.HeadAsGet(),
            logins.gate,
            middleware.Body(current),
            Uploads(current, house.open_spool(current, files)),
            SpamGuard(current, limits),
            auth.PageCookie(),
            audit.Trail(opened),
        ],
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    json_handler = media.JSONHandler(dumps=_dumps, loads=orjson.loads)
    app.resp_options.media_handlers.update({_JSON: json_handler, falcon.MEDIA_JSON: json_handler})
    reporter, streams = reporter or reporter_of(parts, metering), streams or streams_of(current)
    found = routes(parts, opened, files, logins, reporter, streams)
    described = documentation.OpenApi(current, found)
    found |= {"/docs/openapi.json": described, "/docs/code-table.json": documentation.CodeTable()}
    for template, resource in found.items():
        app.add_route(template, resource)
        any_case.learn(template)
    app.add_route("/docs/openapi.yaml", described, suffix="yaml")
    any_case.learn("/docs/openapi.yaml")
    app.add_sink(lambda req, resp, **_: logins.gate.refuse_unknown(req, resp), prefix="/")
    app.add_error_handler(Exception, http_errors.handle)
    app.add_error_handler(errors.WarestError, http_errors.handle)
    app.add_error_handler(falcon.HTTPError, http_errors.handle_http)
    return app


def logins_of(parts: House, opened: Store, limits: Limits, admin_key: str) -> auth.Auth:
    """All that knows who calls."""
    current, ui_sessions = parts.settings, UiSessions(parts.redis)
    lockout = Lockout(parts.redis, current.guesses_max)
    return auth.Auth(current, opened, lockout, ui_sessions, Gate(current, opened, limits, ui_sessions), admin_key)


def routes(
    parts: House, opened: Store, files: Storage, logins: auth.Auth, reporter: Reporter, streams: EventStreams
) -> dict[str, Any]:
    """Every path and its resource."""
    found = dict(_routes(parts, opened, files, logins, reporter, streams))
    path = "/api/v1/server/capabilities"
    return found | {path: Capabilities(parts.settings, found)}


def _routes(
    parts: House, opened: Store, files: Storage, logins: auth.Auth, reporter: Reporter, streams: EventStreams
) -> Iterator[tuple[str, Any]]:
    access, spool = SessionAccess(opened, parts.states), house.open_spool(parts.settings, files)
    cache = house.open_cache(parts.settings)
    fetcher = house.open_fetcher(parts.settings)
    sources = Sources(spool, fetcher)
    sending = Sending(parts.bus, access, parts.settings, opened)
    files_sending = FileSending(sending, parts.settings, sources)
    directory = Directory(parts.redis, opened, default_url=parts.settings.webhook_default_url)
    shared = sessions.Sessions(
        opened,
        parts.states,
        parts.bus,
        access,
        directory=directory,
        pacing_of=lambda session: house.pacing_shown(parts.settings, parts.redis, session),
    )
    yield "/api/auth/login", auth.Login(logins)
    yield "/api/auth/logout", auth.Logout(logins)
    yield "/api/auth/session", auth.Session(logins)
    yield from users.routes(opened, logins)
    yield from keys.routes(opened)
    yield "/api/v1/audit", audit.AuditResource(opened)
    yield from server.routes(parts, opened, Health(parts, opened, files, cache))
    yield "/metrics", metrics.Metrics(parts, opened, reporter)
    yield "/api/v1/session/create", sessions.Create(shared)
    yield "/api/v1/session/create/pair-code", session_life.Pair(shared)
    yield "/api/v1/session/logout", session_life.Logout(shared)
    yield "/api/v1/session/reconnect", session_life.Reconnect(shared)
    yield "/api/v1/session/devices", session_life.Devices(shared)
    yield "/api/v1/session/list", sessions.List(shared)
    yield "/api/v1/session/delete", sessions.Delete(shared)
    yield "/api/v1/session/{sessionId}/config", sessions.Configure(shared)
    yield from proxies.routes(parts, opened, access)
    yield from session_moves.routes(shared, spool)
    hooks = webhooks.Webhooks(parts.bus, access, parts.settings, opened, directory)
    yield from webhooks.routes(hooks)
    yield from webhook_log.routes(hooks)
    yield "/api/webhooks/preflight", preflight.Preflight(hooks)
    lookups = Lookups(cache, namespace=parts.settings.cache_namespace, seconds=parts.settings.cache_ttl)
    others = Asker(parts.bus, lookups, timeout=parts.settings.command_timeout)
    yield from misc.routes(parts, opened, files, spool, fetcher, others)
    portraits = Portraits(Inputs(fetcher), Studio(parts.bus, spool), spool)
    own = profile.Profile(parts.bus, access, parts.states, parts.settings, others)
    yield from profile.routes(own, portraits)
    yield from own_words.routes(own)
    yield from blocklist.routes(own)
    yield from calls.routes(own)
    grouping = Grouping(parts.bus, access, parts.settings, parts.states, opened)
    yield from people.routes(own, grouping, opened)
    yield "/api/v1/messages/send/text", messages.SendTextResource(sending)
    yield "/api/v1/messages/send/document", documents.SendDocument(files_sending)
    yield "/api/v1/messages/send/media", media_sends.SendMedia(files_sending)
    yield "/api/v1/messages/send/audio", media_sends.SendAudio(files_sending)
    yield "/api/v1/messages/send/sticker", media_sends.SendSticker(files_sending)
    yield "/api/v1/messages/send/gif", media_sends.SendGif(files_sending)
    yield "/api/v1/messages/send/contact", card_sends.SendContact(sending, parts.settings.country_code)
    yield "/api/v1/messages/send/location", card_sends.SendLocationResource(sending)
    yield "/api/v1/messages/send/live-location", card_sends.SendLiveLocationResource(sending)
    yield "/api/v1/messages/send/poll", card_sends.SendPollResource(sending)
    yield from status.routes(sending, files_sending).items()
    yield "/api/v1/messages/send/files", files_sends.SendFilesResource(sending, files_sending)
    yield "/api/v1/messages/send/album", album_sends.SendAlbumResource(sending, files_sending)
    interactive = button_sends.Interactive(sending, files_sending)
    yield "/api/v1/messages/send/button", button_sends.SendButton(interactive)
    yield "/api/v1/messages/send/list", button_sends.SendList(interactive)
    yield (
        "/api/v1/messages/{messageId}/media",
        received_files.ReceivedFileResource(parts.bus, access, parts.settings, opened, files),
    )
    yield "/api/v1/messages/jobs/{jobId}", jobs.JobResource(opened)
    yield "/api/v1/messages/{messageId}/status", jobs.MessageStatusResource(access, opened)
    acting = Acting(parts.bus, access, parts.settings, parts.states, opened)
    yield from message_actions.routes(acting)
    yield from chat_actions.routes(acting)
    yield from chat_marks.routes(acting)
    yield from channels.routes(acting)
    yield from presences.routes(own, acting)
    yield from timers.routes(own, acting)
    views = MessageViews(parts.settings, opened, files)
    yield "/api/v1/messages/search", search.SearchResource(access, parts.settings, opened, views)
    yield "/api/v1/chats", chats.ChatListResource(access, parts.states, opened)
    yield (
        "/api/v1/chats/{chatId}/messages",
        chats.ChatMessagesResource(access, parts.states, opened, views, parts.settings),
    )
    yield from groups.routes(grouping)
    yield from group_people.routes(grouping)
    yield from group_links.routes(grouping)
    yield from group_settings.routes(grouping, portraits)
    yield from events.routes(Chronicle(parts.redis, opened.events), opened, streams)
    yield from storage.routes(parts.settings, files, logins.gate)


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()

"""Settings -> Redis, broker, bus, store: what every process of the house starts with."""

import atexit
import functools
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
from dramatiq.middleware import Callbacks, CurrentMessage, Middleware, Retries, ShutdownNotifications
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from warest import store
from warest.addresses import Networks
from warest.broker import StreamsBroker
from warest.broker.metering import Metering
from warest.broker.tracing import Tracing
from warest.bus import Bus
from warest.config import kinds, pacing_settings, proxy_settings, secrets, storage_settings
from warest.config.settings import Settings
from warest.drivers import cache, storage
from warest.handouts import Handouts
from warest.leases import Leases
from warest.limits import Limits
from warest.meters import Meter
from warest.pacing import Pacing
from warest.proxies import Proxy
from warest.proxy_pool import ProxyPool
from warest.spool import Spool
from warest.states import States
from warest.vault import Vault
from warest.whatsapp.keystores import Files, KeyStores, Schemas

if TYPE_CHECKING:
    from warest.fetch import Fetcher
    from warest.fetch.media_host import MediaHost

#: Redis may be starting again: a command is repeated so often, with these pauses, s (1.15 in all).
RETRIES, FIRST_PAUSE, LONGEST_PAUSE = 4, 0.05, 0.4

#: Counting a call may take this long; then it goes on uncounted, s.
LIMIT_PATIENCE = 0.5

#: An answer that nobody has fetched is dropped after this long, ms.
RESULT_TTL_MS = 60_000


@dataclass(frozen=True)
class House:
    """The parts that processes share; each process has its own connections."""

    settings: Settings
    redis: "redis.Redis"
    broker: StreamsBroker
    bus: Bus
    states: States
    leases: Leases
    meter: Meter  #: of the Dramatiq messages that this process works on


def connect(settings: Settings) -> House:
    # Results are waited for in a blocking command, so no socket timeout: the wait's own is the limit.
    retry = Retry(ExponentialBackoff(cap=LONGEST_PAUSE, base=FIRST_PAUSE), RETRIES)
    client = redis.Redis.from_url(settings.redis_url, socket_timeout=None, health_check_interval=30, retry=retry)
    metering = Metering()
    broker = StreamsBroker(client, middleware=[metering, *_middleware(client)], max_queue_length=settings.queue_limit)
    leases = Leases(client, ttl=settings.lease)
    bus = Bus(
        broker,
        client,
        leases,
        events_kept=settings.events_kept,
        most_waiting=settings.queue_max_size,
        turn_timeout=settings.queue_timeout_ms / 1000,
    )
    return House(settings, client, broker, bus, States(client), leases, metering.meter)


def database(settings: Settings) -> store.Database:
    """What WAREST_DB_CLIENT says, and it alone: a URL does not change the kind."""
    if settings.db_client == "sqlite":
        return store.Sqlite(settings.sqlite_path)
    server = _db_server(settings)
    if settings.db_client == "mysql":
        return store.Mysql(server)
    return store.Postgres(server, settings.db_url, settings.db_schema)


def _db_server(settings: Settings) -> store.Server:
    return store.Server(
        host=settings.db_host,
        database=settings.db_database,
        user=settings.db_user,
        password=settings.db_password,
        port=settings.db_port,
        ssl=settings.db_ssl,
        authorities=settings.db_ssl_ca,
        verifies=settings.db_ssl_verify,
    )


def vault_of(settings: Settings) -> Vault:
    return Vault(functools.partial(secrets.vault_keys, settings))


def open_store(settings: Settings) -> store.Store:
    return store.open(database(settings), vault_of(settings))


def key_stores_of(settings: Settings) -> KeyStores:
    """Where the sessions' keys are. Raises DriverError when that is a database which cannot be used."""
    if settings.session_store == "files":
        return Files(settings.data_dir / "sessions", vault_of(settings))
    url = settings.db_url if settings.session_store == "postgres" else settings.session_store
    schemas = Schemas(store.Postgres(_db_server(settings), url).arguments())
    schemas.check()
    return schemas


def storage_place(settings: Settings) -> storage.Folders | storage.Bucket:
    """What WAREST_STORAGE_DRIVER says."""
    return _bucket(settings) if settings.storage_driver == "s3" else _folders(settings)


def open_storage(settings: Settings) -> storage.Storage:
    """Its `is_shared` tells whether other hosts see the same files (decision 10)."""
    return storage.open(storage_place(settings))


def open_spool(settings: Settings, opened: storage.Storage) -> Spool:
    return Spool(opened, seconds=settings.storage_temp_ttl, limit=int(settings.spool_limit_mb * 1_000_000))


def open_handouts(settings: Settings, opened: storage.Storage) -> Handouts:
    return Handouts(opened, seconds=settings.storage_temp_ttl)


def cache_place(settings: Settings) -> cache.Place:
    """What WAREST_CACHING_DRIVER says."""
    match settings.cache_driver:
        case "redis":
            return cache.Redis(settings.cache_redis, settings.cache_redis_prefix)
        case "memcached":
            return cache.Memcached(settings.memcached_servers)
        case "mongodb":
            return cache.MongoDB(
                settings.cache_mongodb_url,
                settings.cache_mongodb_database,
                settings.cache_mongodb_collection,
                settings.cache_mongodb_ttl_field,
                settings.cache_mongodb_pool,
            )
    return _memory(settings)


def open_cache(settings: Settings) -> cache.Cache:
    """One that is down is stood in for by the memory of this process."""
    opened = cache.open(cache_place(settings))
    atexit.register(opened.close)
    return opened if opened.driver == "local" else cache.Guarded(opened, _memory(settings))


def _memory(settings: Settings) -> cache.Memory:
    return cache.Memory(
        settings.cache_local_entries,
        int(settings.cache_local_mb * 1_000_000),
        settings.cache_local_sweep_ms / 1000,
    )


def open_fetcher(settings: Settings, *, seconds: float | None = None) -> "Fetcher":
    """`seconds`: how long a fetch may take, if that is less than what the settings say."""
    from warest.fetch import Fetcher  # a session process should not pay for an HTTP client

    most = settings.fetch_timeout_ms / 1000
    return Fetcher(Networks.parse(settings.fetch_networks), seconds=min(most, seconds or most))


def open_media_host(settings: Settings, proxy: Proxy | None, trusted: ssl.SSLContext | None) -> "MediaHost":
    """WhatsApp's; through the `proxy` of a sandbox it is that one's, and no other than `trusted` is believed."""
    from warest.fetch.media_host import MediaHost

    return MediaHost(seconds=settings.mirror_timeout_ms / 1000, proxy=proxy, trusted=trusted)


def _folders(settings: Settings) -> storage.Folders:
    generated = secrets.load(settings).storage_secret
    keys = (settings.storage_key, settings.storage_secret, generated, *kinds.split(settings.storage_old_keys))
    return storage.Folders(
        private=settings.private_path,
        public=settings.public_path,
        metadata=settings.metadata_path,
        keys=tuple(filter(None, keys)),
        signing_secret=settings.storage_signing_secret or settings.storage_secret or generated,
        encrypts=settings.storage_encrypt,
        signed_seconds=settings.storage_signed_ttl,
        public_url=settings.storage_public_url,
        signed_url=settings.storage_signed_url,
    )


def _bucket(settings: Settings) -> storage.Bucket:
    customer_key = settings.s3_customer_key
    return storage.Bucket(
        name=settings.s3_bucket,
        endpoint=settings.s3_endpoint,
        region="us-east-1" if settings.s3_region == "auto" else settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        session_token=settings.s3_session,
        path_style=settings.s3_path_style,
        accelerate=settings.s3_accelerate,
        acl=settings.s3_acl,
        sse=settings.s3_sse,
        sse_kms_key=settings.s3_kms_key,
        sse_customer_key=storage_settings.customer_key(customer_key) if customer_key else b"",
        signed_seconds=settings.s3_signed_ttl,
        public_url=settings.s3_public_url,
    )


def open_proxies(settings: Settings, client: "redis.Redis") -> ProxyPool:
    """The pool of WAREST_PROXY_URLS, which may be empty. Raises SetupError for what a sandbox must not use."""
    pool = proxy_settings.pool_of(settings)
    return ProxyPool(client, pool, proxy_settings.rules_of(settings, len(pool)))


def pacing_of(settings: Settings, client: "redis.Redis", session: str) -> Pacing | None:
    """None: WAREST_PACING is off."""
    rules = pacing_settings.rules_of(settings)
    return Pacing(client, session, rules) if rules else None


def pacing_shown(settings: Settings, client: "redis.Redis", session: str) -> dict[str, Any] | None:
    """How a session is paced now; None: not at all."""
    pacing = pacing_of(settings, client, session)
    return pacing.shown() | {"preset": settings.pacing} if pacing else None


def open_limits(settings: Settings) -> Limits:
    """On a connection of their own, which gives up soon: every request waits for it."""
    retry = Retry(NoBackoff(), 1)  # a connection may have died with the last Redis
    client = redis.Redis.from_url(
        settings.redis_url, socket_timeout=LIMIT_PATIENCE, socket_connect_timeout=LIMIT_PATIENCE, retry=retry
    )
    return Limits(client)


def _middleware(client: "redis.Redis") -> list[Middleware]:
    """Not TimeLimit: it throws into a thread that may sit in the engine. Not AgeLimit: nothing is dropped for age."""
    return [
        ShutdownNotifications(),
        Callbacks(),
        Retries(max_retries=0),
        CurrentMessage(),
        Tracing(),
        Results(  # type: ignore[no-untyped-call]
            backend=RedisBackend(client=client, namespace="warest:result"), result_ttl=RESULT_TTL_MS
        ),
    ]

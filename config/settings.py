"""Every setting: its variables, type, default, unit and one line of help. Nothing else reads the environment.

Order: `X_FILE` (the content of a file), then the process environment, then `.env` in the working folder. An empty
variable counts as unset. Booleans are true/1/yes/on and false/0/no/off. All faults are reported at once.

Only the names that stand here are read, in their case: a library that also took `TIMEZONE` or `base_url` for a setting
would surprise people. And a `$` in `.env` is a `$`, as it was for the original.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

from dotenv import dotenv_values
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from warest.config import sources
from warest.config.cache_settings import CacheSettings
from warest.config.fetch_settings import FetchSettings
from warest.config.kinds import (
    Commands,
    CountryCode,
    DbClient,
    DbSchema,
    DbUrl,
    HeaderText,
    Locale,
    Milliseconds,
    NeededByServer,
    Networks,
    Port,
    RateMax,
    RateWindow,
    Seconds,
    SessionStore,
    TimeZone,
    lower,
    variables,
)
from warest.config.media_settings import MediaSettings
from warest.config.mirror_settings import MirrorSettings
from warest.config.pacing_settings import PacingSettings
from warest.config.proxy_settings import ProxySettings
from warest.config.queue_settings import QueueSettings
from warest.config.reaction_settings import ReactionSettings
from warest.config.storage_settings import StorageSettings
from warest.config.upload_settings import UploadSettings
from warest.config.vault_settings import VaultSettings
from warest.config.webhook_settings import WebhookSettings
from warest.errors import SetupError


class Settings(
    StorageSettings,
    FetchSettings,
    MediaSettings,
    MirrorSettings,
    UploadSettings,
    PacingSettings,
    ProxySettings,
    QueueSettings,
    WebhookSettings,
    ReactionSettings,
    VaultSettings,
    CacheSettings,
):
    """The settings of one process, checked. Secrets that nobody set are in config/secrets.py.

    A group that would make this file too long has a file of its own and is inherited, so that all are read alike.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    host: str = variables("HOST", "APP_HOST", default="0.0.0.0", help="Address to listen on.")
    port: Port = variables("PORT", "APP_PORT", default=7308, help="Port to listen on.")
    environment: str = variables("WAREST_ENV", "NODE_ENV", default="development", help="`production` is strict.")
    base_url: str = variables(
        "WAREST_BASE_URL", "WAREST_PUBLIC_URL", default="", help="How others reach this server, for absolute links."
    )
    allowed_origins: str = variables(
        "ALLOWED_ORIGINS", "WAREST_ALLOWED_ORIGINS", default="", help="Origins that browsers may call from; `*` is all."
    )
    timezone: TimeZone = variables(
        "WAREST_TIMEZONE", "GENERIC_TIMEZONE", default="UTC", help="IANA name, for shown times."
    )
    timezone_locale: Locale = variables("WAREST_TZ_LOCALE", "TZ_LOCALE", default="en-US", help="How times are written.")
    country_code: CountryCode = variables(
        "WAREST_DEFAULT_COUNTRY_CODE", default="62", help="Replaces the leading zeros of a phone number."
    )
    data_dir: Path = variables("WAREST_DATA_DIR", default=Path("data"), help="Folder of everything kept on disk.")
    redis_url: str = variables(
        "WAREST_REDIS_URL",
        "REDIS_URL",
        default="redis://127.0.0.1:6379/0",
        help="Redis >= 6.2 or Valkey; `unix://PATH` for a socket. `warest up` brings its own.",
    )

    server_name: str = variables("WAREST_SERVER_NAME", default="Warest API", help="What this installation is called.")
    metrics_token: str = variables(
        "WAREST_METRICS_TOKEN",
        default="",
        secret=True,
        help="Whoever has it as bearer token may read `/metrics`, for Prometheus; an admin's key may in any case.",
    )

    admin_username: HeaderText = variables(
        "WAREST_AUTHADMIN_USERNAME", default="admin", help="Name of the first admin."
    )
    admin_password: str = variables(
        "WAREST_AUTHADMIN_PASSWORD", default="", secret=True, help="Its password; generated if unset."
    )
    admin_apikey: str = variables(
        "WAREST_ADMIN_APIKEY", default="", secret=True, help="Its API key; generated if unset."
    )
    api_key: str = variables(
        "WAREST_API_KEY",
        default="",
        secret=True,
        help="The key that `warest session` and `warest send` use; the first admin's if unset.",
    )

    rate_window_ms: RateWindow = variables(
        "RATE_LIMIT_WINDOW_MS", default=60_000, help="The time in which calls are counted, 1000 or more, ms."
    )
    rate_max: RateMax = variables(
        "RATE_LIMIT_MAX", default=120, help="Calls that a key may make in that time; 0 means 120."
    )
    quota_window_ms: Annotated[int, Field(ge=1)] = variables(
        "QUOTA_WINDOW_MS", default=60_000, help="The time in which calls of the server, messages and chats count, ms."
    )
    quota_max: Annotated[int, Field(ge=0)] = variables(
        "QUOTA_MAX", default=500, help="Such calls that a key may make in that time; 0 refuses all."
    )
    cooldown_ms: Milliseconds = variables(
        "SPAM_COOLDOWN_MS", default=3000, help="Pause between two sends to the same recipient; 0 means none, ms."
    )
    guesses_max: Annotated[int, Field(ge=1)] = variables(
        "WAREST_GUESSES_MAX", default=30, help="Wrong keys, and failed logins, that an address may try in a minute."
    )
    trusted_proxies: Networks = variables(
        "WAREST_TRUSTED_PROXIES",
        default="",
        help="Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    login_key_days: Annotated[float, Field(gt=0)] = variables(
        "WAREST_LOGIN_KEY_DAYS", default=30, help="How long a key that a login has made is valid, days."
    )
    audit_retention_days: Annotated[float, Field(gt=0)] = variables(
        "WAREST_AUDIT_RETENTION_DAYS", default=365, help="How long the audit trail is kept, days."
    )

    db_client: DbClient = variables(
        "WAREST_DB_CLIENT", default="sqlite", help="Kind of database: `sqlite`, `postgres` (`pg`) or `mysql` (MariaDB)."
    )
    db_sqlite_path: Path | None = variables(
        "WAREST_DB_SQLITE_PATH", default=None, help="SQLite file; default `warest.sqlite` in the data folder."
    )
    db_url: DbUrl = variables(
        "WAREST_DB_POSTGRES_URL",
        "WAREST_DB_URL",
        default="",
        secret=True,
        help="`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; wins over the next five, for PostgreSQL only.",
    )
    db_host: NeededByServer = variables("WAREST_DB_HOST", "MYSQL_HOST", default="", help="Database server.")
    db_port: Port = variables("WAREST_DB_PORT", "MYSQL_PORT", default=0, help="Its port; 0 means 5432 or 3306.")
    db_user: NeededByServer = variables("WAREST_DB_USER", "MYSQL_USER", default="", help="User of the database.")
    db_password: str = variables(
        "WAREST_DB_PASSWORD", "MYSQL_PASSWORD", default="", secret=True, help="Password of that user."
    )
    db_database: NeededByServer = variables(
        "WAREST_DB_DATABASE", "MYSQL_DATABASE", default="", help="Name of the database; it must be there."
    )
    db_ssl: bool = variables(
        "WAREST_DB_SSL",
        default=False,
        help="Encrypt the way to the database, and refuse a server without a certificate for its host name.",
    )
    db_ssl_ca: Path | None = variables(
        "WAREST_DB_SSL_CA",
        default=None,
        help="With `WAREST_DB_SSL`: file of the authorities that may have signed it; default is the system's.",
    )
    db_ssl_verify: bool = variables(
        "WAREST_DB_SSL_VERIFY",
        default=True,
        help="With `WAREST_DB_SSL`: false takes any certificate, as the original did; whoever is on the way can then "
        "read and change everything.",
    )
    db_schema: DbSchema = variables(
        "WAREST_DB_SCHEMA",
        default="",
        help="PostgreSQL only: the schema of our tables, made if it is not there; default is the user's own.",
    )

    send_events: bool = variables(
        "WAREST_SEND_EVENTS",
        default=False,
        help="Report our own messages, too: `message_sent` and `message_status`, which old receivers do not know.",
    )
    commands: Commands = variables(
        "WAREST_COMMANDS",
        default="",
        help="Words that make a `message_command` of a message which begins with them, or `/patterns/`, separated by "
        "commas.",
    )
    command_timeout: Seconds = variables(
        "WAREST_COMMAND_TIMEOUT_SEC", default=25.0, help="Longest wait for a session's answer; then 202, s."
    )
    json_limit_mb: Annotated[float, Field(gt=0)] = variables(
        "MSG_JSON_LIMIT_MB", default=100, help="Largest JSON body of a send route, MB."
    )
    web_processes: Annotated[int, Field(ge=1)] = variables(
        "WAREST_WEB_PROCESSES", "WEB_CONCURRENCY", default=1, help="Web processes."
    )
    web_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_WEB_THREADS", default=32, help="Requests served at once by one web process."
    )
    event_streams_max: Annotated[int, Field(ge=0)] = variables(
        "WAREST_EVENT_STREAMS_MAX",
        default=8,
        help="Callers of `/api/v1/events/stream` at once in one web process; each takes one of its threads, and one is "
        "left in any case.",
    )
    worker_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_WORKER_THREADS", default=8, help="Dramatiq messages worked on at once by one worker process."
    )
    events_kept: Annotated[int, Field(ge=1)] = variables(
        "WAREST_EVENTS_KEPT", default=100_000, help="Length of the public event stream in Redis, events."
    )
    events_retention_days: Annotated[float, Field(gt=0)] = variables(
        "WAREST_EVENTS_RETENTION_DAYS", default=30, help="How long the database keeps events, days."
    )
    queue_limit: Annotated[int, Field(ge=1)] = variables(
        "WAREST_QUEUE_LIMIT", default=100_000, help="Longest queue of Dramatiq messages; beyond it calls are refused."
    )
    lease: Seconds = variables(
        "WAREST_LEASE_SEC",
        default=10.0,
        help="A session whose process gave no sign of life for so long is taken over, s.",
    )
    connect_patience: Seconds = variables(
        "WAREST_CONNECT_SEC", default=45.0, help="A session that gets no further for so long is started anew, s."
    )
    session_store: SessionStore = variables(
        "WAREST_SESSION_STORE",
        default="files",
        secret=True,
        help="Where the engine keeps the sessions' keys: `files` in the data folder, `postgres` (the database of "
        "WAREST_DB_*), or a `postgresql://` URL. With `files` all hosts of the sessions need one data folder.",
    )
    phone_patience: Annotated[float, Field(ge=0)] = variables(
        "WAREST_PHONE_PATIENCE_DAYS",
        default=12,
        help="A session whose phone has sent nothing for so long is `phone_offline`; 0 means never, days.",
    )
    starts_at_once: Annotated[int, Field(ge=1)] = variables(
        "WAREST_STARTS_AT_ONCE", default=4, help="Sessions that one host connects at the same time."
    )
    sandbox_url: str = variables(
        "WAREST_SANDBOX_URL",
        default="",
        help="Control API of a sandbox network; sessions then reach nothing else.",
    )
    engine_memory_mb: Annotated[int, Field(ge=32)] = variables(
        "WAREST_ENGINE_MEMORY_MB", default=150, help="Soft memory limit of the engine in a session process, MB."
    )
    app_state_fix: bool = variables(
        "WAREST_APP_STATE_FIX",
        default=True,
        help="Mend the engine in the memory of session processes, so that stars, mutes, archives and the like reach "
        "the phone, and pictures can be taken away. Without it the former are kept here only.",
    )
    log_level: Annotated[Literal["error", "warn", "info", "debug"], BeforeValidator(lower)] = variables(
        "LOG_LEVEL", default="info", help="Log level."
    )
    log_pretty: bool = variables("LOG_PRETTY", default=False, help="Logs for people instead of JSON lines.")
    sentry_dsn: str = variables(
        "WAREST_SENTRY_DSN", "SENTRY_DSN", default="", secret=True, help="Where errors are reported; unset: nowhere."
    )

    @property
    def private_path(self) -> Path:
        return self.storage_private_path or self.data_dir / "private" / "storages"

    @property
    def public_path(self) -> Path:
        return self.storage_public_path or self.data_dir / "public" / "storages"

    @property
    def metadata_path(self) -> Path:
        return self.storage_metadata_path or self.private_path / ".meta"

    @property
    def sqlite_path(self) -> Path:
        return self.db_sqlite_path or self.data_dir / "warest.sqlite"

    @property
    def address(self) -> str:
        """Host and port, as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """The address to show people and to start absolute links with."""
        local = "127.0.0.1" if self.host == "0.0.0.0" else "[::1]" if self.host == "::" else ""
        return self.base_url.rstrip("/") or f"http://{f'{local}:{self.port}' if local else self.address}"

    def absolute(self, url: str) -> str:
        """A link as others can follow it."""
        return urljoin(f"{self.origin}/", url)


def names_of(field: Any) -> list[str]:
    """The variables of a setting, the preferred one first."""
    return [str(name) for name in field.validation_alias.choices]


def from_env() -> Settings:
    """The settings of this process. Raises SetupError with a line for every fault."""
    fields = Settings.model_fields
    names = [names_of(field) for field in fields.values()]
    values, faults = sources.read(names, os.environ, dotenv_values(".env", interpolate=False))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        secret = {name for field in fields.values() if not field.repr for name in names_of(field)}
        faults += [_told(fault, shown=fault["loc"][0] not in secret) for fault in error.errors()]
    if faults:
        raise SetupError("These settings are wrong:\n" + "\n".join(f"  {fault}" for fault in faults))
    return settings


def _told(fault: Any, *, shown: bool) -> str:
    where = str(fault["loc"][0])
    if field := Settings.model_fields.get(where):  # it is the default that is wrong
        where = names_of(field)[0]
    given = f" (got {fault['input']!r})" if shown and fault["input"] != "" else ""
    return f"{where}: {fault['msg']}{given}"

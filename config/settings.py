"""Every setting: its variables, type, default, unit and one line of help. Nothing else reads the environment.

Order: `X_FILE` (the content of a file), then the process environment, then `.env` in the working folder. An empty
variable counts as unset. Booleans are true/1/yes/on and false/0/no/off. All faults are reported at once.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from warest.errors import SetupError


def variables(*names: str, default: Any, help: str) -> Any:
    """A setting that stands in the first of `names` that is set."""
    return Field(default, validation_alias=AliasChoices(*names), description=help)


def _hash_name(value: object) -> object:
    """The original takes 256, sha256 and sha-256 for the same thing."""
    return str(value).lower().removeprefix("sha").removeprefix("-")


Sha2 = Annotated[Literal["224", "256", "384", "512"], BeforeValidator(_hash_name)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Milliseconds = Annotated[int, Field(ge=0)]


class Settings(BaseSettings):
    """The settings of one process, checked. Secrets that nobody set are in config/secrets.py."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    host: str = variables("HOST", "APP_HOST", default="0.0.0.0", help="Address to listen on.")
    port: Port = variables("PORT", "APP_PORT", default=7308, help="Port to listen on.")
    environment: str = variables("WAREST_ENV", "NODE_ENV", default="development", help="`production` is strict.")
    base_url: str = variables(
        "WAREST_BASE_URL", "WAREST_PUBLIC_URL", default="", help="How others reach this server, for absolute links."
    )
    allowed_origins: str = variables(
        "ALLOWED_ORIGINS", "WAREST_ALLOWED_ORIGINS", default="", help="Origins that browsers may call from; `*` is all."
    )
    timezone: str = variables("WAREST_TIMEZONE", "GENERIC_TIMEZONE", default="UTC", help="IANA name, for shown times.")
    timezone_locale: str = variables("WAREST_TZ_LOCALE", "TZ_LOCALE", default="en-US", help="How times are written.")
    country_code: str = variables(
        "WAREST_DEFAULT_COUNTRY_CODE", default="62", help="Replaces the leading zeros of a phone number."
    )
    data_dir: Path = variables("WAREST_DATA_DIR", default=Path("data"), help="Folder of everything kept on disk.")
    redis_url: str = variables(
        "WAREST_REDIS_URL",
        "REDIS_URL",
        default="redis://127.0.0.1:6379/0",
        help="Redis >= 6.2 or Valkey; `unix://PATH` for a socket. `warest up` brings its own.",
    )

    admin_username: str = variables("WAREST_AUTHADMIN_USERNAME", default="admin", help="Name of the first admin.")
    admin_password: str = variables("WAREST_AUTHADMIN_PASSWORD", default="", help="Its password; generated if unset.")
    admin_apikey: str = variables("WAREST_ADMIN_APIKEY", default="", help="Its API key; generated if unset.")

    db_client: Literal["sqlite"] = variables("WAREST_DB_CLIENT", default="sqlite", help="Kind of database.")
    db_sqlite_path: Path | None = variables(
        "WAREST_DB_SQLITE_PATH", default=None, help="SQLite file; default `warest.sqlite` in the data folder."
    )

    webhook_default_url: str = variables("WEBHOOK_DEFAULT_URL", default="", help="Receiver of sessions without one.")
    webhook_default_secret: str = variables(
        "WEBHOOK_DEFAULT_SECRET", default="", help="Signs where a session has no secret; generated if unset."
    )
    webhook_timeout_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_TIMEOUT_MS", default=10_000, help="Longest wait for a receiver, ms."
    )
    webhook_preflight_timeout_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_PREFLIGHT_TIMEOUT_MS", default=5_000, help="Longest wait for a preflight's answer, ms."
    )
    webhook_retries: Annotated[int, Field(ge=0, le=20)] = variables(
        "WAREST_WEBHOOK_RETRIES", default=3, help="Fast retries, before the long schedule begins."
    )
    webhook_backoff_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_BACKOFF_MS", default=800, help="Wait before the first fast retry, doubled for each next, ms."
    )
    webhook_jitter_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_JITTER_MS", default=300, help="Random addition to each wait, ms."
    )
    webhook_sha2: Sha2 = variables("WAREST_WEBHOOK_SIGNATURE_SHA2", default="256", help="224, 256, 384 or 512.")
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
    worker_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_WORKER_THREADS", default=8, help="Dramatiq messages worked on at once by one worker process."
    )
    events_kept: Annotated[int, Field(ge=1)] = variables(
        "WAREST_EVENTS_KEPT", default=100_000, help="Length of the public event stream in Redis, events."
    )
    queue_limit: Annotated[int, Field(ge=1)] = variables(
        "WAREST_QUEUE_LIMIT", default=100_000, help="Longest queue of Dramatiq messages; beyond it calls are refused."
    )
    sandbox_url: str = variables(
        "WAREST_SANDBOX_URL",
        default="",
        help="Control API of a sandbox network; sessions then reach nothing else.",
    )
    engine_memory_mb: Annotated[int, Field(ge=32)] = variables(
        "WAREST_ENGINE_MEMORY_MB", default=150, help="Soft memory limit of the engine in a session process, MB."
    )
    log_level: Literal["error", "warn", "info", "debug"] = variables("LOG_LEVEL", default="info", help="Log level.")
    log_pretty: bool = variables("LOG_PRETTY", default=False, help="Logs for people instead of JSON lines.")

    @property
    def sqlite_path(self) -> Path:
        return self.db_sqlite_path or self.data_dir / "warest.sqlite"

    @property
    def origin(self) -> str:
        """The address to show people and to start absolute links with."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        return self.base_url.rstrip("/") or f"http://{host}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, VariableFiles(settings_cls), env_settings, dotenv_settings


class VariableFiles(PydanticBaseSettingsSource):
    """`X_FILE=/run/secrets/x` gives the content of that file to X."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        for name in names_of(field):
            if path := os.environ.get(f"{name}_FILE"):
                try:
                    return Path(path).read_text().strip(), name, False
                except OSError as error:
                    raise SetupError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}


def names_of(field: Any) -> list[str]:
    """The variables of a setting, the preferred one first."""
    return [str(name) for name in field.validation_alias.choices]


def from_env() -> Settings:
    """The settings of this process. Raises SetupError with a line for every fault."""
    try:
        return Settings()
    except ValidationError as error:
        faults = (f"  {fault['loc'][0]}: {fault['msg']} (got {fault['input']!r})" for fault in error.errors())
        raise SetupError("These settings are wrong:\n" + "\n".join(faults)) from None

"""The settings as documents, written from the code: `python -m warest.config.reference` mends both files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from warest.config.cache_settings import CacheSettings
from warest.config.fetch_settings import FetchSettings
from warest.config.media_settings import MediaSettings
from warest.config.mirror_settings import MirrorSettings
from warest.config.pacing_settings import PacingSettings
from warest.config.proxy_settings import ProxySettings
from warest.config.queue_settings import QueueSettings
from warest.config.reaction_settings import ReactionSettings
from warest.config.settings import Settings, names_of
from warest.config.storage_settings import StorageSettings
from warest.config.upload_settings import UploadSettings
from warest.config.vault_settings import VaultSettings
from warest.config.webhook_settings import WebhookSettings

#: The settings by chapter; those that `Settings` itself has come first, without a title.
GROUPS: dict[str, type[BaseModel]] = {
    "": Settings,
    "Storage": StorageSettings,
    "Fetching": FetchSettings,
    "Received files": MirrorSettings,
    "Files to send": UploadSettings,
    "Compression": MediaSettings,
    "Pacing": PacingSettings,
    "Proxies": ProxySettings,
    "The queue of a session": QueueSettings,
    "Webhooks": WebhookSettings,
    "Actions of receivers": ReactionSettings,
    "Encryption, and sessions that move": VaultSettings,
    "Cache": CacheSettings,
}

_ROOT = Path(__file__).resolve().parent.parent

_INTRODUCTION = """# Configuration

Every setting is an environment variable. `X_FILE` names a file whose content is the value of `X`; `.env` in the working
folder is read too; the process environment wins over `.env`, and `X_FILE` over both. An empty variable counts as unset.
Booleans are true, 1, yes, on and false, 0, no, off. Wrong settings stop the start, all of them named at once.

Where several names stand in a row, the first that is set counts. Written by `python -m warest.config.reference`.
"""

_TABLE = """
| variable | default | what it does |
|---|---|---|
"""

_IGNORED = """
## Ignored

The original read these too.

| variable | why it is ignored |
|---|---|
"""

#: Variables of the original that we know and do not read, and why.
IGNORED = {
    "WAREST_STORAGE_LOCAL_ENCRYPT_PUBLIC": "Public files are for everybody; the original did not encrypt them either.",
    "WAREST_STORAGE_LOCAL_CHECKSUM": "Checksums are always SHA-256: they are compared with those of other hosts.",
    "WAREST_STORAGE_LOCAL_PRUNE_MS": "Links are not kept in memory, so there is nothing to prune.",
    "WAREST_STORAGE_S3_SSE_CUSTOMER_ALGO": "S3 knows only AES256.",
    "WAREST_CACHE_REDIS_FAMILY": "Which kind of address a name leads to is for the resolver.",
    "WAREST_CACHE_MEMCACHED_USERNAME": "The memcached library has no logins: keep the server to a private network.",
    "WAREST_CACHE_MEMCACHED_PASSWORD": "Likewise.",
    "WAREST_RUNTIME": "A restart is always done by the processes themselves, whatever has started them.",
    "WAREST_PROCESS_MANAGER": "Likewise.",
}


def markdown() -> str:
    """docs/configuration.md."""
    parts = [_INTRODUCTION]
    for title, group in GROUPS.items():
        rows = (f"| {_listed(names)} | {shown} | {help} |\n" for names, shown, help in _settings(group))
        parts += [f"\n## {title}\n" if title else "", _TABLE, *rows]
    ignored = (f"| `{name}` | {why} |\n" for name, why in IGNORED.items())
    return "".join([*parts, _IGNORED, *ignored])


def example() -> str:
    """.env.example: everything commented out, since nothing has to be set."""
    every = (setting for group in GROUPS.values() for setting in _settings(group))
    parts = (f"# {help}\n#{names[0]}={shown.strip('`').replace('none', '')}\n" for names, shown, help in every)
    return "# Copy to .env and uncomment what you need; docs/configuration.md explains.\n\n" + "\n".join(parts)


def _settings(group: type[BaseModel]) -> Iterator[tuple[list[str], str, str]]:
    """Variables, default and help of each setting that the group itself has."""
    for name, field in group.model_fields.items():
        if name in group.__annotations__:
            yield names_of(field), _default(field.default), str(field.description)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _default(value: Any) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
    return f"`{shown}`" if shown else "none"


if __name__ == "__main__":
    (_ROOT / "docs" / "configuration.md").write_text(markdown())
    (_ROOT / ".env.example").write_text(example())

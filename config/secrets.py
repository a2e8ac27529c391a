"""Secrets that nobody set: generated on first boot, kept in the data folder, never a known default."""

import fcntl
import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from warest.config.settings import Settings
from warest.errors import SetupError
from warest.ids import new_ulid

log = logging.getLogger(__name__)

#: Values of the original's documents, compose files and defaults.
SAMPLES = frozenset({"supersecret", "warest-admin-key", "warest-storage-secret", "changeme", "change-me", "secret"})

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, repr=False)
class Secrets:
    """What is kept in `secrets.json` (mode 0600); a variable that is set wins over it."""

    admin_apikey: str
    admin_password: str
    webhook_secret: str


def load(settings: Settings) -> Secrets:
    """The secrets of this installation. Processes that boot at once agree: the file is locked while it is made."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    kept = _kept(path(settings))
    refuse_samples(settings)
    return Secrets(
        admin_apikey=settings.admin_apikey or kept.admin_apikey,
        admin_password=settings.admin_password or kept.admin_password,
        webhook_secret=settings.webhook_default_secret or kept.webhook_secret,
    )


def refuse_samples(settings: Settings) -> None:
    """Raise SetupError when a value that stands in somebody's documents guards a production server (decision 4)."""
    used = (settings.admin_apikey, settings.admin_password, settings.webhook_default_secret)
    if not SAMPLES.intersection(used):
        return
    if settings.environment == "production" and settings.host not in LOOPBACK:
        raise SetupError(
            "A secret has a value that everybody knows from sample files. Change WAREST_AUTHADMIN_PASSWORD, "
            "WAREST_ADMIN_APIKEY and WEBHOOK_DEFAULT_SECRET, or unset them to have them generated."
        )
    log.warning("a secret has a value that everybody knows from sample files; do not use it where others can connect")


def path(settings: Settings) -> Path:
    return settings.data_dir / "secrets.json"


def _kept(file: Path) -> Secrets:
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as handle:
        os.fchmod(handle.fileno(), 0o600)  # one that was copied here may be readable by others
        fcntl.flock(handle, fcntl.LOCK_EX)
        if text := handle.read():
            return Secrets(**json.loads(text))
        made = Secrets(
            admin_apikey=f"admin_{new_ulid()}_{secrets.token_hex(16)}",
            admin_password=secrets.token_urlsafe(12),
            webhook_secret=secrets.token_urlsafe(24),
        )
        handle.write(json.dumps(asdict(made), indent=2) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
        return made

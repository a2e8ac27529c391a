"""Secrets that nobody set: generated on first boot, kept in the data folder, never a known default."""

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from warest.config import kinds
from warest.config.settings import Settings
from warest.errors import SetupError
from warest.ids import new_ulid

log = logging.getLogger(__name__)

#: Values of the original's documents, compose files and defaults.
SAMPLES = frozenset({"supersecret", "warest-admin-key", "warest-storage-secret", "changeme", "change-me", "secret"})

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, repr=False)
class Secrets:
    """What is kept in `secrets.json` (mode 0600); a variable that is set wins over it.

    But for `storage_secret`: that is always the kept one, since files that it has encrypted must stay readable. So do
    the kept `secrets_keys`, the newest first, behind those that are set.
    """

    admin_apikey: str
    admin_password: str
    webhook_secret: str
    storage_secret: str
    secrets_keys: tuple[str, ...]


def load(settings: Settings) -> Secrets:
    """The secrets of this installation. Processes that boot at once agree: the file is locked while it is made."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    kept = _kept(path(settings))
    refuse_samples(settings)
    return Secrets(
        admin_apikey=settings.admin_apikey or kept.admin_apikey,
        admin_password=settings.admin_password or kept.admin_password,
        webhook_secret=settings.webhook_default_secret or kept.webhook_secret,
        storage_secret=kept.storage_secret,
        secrets_keys=(*kinds.split(settings.secrets_key), *kept.secrets_keys),
    )


def vault_keys(settings: Settings) -> tuple[str, ...]:
    """What webhook secrets and stopped sessions are encrypted with, the newest first."""
    return load(settings).secrets_keys


def rotate(settings: Settings) -> None:
    """From now on a new key encrypts. Raises SetupError when the keys are given by a variable."""
    if settings.secrets_key:
        raise SetupError(
            "The keys are those of WAREST_SECRETS_KEY. Make one (openssl rand -hex 32); add it to the end of that list "
            "on every host, and start all processes again; then move it to the front, start them again, and run "
            "`warest secrets seal`."
        )
    load(settings)  # the file is there
    with _locked(path(settings)) as handle:
        kept = json.loads(handle.read())
        kept["secrets_keys"] = [secrets.token_hex(32), *kept["secrets_keys"]]
        _replace(path(settings), _written(kept))


def find_admin_key(settings: Settings) -> str:
    """The first admin's key. Unlike load() it makes none: raises SetupError when there is none that we may read."""
    if settings.admin_apikey:
        return settings.admin_apikey
    file = path(settings)
    remedy = "Name the data folder of the server (--data), or give a key (WAREST_API_KEY, --key-file)."
    try:
        return str(json.loads(file.read_text())["admin_apikey"])
    except FileNotFoundError:
        raise SetupError(f"There is no API key in {file}. {remedy}") from None
    except (OSError, ValueError, LookupError) as error:
        raise SetupError(f"{file} cannot be read ({error}). {remedy}") from error


def samples_in(settings: Settings) -> list[str]:
    """The variables whose value stands in somebody's documents."""
    used = {
        "WAREST_AUTHADMIN_PASSWORD": settings.admin_password,
        "WAREST_ADMIN_APIKEY": settings.admin_apikey,
        "WEBHOOK_DEFAULT_SECRET": settings.webhook_default_secret,
        "WAREST_STORAGE_SHARED_SECRET": settings.storage_secret,
        "WAREST_STORAGE_LOCAL_ENCRYPTION_KEY": settings.storage_key,
        "WAREST_STORAGE_LOCAL_SIGNED_SECRET": settings.storage_signing_secret,
    }
    return [name for name, value in used.items() if value in SAMPLES]


def is_exposed(settings: Settings) -> bool:
    """In production, and where others can connect."""
    return settings.environment == "production" and settings.host not in LOOPBACK


def refuse_samples(settings: Settings) -> None:
    """Raise SetupError when such a value guards a production server (decision 4)."""
    known = samples_in(settings)
    if not known:
        return
    if is_exposed(settings):
        raise SetupError(
            f"These have a value that everybody knows from sample files: {', '.join(known)}. "
            "Change them, or unset them to have them generated."
        )
    log.warning("a secret has a value that everybody knows from sample files; do not use it where others can connect")


def path(settings: Settings) -> Path:
    return settings.data_dir / "secrets.json"


def _kept(file: Path) -> Secrets:
    made = Secrets(
        admin_apikey=f"admin_{new_ulid()}_{secrets.token_hex(16)}",
        admin_password=secrets.token_urlsafe(12),
        webhook_secret=secrets.token_urlsafe(24),
        storage_secret=secrets.token_hex(32),
        secrets_keys=(secrets.token_hex(32),),
    )
    with _locked(file) as handle:
        text = handle.read()
        kept = json.loads(text) if text else {}
        if missing := asdict(made).keys() - kept.keys():  # all of them, or those that an older release had not
            kept |= {name: value for name, value in asdict(made).items() if name in missing}
            _replace(file, _written(kept))
    return Secrets(**{name: kept[name] for name in asdict(made)} | {"secrets_keys": tuple(kept["secrets_keys"])})


def _written(kept: dict[str, Any]) -> str:
    return json.dumps(kept, indent=2) + "\n"


@contextmanager
def _locked(file: Path) -> Iterator[TextIO]:
    """The file, which nobody else changes meanwhile."""
    while True:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as handle:
            os.fchmod(handle.fileno(), 0o600)  # one that was copied here may be readable by others
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle.fileno()).st_ino == file.stat().st_ino:  # else it was replaced while we waited
                yield handle
                return


def _replace(file: Path, text: str) -> None:
    """As a whole or not at all: what stands in it cannot be made again."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)

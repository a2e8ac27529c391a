"""Checks of the data folder and of the storage."""

import os
import shutil
import tempfile
from pathlib import Path

from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.config import house, secrets
from warest.config.settings import Settings

#: Less free space than that is a reason to warn, and to fail, bytes.
SCARCE, TOO_LITTLE = 1_000_000_000, 100_000_000

_NOT_YET = "The first start makes it: `warest up`."


def is_writable(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    if not folder.exists():
        return _can_be_made(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return _unwritable(folder, error)
    return Finding(OK, str(folder))


def are_private(settings: Settings) -> Finding:
    """Whoever reads the secrets is the admin."""
    file = secrets.path(settings)
    if not file.exists():
        return Finding(WARN, f"{file} is not there yet", _NOT_YET)
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding(FAIL, f"others can read {file} (mode {mode:o})", f"chmod 600 {file}")
    return Finding(OK, f"{file} is for its owner only")


def has_space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    said = f"{free / 1e9:.1f} GB free at {settings.data_dir.absolute()}"
    if free < SCARCE:
        return Finding(FAIL if free < TOO_LITTLE else WARN, said, "Make room, or set WAREST_DATA_DIR to another disk.")
    return Finding(OK, said)


def storage_works(settings: Settings) -> Finding:
    """A small file is written, read and deleted."""
    if settings.storage_driver == "local" and not secrets.path(settings).exists():
        return Finding(WARN, "nothing is there yet", _NOT_YET)  # to open it would make its secret
    opened = house.open_storage(settings)
    seconds = opened.ping()
    return Finding(OK, f"{opened.driver} wrote, read and deleted a file in {seconds * 1000:.0f} ms")


def _can_be_made(folder: Path) -> Finding:
    parent = next(each for each in folder.parents if each.exists())
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return Finding(WARN, f"{folder} is not there yet", _NOT_YET)
    return _unwritable(folder, f"{parent} is no folder that this user can write to")


def _unwritable(folder: Path, why: object) -> Finding:
    remedy = "Give it to the user that runs WAREST, or set WAREST_DATA_DIR to another folder."
    return Finding(FAIL, f"nothing can be written in {folder}: {why}", remedy)

"""The keys of a session that does not run, encrypted: the SQLite file of the engine, or in its place a sealed one.

    whatsapp.sqlite   while the session runs; where it is, it is the truth
    whatsapp.sealed   when it does not

Either way the new file is complete and on the disk before the old one goes, so who is killed half-way loses nothing.
All of this happens under the lock of the folder (keystores.py).
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from warest import ids
from warest.errors import DriverError, InvalidInput
from warest.vault import Vault

#: Bytes that are read at once.
_PIECE = 65536


def plain(folder: Path) -> Path:
    return folder / "whatsapp.sqlite"


def sealed(folder: Path) -> Path:
    return folder / "whatsapp.sealed"


def seal(folder: Path, vault: Vault) -> bool:
    """Whether there are keys, encrypted now. Raises DriverError, with everything as it was."""
    file = plain(folder)
    if file.exists():
        _settle(file)
        with file.open("rb") as source, replacing(sealed(folder)) as out:
            vault.seal_file(iter(lambda: source.read(_PIECE), b""), out, name_of(folder))
        _remove(file)
    return sealed(folder).exists()


def unseal(folder: Path, vault: Vault) -> None:
    """Have the engine's file there, if there are keys. Raises DriverError when they cannot be read."""
    file, kept = plain(folder), sealed(folder)
    if not file.exists() and kept.exists():
        _remove(file)  # its journal: that of another life would spoil what comes
        with kept.open("rb") as source, replacing(file) as out:
            out.writelines(vault.open_file(source, name_of(folder)))
    kept.unlink(missing_ok=True)


def reseal(folder: Path, vault: Vault) -> bool:
    """Encrypt with the newest key what another one has encrypted; whether it was. Raises DriverError."""
    kept = sealed(folder)
    if not kept.exists():
        return False
    with kept.open("rb") as source:
        if vault.is_current_file(source):
            return False
        with replacing(kept) as out:
            vault.seal_file(vault.open_file(source, name_of(folder)), out, name_of(folder))
    return True


def check(folder: Path, vault: Vault, file: Path) -> str:
    """Whose keys a file has that was sealed for this folder: the JID of the device.

    Raises InvalidInput when it is not what the engine makes; DriverError when it cannot be read.
    """
    looked_at = folder / "whatsapp.check"
    try:
        with file.open("rb") as source, replacing(looked_at) as out:
            out.writelines(vault.open_file(source, name_of(folder)))
        return _device_in(looked_at)
    finally:
        looked_at.unlink(missing_ok=True)


def name_of(folder: Path) -> str:
    return ids.name_of_keys(folder.name)


def close_to_others(folder: Path) -> None:
    """The engine's file, its journal beside it, and the folder are for us alone (decision 39)."""
    folder.chmod(0o700)
    plain(folder).touch(0o600)  # SQLite gives a journal the mode of its database
    for file in folder.glob("whatsapp.sqlite*"):
        file.chmod(0o600)


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A file in place of another, as a whole or not at all; only we can read it."""
    draft = file.with_suffix(".new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise DriverError(f"{file} cannot be written: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _settle(file: Path) -> None:
    """All that the engine has written is in the one file."""
    import sqlite3  # a session process has no use for it

    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise DriverError(f"{file} cannot be read: {error}") from error
    if busy:
        raise DriverError(f"{file} is in use.")


def _remove(file: Path) -> None:
    for each in (file, *(file.with_name(file.name + tail) for tail in ("-wal", "-shm"))):
        each.unlink(missing_ok=True)
    _sync(file.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _device_in(file: Path) -> str:
    """A file of somebody else's making may hold more than tables: nothing of it is run here, nor by the engine."""
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            kinds = {kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")}
            is_whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            devices = connection.execute("SELECT jid FROM whatsmeow_device LIMIT 2").fetchall()
    except sqlite3.Error as error:
        raise InvalidInput(f"The file does not hold the keys of a session: {error}") from error
    if not kinds <= {"table", "index"} or not is_whole or len(devices) != 1:
        raise InvalidInput("The file does not hold the keys of one session.")
    return str(devices[0][0])

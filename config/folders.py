"""One installation, several data folders: what works so, and what must be said to somebody who tries the rest.

The processes of an installation have Redis in common. Each tells there, as long as it lives, which data folder it has
and which variables leave something of it in that folder alone. One that finds a process with another folder, and
something missing on either side, does not start (decision 10): it would work on another database, or sign with another
secret, and nobody would know why.
"""

import contextlib
import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from warest import keys
from warest.config.settings import Settings
from warest.errors import SetupError
from warest.ids import new_ulid

#: A process that has given no sign of life for so long is gone, s.
TTL = 15.0

#: What to set, instead of what is there.
_REMEDIES = {
    "WAREST_STORAGE_DRIVER": "WAREST_STORAGE_DRIVER=s3, and where that storage is",
    "WAREST_DB_CLIENT": "WAREST_DB_CLIENT=postgres or mysql, and where that database is",
    "WAREST_SESSION_STORE": "WAREST_SESSION_STORE=postgres, or a postgresql:// URL",
}

#: Matters only between two processes that both use it; of the others one is enough.
_OF_SESSIONS = "WAREST_SESSION_STORE"


@dataclass(frozen=True)
class Member:
    """One process: `folder` is the identity of its data folder, `alone` the variables that keep something in there."""

    folder: str
    place: str
    alone: tuple[str, ...]


class Membership:
    """Tells every few seconds that this process lives, until it leaves."""

    def __init__(self, client: "redis.Redis", name: str, member: Member) -> None:
        self._client = client
        self._name = name
        self._member = member
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._tell_on, name="folder", daemon=True)

    def begin(self) -> None:
        """Raises SetupError when others have another folder and need the same. Redis may come later."""
        with contextlib.suppress(redis.RedisError):
            self._tell()
            try:
                _refuse(self._member, _others(self._client, self._member))
            except SetupError:
                self._client.hdel(keys.MEMBERS, self._name)
                raise
        self._thread.start()

    def leave(self) -> None:
        """So that nobody has to wait until this process counts as dead."""
        self._left.set()
        self._thread.join()
        with contextlib.suppress(redis.RedisError):
            self._client.hdel(keys.MEMBERS, self._name)

    def _tell_on(self) -> None:
        while not self._left.wait(TTL / 3):
            with contextlib.suppress(redis.RedisError):
                self._tell()

    def _tell(self) -> None:
        told = json.dumps({**vars(self._member), "until": time.time() + TTL})
        with self._client.pipeline() as pipe:
            pipe.hset(keys.MEMBERS, self._name, told)
            pipe.expire(keys.MEMBERS, int(TTL * 4))
            pipe.execute()


def join(settings: Settings, client: "redis.Redis", role: str) -> Membership:
    """A process of this `role` (web, sessions, worker) belongs to the installation from now on.

    Raises SetupError when it and another one have different data folders and need the same.
    """
    member = Member(_identity(settings.data_dir), _place(settings), _alone(settings, role))
    membership = Membership(client, f"{member.folder}/{role}/{os.getpid()}", member)
    membership.begin()
    return membership


def _alone(settings: Settings, role: str) -> tuple[str, ...]:
    """What is kept in the data folder, by the variable that would change that."""
    kept = {
        "WAREST_DB_CLIENT": settings.db_client == "sqlite",
        "WAREST_STORAGE_DRIVER": settings.storage_driver == "local",
        _OF_SESSIONS: role == "sessions" and settings.session_store == "files",
        "WAREST_SECRETS_KEY": not settings.secrets_key,
    }
    if role != "sessions":
        kept["WAREST_ADMIN_APIKEY"] = not settings.admin_apikey
        kept["WAREST_AUTHADMIN_PASSWORD"] = not settings.admin_password
        kept["WEBHOOK_DEFAULT_SECRET"] = not settings.webhook_default_secret
    return tuple(variable for variable, is_kept in kept.items() if is_kept)


def _refuse(member: Member, others: list[Member]) -> None:
    for other in others:
        missing = {*member.alone, *other.alone}
        if not (_OF_SESSIONS in member.alone and _OF_SESSIONS in other.alone):
            missing.discard(_OF_SESSIONS)
        if missing:
            remedies = "\n".join(f"  {_REMEDIES.get(variable, variable)}" for variable in sorted(missing))
            raise SetupError(
                f"This process has the data folder {member.place}, and another one of this installation has "
                f"{other.place}. Give both the same folder (WAREST_DATA_DIR), or set for both:\n{remedies}"
            )


def _others(client: "redis.Redis", member: Member) -> list[Member]:
    """The living ones with another folder."""
    found: Any = client.hgetall(keys.MEMBERS)
    entries = [json.loads(entry) for entry in found.values()]
    living = [entry for entry in entries if entry["until"] > time.time()]
    if dead := [name for name, entry in zip(found, entries, strict=True) if entry not in living]:
        client.hdel(keys.MEMBERS, *dead)
    others = [Member(entry["folder"], entry["place"], tuple(entry["alone"])) for entry in living]
    return [other for other in others if other.folder != member.folder]


def _identity(folder: Path) -> str:
    """Made once; a folder that several hosts mount has one, whatever each calls it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "folder.id"
    with contextlib.suppress(FileExistsError), file.open("x") as handle:
        handle.write(new_ulid())
    deadline = time.monotonic() + 2
    while not (identity := file.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.01)  # somebody is just writing it
    return identity


def _place(settings: Settings) -> str:
    return f"{settings.data_dir.absolute()} on {socket.gethostname()}"

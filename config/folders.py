"""One installation, several data folders: what works so, and what must be said to somebody who tries the rest.

The processes of an installation have Redis in common. Each tells there, as long as it lives, which data folder it has
and which variables leave something of it in that folder alone. One that finds a process with another folder, and
something missing on either side, does not start (decision 10): it would work on another database, or sign with another
secret, and nobody would know why.
"""

import contextlib
import json
import logging
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

log = logging.getLogger(__name__)

#: A process that has given no sign of life for so long is gone, s.
TTL = 15.0

#: What to set, instead of what is there.
_REMEDIES = {
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


def join(settings: Settings, client: "redis.Redis", role: str) -> None:
    """Tell that a process of this `role` (web, sessions, worker) lives here, from now on.

    Raises SetupError when it and another one have different data folders and need the same.
    """
    member = Member(_identity(settings.data_dir), _place(settings), _alone(settings, role))
    name = f"{member.folder}/{role}/{os.getpid()}"
    with contextlib.suppress(redis.RedisError):  # Redis may come later; then it is told later
        _tell(client, name, member)
        try:
            _refuse(member, _others(client, member))
        except SetupError:
            client.hdel(keys.MEMBERS, name)
            raise
    threading.Thread(target=_tell_for_ever, args=[client, name, member], name="folder", daemon=True).start()


def _alone(settings: Settings, role: str) -> tuple[str, ...]:
    if role == "sessions":
        secret: list[tuple[str, str]] = []
    else:
        secret = [
            ("WAREST_ADMIN_APIKEY", settings.admin_apikey),
            ("WAREST_AUTHADMIN_PASSWORD", settings.admin_password),
            ("WEBHOOK_DEFAULT_SECRET", settings.webhook_default_secret),
        ]
    alone = [variable for variable, value in secret if not value]
    if settings.db_client == "sqlite":
        alone.append("WAREST_DB_CLIENT")
    if role == "sessions" and settings.session_store == "files":
        alone.append(_OF_SESSIONS)
    return tuple(alone)


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


def _tell(client: "redis.Redis", name: str, member: Member) -> None:
    told = {**vars(member), "until": time.time() + TTL}
    with client.pipeline() as pipe:
        pipe.hset(keys.MEMBERS, name, json.dumps(told))
        pipe.expire(keys.MEMBERS, int(TTL * 4))
        pipe.execute()


def _tell_for_ever(client: "redis.Redis", name: str, member: Member) -> None:
    while True:
        time.sleep(TTL / 3)
        with contextlib.suppress(redis.RedisError):
            _tell(client, name, member)


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

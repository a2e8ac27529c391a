"""Several data folders in one installation: allowed where everything that counts is shared, refused elsewhere."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from warest import keys
from warest.config import folders
from warest.config.house import House
from warest.config.settings import Settings
from warest.errors import SetupError

SHARED: dict[str, Any] = {
    "db_client": "postgres",
    "db_url": "postgresql://db/warest",
    "session_store": "postgres",
    "storage_driver": "s3",
    "s3_bucket": "files",
    "admin_apikey": "k",
    "admin_password": "p",
    "webhook_default_secret": "s",
    "secrets_key": "a key of sixteen and more",
}


Join = Callable[[Settings, str], None]


@pytest.fixture
def join(parts: House) -> Iterator[Join]:
    joined: list[folders.Membership] = []
    yield lambda settings, role: joined.append(folders.join(settings, parts.redis, role))
    for membership in joined:
        membership.leave()
    assert parts.redis.hlen(keys.MEMBERS) == 0


def settings_of(folder: Path, **changed: Any) -> Settings:
    return Settings(data_dir=folder, **{**SHARED, **changed})


def missing(error: pytest.ExceptionInfo[SetupError]) -> set[str]:
    return {line.split()[0].partition("=")[0] for line in str(error.value).splitlines()[1:]}


def test_with_one_folder_everything_goes(join: Join, folder: Path) -> None:
    for role in ("web", "sessions", "worker", "sessions"):
        join(Settings(data_dir=folder), role)


def test_with_several_folders_shared_parts_go(join: Join, folder: Path) -> None:
    for role in ("web", "sessions", "worker"):
        join(settings_of(folder / role), role)


def test_two_hosts_of_sessions_need_a_shared_store(join: Join, folder: Path) -> None:
    """One can keep its keys in files, wherever web and worker are."""
    join(settings_of(folder / "a", session_store="files"), "sessions")
    join(settings_of(folder / "b", session_store="files"), "web")
    join(settings_of(folder / "c"), "sessions")
    with pytest.raises(SetupError) as error:
        join(settings_of(folder / "d", session_store="files"), "sessions")
    assert missing(error) == {"WAREST_SESSION_STORE"}


@pytest.mark.parametrize("culprit", ["first", "second"])
def test_what_one_of_them_has_alone_is_named(join: Join, folder: Path, culprit: str) -> None:
    alone = {"db_client": "sqlite", "storage_driver": "local", "webhook_default_secret": "", "session_store": "files"}
    join(settings_of(folder / "a", **(alone if culprit == "first" else {})), "worker")
    with pytest.raises(SetupError, match=re.escape(f"{folder}/a on ")) as error:
        join(settings_of(folder / "b", **(alone if culprit == "second" else {})), "web")
    assert missing(error) == {"WAREST_DB_CLIENT", "WAREST_STORAGE_DRIVER", "WEBHOOK_DEFAULT_SECRET"}
    # Who was refused is not in anybody's way afterwards.
    join(settings_of(folder / "a"), "web")


def test_the_dead_are_in_nobodys_way(parts: House, join: Join, folder: Path) -> None:
    join(Settings(data_dir=folder / "a"), "web")
    (told,) = parts.redis.hgetall(keys.MEMBERS).items()
    parts.redis.hset(keys.MEMBERS, told[0], json.dumps({**json.loads(told[1]), "until": time.time() - 1}))
    join(Settings(data_dir=folder / "b"), "web")
    assert parts.redis.hlen(keys.MEMBERS) == 1


def test_redis_may_come_later(folder: Path) -> None:
    away = redis.Redis(unix_socket_path=str(folder / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    folders.join(Settings(data_dir=folder), away, "web").leave()
    away.close()

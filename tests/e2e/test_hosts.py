"""Several hosts: four data folders, and only Redis, PostgreSQL and S3 in common (decision 10)."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from support import databases, object_server
from support.hosts import Hosts, hosts
from support.object_server import ObjectServer
from support.receiver import Receiver
from support.waiting import eventually
from warest import store

PHONES = [f"62815000000{number}" for number in range(4)]

pytestmark = pytest.mark.server


@pytest.fixture
def database(folder: Path) -> Iterator[store.Postgres]:
    with databases.empty("postgres", folder) as database:
        assert isinstance(database, store.Postgres)
        yield database


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectServer]:
    with object_server.running() as server:
        yield server


@pytest.fixture
def installation(folder: Path, redis_url: str, database: store.Postgres, s3: ObjectServer) -> Iterator[Hosts]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        url = f"postgresql://postgres@127.0.0.1/{database.server.database}"
        shared = {"WAREST_DB_CLIENT": "postgres", "WAREST_DB_URL": url, "WAREST_SESSION_STORE": "postgres"}
        shared |= bucket_settings(s3)
        with hosts(folder, WAREST_REDIS_URL=redis_url, WAREST_LEASE_SEC="3", **shared) as running:
            yield running


def bucket_settings(s3: ObjectServer) -> dict[str, str]:
    return {
        "WAREST_STORAGE_DRIVER": "s3",
        "WAREST_STORAGE_S3_ENDPOINT": s3.url,
        "WAREST_STORAGE_S3_BUCKET": s3.bucket().name,
        "WAREST_STORAGE_S3_KEY": s3.access_key,
        "WAREST_STORAGE_S3_SECRET": s3.secret_key,
        "WAREST_STORAGE_S3_FORCE_PATH_STYLE": "true",
    }


def all_open(installation: Hosts) -> bool:
    items = installation.api("GET", "/session/list")["results"][0]["items"]
    return len(items) == len(PHONES) and all(item["state"] == "open" for item in items)


def test_sessions_move_between_hosts(installation: Hosts, receiver: Receiver) -> None:
    """Keys in PostgreSQL, a schema each: a host that is killed, frozen or stopped leaves its sessions to the other."""
    for phone in PHONES:
        installation.link(f"s{phone}", phone, webhook=receiver.url)

    installation.kill("one")
    eventually(
        lambda: holders(installation) == {"two": 4} and all_open(installation), within=30, what="all on the second"
    )
    talk(installation, receiver, "after a kill")

    installation.start("one", "sessions")
    eventually(
        lambda: holders(installation) == {"one": 2, "two": 2} and all_open(installation),
        within=30,
        what="sharing again",
    )
    talk(installation, receiver, "shared")

    installation.signal("two", signal.SIGSTOP)
    eventually(
        lambda: holders(installation) == {"one": 4} and all_open(installation), within=30, what="all on the first"
    )
    talk(installation, receiver, "while frozen")
    installation.signal("two", signal.SIGCONT)
    eventually(
        lambda: holders(installation) == {"one": 2, "two": 2} and all_open(installation),
        within=30,
        what="sharing again",
    )
    talk(installation, receiver, "after a freeze")

    installation.processes["one"].send_signal(signal.SIGTERM)
    eventually(lambda: holders(installation) == {"two": 4} and all_open(installation), within=10, what="a hand-over")
    talk(installation, receiver, "after a hand-over")


def test_the_database_of_the_keys_may_hang_up(
    installation: Hosts, receiver: Receiver, database: store.Postgres
) -> None:
    """As it does when it is started again: the engine connects anew, and loses nothing."""
    for phone in PHONES:
        installation.link(f"s{phone}", phone, webhook=receiver.url)
    assert databases.cut_all_connections(database) > len(PHONES)
    talk(installation, receiver, "after a cut")


@pytest.mark.parametrize("command", ["web", "worker", "sessions"])
def test_a_host_with_a_database_of_its_own_does_not_start(installation: Hosts, command: str) -> None:
    lonely = installation.start("lonely", command, WAREST_DB_CLIENT="sqlite", WAREST_SESSION_STORE="files")
    assert lonely.wait(timeout=20) == 1
    assert "set for both:\n  WAREST_DB_CLIENT=postgres or mysql" in installation.log("lonely").read_text()


def talk(installation: Hosts, receiver: Receiver, words: str) -> None:
    """Every session sends and hears, and everything is there once."""
    first, *others = PHONES
    for phone in others:
        assert installation.send(f"s{phone}", first, f"{words} from {phone}")["code"] == 1000
        name, content = f"{words} from {phone}.txt", words.encode() * 10_000
        assert installation.send_document(f"s{phone}", first, name, content)["code"] == 1000
        assert installation.file_of(first, name) == content
        installation.phone_sends(first, phone, f"{words} to {phone}")
    eventually(lambda: all(installation.phone_has(first, f"{words} from {phone}") for phone in others))
    expected = {f"{words} to {phone}" for phone in others}
    eventually(lambda: expected <= {*receiver.texts()}, within=30, what="the events")
    texts = installation.texts(first)
    assert len(texts) == len(set(texts))


def holders(installation: Hosts) -> dict[str, int]:
    """How many sessions each host holds now; none with none."""
    with redis.Redis.from_url(installation.environment["WAREST_REDIS_URL"]) as client:
        leases = [client.get(key) for key in client.scan_iter("warest:session:*:lease")]
    pids = [int(lease.decode().split("/")[-2]) for lease in leases if isinstance(lease, bytes)]
    held = {name: pids.count(process.pid) for name, process in installation.processes.items()}
    return {name: count for name, count in held.items() if count}

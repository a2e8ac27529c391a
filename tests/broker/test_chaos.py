"""Ten thousand messages while workers are killed at random and Redis is killed, or fails over: none may be lost."""

import collections
import contextlib
import importlib.util
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from support.product import free_port
from support.waiting import eventually
from warest import keys
from warest.actors.fork_server import die_with_parent
from warest.broker import StreamsBroker
from warest.cli import embedded_redis
from warest.errors import DriverError

pytestmark = pytest.mark.slow

MESSAGES = 10_000

WORKERS = 3

#: Seconds between two kills of a worker.
KILL_EVERY = 0.4

SCRIPT = Path(__file__).parent / "chaos_process.py"


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("chaos_process", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chaos = load_script()


class Server:
    """A Redis that can be killed and started again; it keeps every write in a file."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir()
        self._command = [*embedded_redis.command(folder, folder / "redis.sock"), *options]
        self.url = f"unix://{folder / 'redis.sock'}"
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        eventually(lambda: embedded_redis.answers(self.url), within=20, what="Redis")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.client.close()
        self.kill()


class Crew:
    """Worker processes, of which one is killed and replaced every now and then."""

    def __init__(self, url: str, file: Path) -> None:
        self._command = [sys.executable, str(SCRIPT), url, str(file)]
        self._workers: list[subprocess.Popen[bytes]] = []
        self._calm, self._over = threading.Event(), threading.Event()
        self._killer = threading.Thread(target=self._kill_on, daemon=True)
        self.killed = 0

    def __enter__(self) -> "Crew":
        self._workers = [self._spawn() for _ in range(WORKERS)]
        self._killer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.calm()
        self._over.set()
        self._killer.join()
        for worker in self._workers:
            worker.kill()
            worker.wait()

    def calm(self) -> None:
        """From now on nobody is killed."""
        self._calm.set()

    def _kill_on(self) -> None:
        while not self._calm.wait(KILL_EVERY):
            victim = random.randrange(WORKERS)
            self._workers[victim].kill()
            self._workers[victim].wait()
            self._workers[victim] = self._spawn()
            self.killed += 1
        self._over.wait()  # the workers die with the thread that has started them

    def _spawn(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "redis")
    yield server
    server.close()


def test_killed_workers_and_a_killed_redis_lose_nothing(server: Server, folder: Path) -> None:
    """What an enqueue has acknowledged runs, at least once."""
    broker, file = StreamsBroker(server.url, heartbeat=chaos.HEARTBEAT), folder / "log"
    actor = chaos.declare(broker, str(file))
    with Crew(server.url, file) as crew:
        sender = threading.Thread(target=send_all, args=[actor])
        sender.start()
        eventually(lambda: done(file) > MESSAGES / 4, within=120, what="a quarter")
        server.kill()
        server.start()
        sender.join()
        crew.calm()
        eventually(lambda: is_empty(server.client), within=120, what="an empty queue")
        report(file, f"{crew.killed} workers and Redis were killed")
    broker.close()


def test_a_failed_over_redis_loses_nothing_that_was_copied(folder: Path) -> None:
    """A replica takes over the address of its master, with the queues, the groups, and who holds what."""
    port = free_port()
    master = Server(folder / "one", "--port", str(port), "--bind", "127.0.0.1")
    replica = Server(folder / "two", "--replicaof", "127.0.0.1", str(port))
    address = folder / "current.sock"
    address.symlink_to(folder / "one" / "redis.sock")
    url, file = f"unix://{address}", folder / "log"
    broker = StreamsBroker(url, heartbeat=chaos.HEARTBEAT)
    actor = chaos.declare(broker, str(file))
    with Crew(url, file) as crew:
        for number in range(MESSAGES // 10):
            actor.send(number)
        eventually(lambda: done(file) > 200, within=60)
        assert master.client.wait(1, 5000) == 1
        master.kill()
        replica.client.slaveof()
        address.unlink()
        address.symlink_to(folder / "two" / "redis.sock")
        crew.calm()
        eventually(lambda: is_empty(replica.client), within=120, what="an empty queue")
        report(file, f"{crew.killed} workers were killed, Redis failed over", messages=MESSAGES // 10)
    broker.close()
    replica.close()
    master.client.close()


def send_all(actor: Any) -> None:
    """An enqueue that was not acknowledged is repeated, as its sender would."""
    for number in range(MESSAGES):
        while True:
            with contextlib.suppress(DriverError):
                actor.send(number)
                break
            time.sleep(0.05)


def done(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def is_empty(client: "redis.Redis") -> bool:
    with contextlib.suppress(redis.RedisError):
        return not client.xlen(keys.queue_stream(chaos.QUEUE)) and not client.zcard(keys.BROKER_DELAYED)
    return False


def report(file: Path, what: str, messages: int = MESSAGES) -> None:
    ran = collections.Counter(int(line) for line in file.read_text().split())
    lost = set(range(messages)) - set(ran)
    print(f"\n{messages} messages, {what}: {len(lost)} lost, {ran.total() - len(ran)} ran more than once")
    assert not lost

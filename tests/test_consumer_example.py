"""The examples read the public stream as their text says: everything, in order, going on where they stopped. What the
documents let a reader of it do is enough for them."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from support import npm
from support.waiting import eventually
from warest import events, keys
from warest.config.house import House

ROOT = Path(__file__).parent.parent

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my.session", "admin", "admin")

Process = subprocess.Popen[str]
Consumer = Callable[..., AbstractContextManager[Process]]


@pytest.fixture(params=["python", "node"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """An example, with what it needs; npm's package stays in pytest's cache."""
    if request.param == "python":
        return [sys.executable, str(ROOT / "examples/consumer.py")]
    folder = npm.installed(request.config, "consumer-example", "redis@6")
    return ["node", str(shutil.copy(ROOT / "examples/consumer.mjs", folder))]


@pytest.fixture
def consumer(command: list[str], parts: House) -> Consumer:
    @contextmanager
    def one(url: str = parts.settings.redis_url) -> Iterator[Process]:
        process = subprocess.Popen([*command, url, "my-group"], stdout=subprocess.PIPE, text=True)
        try:
            assert line_of(process) == "ready"
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    return one


def line_of(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def publish(parts: House, *numbers: int) -> None:
    for number in numbers:
        data = {"tags": str(number)}
        event = events.make(IDENTITY, events.SESSION_STATUS, data, event_id=f"evt_{number}", ts_ms=number)
        parts.bus.publish(IDENTITY, event)


def pending(parts: House) -> int:
    """How many it was given and has not finished."""
    told: Any = parts.redis.xpending(keys.EVENTS, "my-group")
    return int(told["pending"])


def lines(*numbers: int) -> list[str]:
    return [f"my.session session_status evt_{number} {number}" for number in numbers]


def test_it_goes_on_where_it_stopped(parts: House, consumer: Consumer) -> None:
    publish(parts, 1)
    with consumer() as process:
        publish(parts, 2, 3)
        assert [line_of(process) for _ in range(2)] == lines(2, 3)
        eventually(lambda: pending(parts) == 0, what="both are acknowledged")
    publish(parts, 4, 5)
    with consumer() as process:
        assert [line_of(process) for _ in range(2)] == lines(4, 5)


def test_what_was_not_finished_comes_again_first(parts: House, consumer: Consumer) -> None:
    """But for what has been trimmed."""
    with consumer():
        pass
    publish(parts, 1, 2, 3)
    # A process of this host has read all three, and died before it had done the second; then the third was trimmed.
    read: Any = parts.redis.xreadgroup("my-group", socket.gethostname(), {keys.EVENTS: ">"})
    [[_, entries]] = read
    parts.redis.xack(keys.EVENTS, "my-group", entries[0][0])
    parts.redis.xdel(keys.EVENTS, entries[2][0])
    publish(parts, 4)
    with consumer() as process:
        assert [line_of(process) for _ in range(2)] == lines(2, 4)
        eventually(lambda: pending(parts) == 0)


def test_a_connection_that_breaks(parts: House, consumer: Consumer) -> None:
    """It comes again by itself; should Redis have lost everything, it begins with what came since."""
    with consumer() as process:
        publish(parts, 1)
        assert line_of(process) == lines(1)[0]
        eventually(lambda: pending(parts) == 0)
        parts.redis.client_kill_filter(_type="normal", skipme=True)
        publish(parts, 2)
        assert line_of(process) == lines(2)[0]
        eventually(lambda: pending(parts) == 0)
        parts.redis.delete(keys.EVENTS)
        publish(parts, 3)
        parts.redis.client_kill_filter(_type="normal", skipme=True)
        assert line_of(process) == lines(3)[0]


@pytest.fixture
def reader(parts: House) -> Iterator[str]:
    """The user that docs/events.md has Redis make; its name and password as they stand in a URL."""
    [(name, rules)] = re.findall(r"^ACL SETUSER (\S+) (.+)$", (ROOT / "docs/events.md").read_text(), re.MULTILINE)
    parts.redis.execute_command("ACL", "SETUSER", name, *rules.split())  # type: ignore[no-untyped-call]
    [password] = re.findall(r">(\S+)", rules)
    yield f"{name}:{password}"
    parts.redis.acl_deluser(name)


def test_a_reader_may_read(parts: House, reader: str) -> None:
    """Enough for a group and for whoever looks himself; nothing else can be read, and nothing changed."""
    with redis.Redis.from_url(parts.settings.redis_url.replace("unix://", f"unix://{reader}@")) as opened:
        client: Any = opened
        client.xgroup_create(keys.EVENTS, "theirs", id="0", mkstream=True)
        publish(parts, 1)
        [[_, [(entry, _)]]] = client.xreadgroup("theirs", "me", {keys.EVENTS: ">"})
        assert client.xack(keys.EVENTS, "theirs", entry) == 1
        assert client.xrange(keys.EVENTS) and client.xread({keys.EVENTS: "0"}) and client.xlen(keys.EVENTS) == 1
        client.xautoclaim(keys.EVENTS, "theirs", "me", 0)
        refused: list[Callable[[], Any]] = [
            lambda: client.xadd(keys.EVENTS, {"id": "forged"}),
            lambda: client.xdel(keys.EVENTS, entry),
            lambda: client.xtrim(keys.EVENTS, 0),
            lambda: client.delete(keys.EVENTS),
            lambda: client.xgroup_destroy(keys.EVENTS, "theirs"),
            lambda: client.xread({keys.outbox("01ULID"): "0"}),
            lambda: client.keys(),
            lambda: client.config_get(),
            lambda: client.eval("return 1", 0),
        ]
        for attempt in refused:
            with pytest.raises(redis.exceptions.NoPermissionError):
                attempt()


def test_the_example_as_such_a_reader(parts: House, command: list[str], consumer: Consumer, reader: str) -> None:
    if command[0] == "node":
        pytest.skip("Its library takes no user in the URL of a unix socket.")
    with consumer(parts.settings.redis_url.replace("unix://", f"unix://{reader}@")) as process:
        publish(parts, 1)
        assert line_of(process) == lines(1)[0]

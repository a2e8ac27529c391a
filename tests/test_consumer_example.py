"""The example reads the public stream as its text says: everything, in order, going on where it stopped."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.waiting import eventually
from warest import events, keys
from warest.config.house import House

EXAMPLE = Path(__file__).parent.parent / "examples" / "consumer.py"

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my.session", "admin", "admin")


@contextmanager
def consumer(parts: House) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(EXAMPLE), parts.settings.redis_url, "my-group"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert line_of(process) == "ready"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_of(process: "subprocess.Popen[str]") -> str:
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


def test_it_goes_on_where_it_stopped(parts: House) -> None:
    publish(parts, 1)
    with consumer(parts) as process:
        publish(parts, 2, 3)
        assert [line_of(process) for _ in range(2)] == lines(2, 3)
        eventually(lambda: pending(parts) == 0, what="both are acknowledged")
    publish(parts, 4, 5)
    with consumer(parts) as process:
        assert [line_of(process) for _ in range(2)] == lines(4, 5)


def test_what_was_not_finished_comes_again_first(parts: House) -> None:
    with consumer(parts):
        pass
    publish(parts, 1, 2)
    # A process of this host has read both, and died before it had done the second.
    read: Any = parts.redis.xreadgroup("my-group", socket.gethostname(), {keys.EVENTS: ">"})
    [[_, entries]] = read
    parts.redis.xack(keys.EVENTS, "my-group", entries[0][0])
    publish(parts, 3)
    with consumer(parts) as process:
        assert [line_of(process) for _ in range(2)] == lines(2, 3)

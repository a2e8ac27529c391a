"""Commands in a session's process: none is run twice; what becomes of the files that they bring."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.engine import Engine, linked
from warest import bus, commands, keys
from warest.actors.command_runner import CommandRunner
from warest.config.house import House
from warest.errors import CommandTimeout, NotFound
from warest.spool import Spool

SESSION = "01A"


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What the records of sends learn."""
    return []


@pytest.fixture
def runner(parts: House, told: list[dict[str, Any]]) -> CommandRunner:
    lease = parts.leases.acquire(SESSION, "host")
    assert lease
    return CommandRunner(parts, SESSION, lease, told.append, lambda _: False)


@pytest.fixture
def trying(parts: House, told: list[dict[str, Any]]) -> Callable[..., CommandRunner]:
    """One that tries twice more; `pauses` are those that it makes, and `ends` whether the process ends meanwhile."""
    lease = parts.leases.acquire(SESSION, "host")
    assert lease

    def make(pauses: list[float], *, ends: bool = False) -> CommandRunner:
        given = {"queue_max_retries": 2, "queue_retry_delay_ms": 100, "queue_retry_jitter": 0.0}
        mine = dataclasses.replace(parts, settings=parts.settings.model_copy(update=given))

        def pause(seconds: float) -> bool:
            pauses.append(seconds)
            return ends

        return CommandRunner(mine, SESSION, lease, told.append, pause)

    return make


def document(spool: Spool) -> commands.SendFile:
    key = spool.put([b"content"])
    return commands.SendFile(kind="document", to=("628222@s.whatsapp.net",), file=key, mimetype="text/plain")


def is_there(spool: Spool, key: str) -> bool:
    try:
        with spool.open(key):
            return True
    except NotFound:
        return False


def test_one_that_died_half_way_waits_and_is_not_sent_again(
    runner: CommandRunner, parts: House, spool: Spool, told: list[dict[str, Any]]
) -> None:
    """Its process was killed when the message had gone out; the next one gets it before it is online."""
    command, until = document(spool), time.time() + 60
    parts.redis.set(keys.started_command("cmd_1"), "1")
    away = linked(Engine())
    away.is_open = False
    assert "waits" in runner.run(away, "cmd_1", command, until)["error"]["message"] and told == []
    answer = runner.run(linked(Engine()), "cmd_1", command, until)
    assert answer["error"]["code"] == "CommandTimeout" and [note["state"] for note in told] == ["unknown"]


def test_a_file_waits_with_its_command(runner: CommandRunner, spool: Spool, told: list[dict[str, Any]]) -> None:
    """The connection was lost during the upload, and nothing was sent: it is tried again, with the file."""
    command, until = document(spool), time.time() + 60
    client = linked(Engine(uploads=["websocket not connected", ""]))
    answer = runner.run(client, "cmd_1", command, until)
    assert answer["error"]["code"] == "CommandTimeout" and is_there(spool, command.file) and told == []
    assert runner.run(client, "cmd_1", command, until)["result"][0]["message_id"] == "M1"
    assert [note["state"] for note in told] == ["sent"] and not is_there(spool, command.file)


@pytest.mark.parametrize(
    ("error", "state"), [("refused", "failed"), ("timed out", "unknown"), ("websocket not connected", "failed")]
)
def test_a_file_goes_when_its_command_is_over(
    runner: CommandRunner, spool: Spool, told: list[dict[str, Any]], error: str, state: str
) -> None:
    """However it ends; nobody waits for this one."""
    command = document(spool)
    runner.run(linked(Engine(uploads=[error])), "cmd_1", command, None)
    assert [note["state"] for note in told] == [state] and not is_there(spool, command.file)


def test_a_file_whose_time_is_over(runner: CommandRunner, spool: Spool, told: list[dict[str, Any]]) -> None:
    """It is an error like any other."""
    command = document(spool)
    spool.delete(command.file)
    assert runner.run(linked(Engine()), "cmd_1", command, None)["error"]["code"] == "NotFound"
    assert [note["state"] for note in told] == ["failed"]


def test_what_was_not_sent_is_tried_again(
    trying: Callable[..., CommandRunner], spool: Spool, told: list[dict[str, Any]]
) -> None:
    """An upload that fails, whatever it fails of: longer and longer pauses, the file is kept meanwhile, and goes."""
    pauses: list[float] = []
    command = document(spool)
    client = linked(Engine(uploads=["status 503", "timed out", ""]))
    assert trying(pauses).run(client, "cmd_1", command, None)["result"][0]["message_id"] == "M1"
    assert pauses == pytest.approx([0.1, 0.2]) and len(client.engine.sent) == 1
    assert [note["state"] for note in told] == ["sent"] and not is_there(spool, command.file)


def test_tries_end(trying: Callable[..., CommandRunner], spool: Spool, told: list[dict[str, Any]]) -> None:
    """After as many as the settings say, with the last error; and at once when the process does."""
    for name, ends, count in (("cmd_1", False, 2), ("cmd_2", True, 1)):
        pauses: list[float] = []
        answer = trying(pauses, ends=ends).run(linked(Engine(uploads=["status 503"] * 9)), name, document(spool), None)
        assert answer["error"]["code"] == "WhatsAppRefused" and len(pauses) == count
    assert [note["state"] for note in told] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("error", "tries"), [("websocket not connected", 3), ("timed out", 1), ("disconnected before", 1), ("error 479", 1)]
)
def test_what_may_have_been_sent_is_not_tried_again(
    trying: Callable[..., CommandRunner], told: list[dict[str, Any]], error: str, tries: int
) -> None:
    """Trap 12; nor what WhatsApp has refused."""
    pauses: list[float] = []
    client = linked(Engine(sends={"628222": [error] * 9}))
    command = commands.SendText(to=("628222@s.whatsapp.net",), text="x")
    assert "error" in trying(pauses).run(client, "cmd_1", command, None)
    assert len(pauses) == tries - 1 and len(told) == 1


def test_one_that_waits_for_its_session_is_put_off(
    trying: Callable[..., CommandRunner], told: list[dict[str, Any]]
) -> None:
    """It does not hold up others by its tries."""
    pauses: list[float] = []
    client = linked(Engine(sends={"628222": ["websocket not connected"]}))
    command = commands.SendText(to=("628222@s.whatsapp.net",), text="x")
    answer = trying(pauses).run(client, "cmd_1", command, time.time() + 60)
    assert answer["error"]["code"] == "CommandTimeout" and pauses == [] and told == []


def test_one_that_was_withdrawn(runner: CommandRunner, parts: House, told: list[dict[str, Any]]) -> None:
    """It was told of when that was done; nothing is sent, and nothing noted."""
    parts.redis.set(keys.started_command("cmd_1"), bus.WITHDRAWN)
    client = linked(Engine())
    command = commands.SendText(to=("628222@s.whatsapp.net",), text="x")
    assert runner.run(client, "cmd_1", command, None)["error"]["code"] == "NeverBegun"
    assert client.engine.sent == [] and told == []


def test_what_cannot_be_finished_is_given_up(runner: CommandRunner, parts: House) -> None:
    """Its caller need not wait for another process to find it; one that is done is not touched."""
    there, over = threading.Event(), threading.Event()

    class Hanging(Engine):
        def send_message(self, to: Any, message: Any) -> Any:
            there.set()
            over.wait(20)
            return super().send_message(to, message)

    command = commands.SendText(to=("628222@s.whatsapp.net",), text="x")
    runner.run(linked(Engine()), "cmd_1", command, None)
    hanging = threading.Thread(target=runner.run, args=(linked(Hanging()), "cmd_2", command, None))
    hanging.start()
    there.wait(20)
    runner.give_up()
    with pytest.raises(CommandTimeout, match="interrupted"):
        parts.bus.outcome(SESSION, "cmd_2", 5)
    with pytest.raises(CommandTimeout, match="not answered yet"):
        parts.bus.outcome(SESSION, "cmd_1", 1)
    over.set()
    hanging.join()

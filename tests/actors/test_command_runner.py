"""Commands in a session's process: none is run twice; what becomes of the files that they bring."""

import time
from typing import Any

import pytest

from support.engine import Engine, linked
from warest import commands, keys
from warest.actors.command_runner import CommandRunner
from warest.config.house import House
from warest.errors import NotFound
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
    return CommandRunner(parts, SESSION, lease, told.append)


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

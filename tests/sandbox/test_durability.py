"""What survives when a client or the sandbox is killed."""

import signal
import sqlite3
from pathlib import Path

import pytest

from sandbox.harness import SandboxProcess, Start

ANI, BUDI = "628110000001", "628110000002"


@pytest.fixture(autouse=True)
def phones(sandbox: SandboxProcess) -> None:
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")


def test_what_a_killed_session_missed_waits_for_it(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.kill()
    for number in range(20):
        sandbox.send(BUDI, ANI, f"while you were away {number}")
    session = client("ani")
    session.wait("connected")
    for number in range(20):
        session.wait("message", text=f"while you were away {number}")
    assert not [fact for fact in session.facts if fact["kind"] == "qr"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_sessions_come_back_when_the_sandbox_does(sandbox: SandboxProcess, client: Start, how: signal.Signals) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    ani.send(BUDI, "before")
    budi.wait("message", text="before")
    sandbox.send(BUDI, ANI, "before, from the phone")
    ani.wait("message", text="before, from the phone")

    sandbox.stop(how)
    ani.wait("disconnected")
    budi.wait("disconnected")
    sandbox.start()
    ani.wait("connected")
    budi.wait("connected")
    ani.send(BUDI, "after")
    budi.wait("message", text="after")
    budi.send(ANI, "after, too")
    ani.wait("message", text="after, too")
    sandbox.send(BUDI, ANI, "after, from the phone")
    ani.wait("message", text="after, from the phone")
    assert sandbox.texts(BUDI)[-3:] == ["after", "after, too", "after, from the phone"]


def test_what_is_queued_survives_a_kill_of_everything(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.kill()
    sandbox.send(BUDI, ANI, "queued")
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    session = client("ani")
    session.wait("connected")
    session.wait("message", text="queued")


def test_a_kill_in_the_middle_of_a_burst_loses_and_doubles_nothing(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    texts = [f"text {number}" for number in range(200)]
    for text in texts[:100]:
        sandbox.send(BUDI, ANI, text)
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    for text in texts[100:]:
        sandbox.send(BUDI, ANI, text)
    assert [session.wait("message", protocol=False)["text"] for _ in texts] == texts
    sandbox.send(BUDI, ANI, "the end")
    assert session.wait("message", protocol=False)["text"] == "the end"


def test_a_phone_that_lost_its_sessions_asks_for_a_retry(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.send(BUDI, "first")
    sandbox.wait_text(BUDI, "first")
    sandbox.send(BUDI, ANI, "now both have answered")
    session.wait("message", text="now both have answered")
    session.send(BUDI, "second")
    sandbox.stop()
    _forget_sessions(sandbox.data / "sandbox.sqlite3", "sessions")
    session.wait("disconnected")
    sandbox.start()
    session.wait("connected")
    session.send(BUDI, "after the loss")
    assert sandbox.wait_text(BUDI, "after the loss")
    assert sandbox.wait_text(ANI, "after the loss")


def test_a_session_that_lost_its_sessions_asks_for_a_retry(
    sandbox: SandboxProcess, client: Start, tmp_path: Path
) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    sandbox.send(BUDI, ANI, "from the phone")
    ani.wait("message", text="from the phone")
    ani.send(BUDI, "an answer")
    budi.wait("message", text="an answer")
    budi.send(ANI, "from a session")
    ani.wait("message", text="from a session")
    ani.kill()
    _forget_sessions(tmp_path / "ani.sqlite3", "whatsmeow_sessions")
    ani = client("ani")
    ani.wait("connected")
    sandbox.send(BUDI, ANI, "from the phone, after the loss")
    ani.wait("message", text="from the phone, after the loss")
    budi.send(ANI, "from a session, after the loss")
    ani.wait("message", text="from a session, after the loss")


def _forget_sessions(database: Path, table: str) -> None:
    with sqlite3.connect(database) as connection:
        assert connection.execute(f"delete from {table}").rowcount
    connection.close()

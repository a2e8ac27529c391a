"""Baileys, a client of its own kind, on the same network: it reads the wire with other eyes than whatsmeow."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.harness import Client, SandboxProcess, Start
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"

SOURCE = Path(__file__).with_name("baileys")

INSTALL = ["npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
INSTALL_TIMEOUT = 90


@pytest.fixture(scope="session")
def installation(pytestconfig: pytest.Config) -> Path:
    """client.mjs beside Baileys from npm, in pytest's cache; it stays there for the next time."""
    if missing := [tool for tool in ("node", "npm") if not shutil.which(tool)]:
        pytest.skip(f"Baileys is NOT tested: {' and '.join(missing)} not found on PATH")
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder: Path = pytestconfig.cache.mkdir(f"baileys-{digest}")
    for file in ("package.json", "package-lock.json", "client.mjs"):
        shutil.copy(SOURCE / file, folder)
    if not (folder / "installed").exists():
        try:
            subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"Baileys is NOT tested: npm cannot install it: {error.stderr.strip()[-300:]}")
        except subprocess.TimeoutExpired:
            pytest.skip(f"Baileys is NOT tested: npm has not installed it in {INSTALL_TIMEOUT} s")
        (folder / "installed").touch()
    return folder


@pytest.fixture
def baileys(sandbox: SandboxProcess, installation: Path, tmp_path: Path) -> Iterator[Callable[[], Client]]:
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")
    clients: list[Client] = []

    def start() -> Client:
        clients.append(Client.baileys(sandbox, installation, tmp_path / "baileys"))
        return clients[-1]

    yield start
    for each in clients:
        each.kill()


def test_baileys_neonize_and_phones_text_each_other(
    sandbox: SandboxProcess, client: Start, baileys: Callable[[], Client]
) -> None:
    ani, other, budi = baileys(), client("other"), client("budi")
    ani.link(ANI)
    other.link(ANI)
    budi.link(BUDI)
    for number in range(3):
        sent = ani.send(BUDI, f"ping {number}")
        assert budi.wait("message", text=f"ping {number}")["id"] == sent
        assert other.wait("message", text=f"ping {number}")["fromMe"]
        ani.wait("receipt", ids=[sent])
        pong = budi.send(ANI, f"pong {number}")
        assert ani.wait("message", text=f"pong {number}")["chat"] == BUDI
        budi.wait("receipt", ids=[pong])
    other.send(BUDI, "from the other session")
    assert ani.wait("message", text="from the other session")["fromMe"]
    sandbox.send(BUDI, ANI, "from the phone")
    assert ani.wait("message", text="from the phone")["name"] == "Budi"
    expected = [f"{word} {number}" for number in range(3) for word in ("ping", "pong")]
    expected += ["from the other session", "from the phone"]
    assert sandbox.texts(ANI) == sandbox.texts(BUDI) == expected


def test_baileys_is_told_the_history_of_its_phone(sandbox: SandboxProcess, baileys: Callable[[], Client]) -> None:
    before = [sandbox.send(BUDI, ANI, "before"), sandbox.send(ANI, BUDI, "you were linked")]
    assert baileys().link(ANI).wait("history")["ids"] == before[::-1]


def test_baileys_asks_and_is_told(sandbox: SandboxProcess, baileys: Callable[[], Client]) -> None:
    session = baileys().link(ANI)
    assert session.call("on_whatsapp", number=BUDI) == [True]
    read = sandbox.send(BUDI, ANI, "read me")
    session.wait("message", id=read)
    session.call("read", id=read, chat=BUDI)
    eventually(
        lambda: [message["status"] for message in sandbox.get(f"/phones/{BUDI}/messages")] == ["read"],
        what="the phone knows that it was read",
    )


def test_baileys_comes_back_after_a_drop(sandbox: SandboxProcess, baileys: Callable[[], Client]) -> None:
    session = baileys().link(ANI)
    sandbox.fault("drop", ANI)
    session.wait("disconnected", reason=428)
    session.wait("connected")
    sandbox.send(BUDI, ANI, "after the drop")
    session.wait("message", text="after the drop")


def test_baileys_is_logged_out_by_its_phone(sandbox: SandboxProcess, baileys: Callable[[], Client]) -> None:
    session = baileys().link(ANI)
    sandbox.http.delete(f"/phones/{ANI}/devices").raise_for_status()
    session.wait("logged_out", reason=401)

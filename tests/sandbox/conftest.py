"""A sandbox for each test, and clients that come to it."""

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.harness import Client, SandboxProcess, Start
from sandbox.world import World
from warest.whatsapp import library


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutines in the loop of the fixture `runner`."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    runner = pyfuncitem.funcargs["runner"]
    assert isinstance(runner, asyncio.Runner)
    runner.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as loop:
        yield loop


@pytest.fixture(scope="session")
def tokens() -> library.Tokens:
    return library.read_tokens()


@pytest.fixture
def sandbox(tmp_path: Path, tokens: library.Tokens) -> Iterator[SandboxProcess]:
    """At the end of every test nobody has violated the protocol."""
    process = SandboxProcess(tmp_path / "sandbox", tokens)
    yield process
    try:
        assert process.get("/violations") == []
    finally:
        process.close()


@pytest.fixture
def client(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[Start]:
    clients: list[Client] = []

    def start(name: str, *, receipts: bool = True, mended: bool = True) -> Client:
        clients.append(Client.neonize(sandbox, tmp_path / f"{name}.sqlite3", receipts=receipts, mended=mended))
        return clients[-1]

    yield start
    for each in clients:
        each.kill()


@pytest.fixture
def world(runner: asyncio.Runner, tmp_path: Path) -> Iterator[World]:
    async def make() -> World:
        return World(tmp_path)

    made = runner.run(make())
    yield made
    made.store.close()

"""Dead letters are listed and put back; actors with a higher priority go first."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
import redis
from click.testing import CliRunner
from dramatiq.errors import DecodeError

from warest import keys
from warest.broker import StreamsBroker
from warest.cli.main import cli

QUEUE = "test"

Eventually = Callable[[Callable[[], object]], None]
StartWorker = Callable[..., dramatiq.Worker]


class Repairable:
    """An actor that fails, two times each message, until it is mended."""

    def __init__(self, broker: StreamsBroker) -> None:
        self.is_mended = False
        self.tried: list[Any] = []
        self.actor: dramatiq.Actor[..., Any] = dramatiq.actor(
            broker=broker, queue_name=QUEUE, actor_name="repairable", max_retries=1, min_backoff=1, max_backoff=1
        )(self._run)

    def _run(self, value: Any) -> None:
        self.tried.append(value)
        if not self.is_mended:
            raise LookupError("nothing there")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failing actors are the point."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def dead(broker: StreamsBroker, start_worker: StartWorker) -> Repairable:
    """It has failed for good with each of three messages."""
    actor = Repairable(broker)
    for number in range(3):
        actor.actor.send(number)
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert len(actor.tried) == 6
    actor.tried.clear()
    return actor


def test_a_redriven_message_has_all_its_tries_again(broker: StreamsBroker, dead: Repairable) -> None:
    """And dies again, once, as long as nothing is mended."""
    letters = broker.dead_letters(QUEUE)
    assert broker.redrive(letters[0]) and not broker.redrive(letters[0])
    broker.join(QUEUE, timeout=5000)
    assert len(dead.tried) == 2
    assert len(broker.dead_letters(QUEUE)) == 3
    dead.is_mended = True
    for letter in broker.dead_letters(QUEUE):
        assert broker.redrive(letter)
    broker.join(QUEUE, timeout=5000)
    assert sorted(dead.tried[2:]) == [0, 1, 2]
    assert broker.dead_letters(QUEUE) == []


def test_dead_letters_come_in_pages(broker: StreamsBroker, dead: Repairable) -> None:
    first = broker.dead_letters(QUEUE, count=2)
    rest = broker.dead_letters(QUEUE, count=2, before=first[-1].id)
    assert [*first, *rest] == broker.dead_letters(QUEUE) and len(rest) == 1


def test_what_is_no_message_cannot_be_redriven(broker: StreamsBroker, client: redis.Redis) -> None:
    broker.streams.create(QUEUE)
    client.xadd(keys.dead_letters(QUEUE), {"message": b"?", "queue": QUEUE, "reason": "", "died_at": 1})
    [letter] = broker.dead_letters(QUEUE)
    with pytest.raises(DecodeError):
        broker.redrive(letter)
    assert broker.dead_letters(QUEUE) == [letter]


def test_the_command_lists_and_redrives(
    broker: StreamsBroker, dead: Repairable, client: redis.Redis, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREST_REDIS_URL", url)
    client.xadd(keys.dead_letters(QUEUE), {"message": b"?", "queue": QUEUE, "reason": "", "died_at": 1})
    dead.is_mended = True

    def warest(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["queues", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert "0 waiting        4 dead  test\n" in warest("list")
    shown = warest("dead", QUEUE, "--count", "2").splitlines()
    assert len(shown) == 2 and shown[1].endswith("repairable  LookupError: nothing there")
    assert "1 put back." in warest("redrive", QUEUE, shown[1].split()[0])
    broker.join(QUEUE, timeout=5000)
    left = warest("redrive", QUEUE, "--all")
    assert "2 put back." in left and "not a Dramatiq message" in left
    assert "no such dead letter" in warest("redrive", QUEUE, "1-1")
    broker.join(QUEUE, timeout=5000)
    assert sorted(dead.tried) == [0, 1, 2]


@pytest.mark.parametrize("arguments", [(), ("1-1", "--all")])
def test_the_command_wants_to_know_which(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(cli, ["queues", "redrive", QUEUE, *arguments]).exit_code == 2


def test_of_what_a_worker_has_fetched_the_important_goes_first(
    broker: StreamsBroker, start_worker: StartWorker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dramatiq's own rule: the lower number first; the same number in the order of the queue."""
    ran: list[str] = []
    gate = threading.Event()

    @dramatiq.actor(broker=broker, queue_name=QUEUE)
    def block() -> None:
        gate.wait(10)

    @dramatiq.actor(broker=broker, queue_name=QUEUE, priority=20)
    def later(name: str) -> None:
        ran.append(name)

    @dramatiq.actor(broker=broker, queue_name=QUEUE, priority=0)
    def sooner(name: str) -> None:
        ran.append(name)

    block.send()
    for name in ("a", "b"):
        later.send(name)
    for name in ("c", "d"):
        sooner.send(name)
    monkeypatch.setattr("dramatiq.worker.QUEUE_PREFETCH", 5)
    worker = start_worker(broker, worker_threads=1)
    eventually(lambda: worker.work_queue.qsize() == 4)
    gate.set()
    broker.join(QUEUE, timeout=5000)
    assert ran == ["c", "d", "a", "b"]

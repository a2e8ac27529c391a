"""Temporary files go when their time is over, by rounds that neither end nor become more."""

import socket
from collections.abc import Callable, Iterator
from functools import partial

import dramatiq
import pytest

from support.waiting import eventually
from warest import keys
from warest.actors import maintenance
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Bucket, Storage, open
from warest.handouts import Handouts
from warest.ids import new_ulid
from warest.spool import Spool

PERIOD_MS = 300

Start = Callable[..., None]


@pytest.fixture
def spool(files: Storage, settings: Settings) -> Spool:
    return house.open_spool(settings, files)


@pytest.fixture
def start(settings: Settings, parts: House, spool: Spool) -> Iterator[Start]:
    """A worker like those that `warest worker` runs, with rounds that are shorter."""
    running: list[tuple[dramatiq.Worker, House]] = []

    def one(other: Spool | None = None) -> None:
        own = house.connect(settings)
        work = maintenance.declare(own, other or spool, period_ms=PERIOD_MS)
        worker = dramatiq.Worker(own.broker, worker_threads=2, worker_timeout=50)
        worker.start()
        running.append((worker, own))
        work.order(delay_ms=0)

    yield one
    for worker, own in running:
        worker.stop(timeout=5000)
        own.broker.close()
        own.redis.close()


def expired(spool: Spool) -> str:
    return spool.put([b"x"], seconds=-10)


def is_gone(files: Storage, key: str) -> bool:
    return not files.exists(key)


def waiting(parts: House) -> int:
    """Messages that are on their way."""
    delayed, queued = (
        parts.redis.zcard(keys.BROKER_DELAYED),
        parts.redis.xlen(keys.queue_stream(keys.MAINTENANCE_QUEUE)),
    )
    return int(delayed + queued)


def test_what_has_expired_goes(start: Start, spool: Spool, files: Storage) -> None:
    """At once, and in every round that follows; what has not stays."""
    kept, first = spool.put([b"x"]), expired(spool)
    start()
    eventually(lambda: is_gone(files, first))
    for _ in range(3):
        later = expired(spool)
        eventually(partial(is_gone, files, later))
    assert files.exists(kept)


def test_many_workers_make_one_round(start: Start, spool: Spool, files: Storage, parts: House) -> None:
    """Whoever starts sends a message off; one of them goes on."""
    for _ in range(4):
        start()
    eventually(lambda: waiting(parts) == 1)
    for _ in range(3):
        later = expired(spool)
        eventually(partial(is_gone, files, later))
        eventually(lambda: waiting(parts) <= 1)
    eventually(lambda: waiting(parts) == 1)


def sweeping(parts: House, *swept: maintenance.Swept, period_ms: int = PERIOD_MS) -> Callable[[str], None]:
    """The actor itself, to be called with a round."""
    maintenance.declare(parts, *swept, period_ms=period_ms)
    fn: Callable[[str], None] = parts.broker.get_actor("sweep_spool").fn
    return fn


def test_run_twice(parts: House, spool: Spool) -> None:
    """A message that was taken over from a worker that died goes on with its round; another's ends."""
    sweep = sweeping(parts, spool, period_ms=60_000)
    mine = new_ulid()
    for _ in range(2):
        sweep(mine)
    sweep(new_ulid())
    assert waiting(parts) == 2


def test_two_next_rounds(start: Start, spool: Spool, files: Storage, parts: House) -> None:
    """Soon there is one."""
    work = maintenance.declare(parts, spool, period_ms=PERIOD_MS)
    for _ in range(3):
        work.order(delay_ms=100)
    start()
    eventually(lambda: waiting(parts) == 1)
    later = expired(spool)
    eventually(partial(is_gone, files, later))


def test_storage_out_of_reach(start: Start, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """The rounds go on, and the log says why nothing is deleted."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = f"http://127.0.0.1:{closed.getsockname()[1]}"
    start(house.open_spool(settings, open(Bucket("files", away, access_key="x", secret_key="y"))))
    eventually(lambda: caplog.text.count("not swept away") >= 2, within=40)


def test_files_made_for_callers_go_too(parts: House, settings: Settings, files: Storage) -> None:
    """Also when the spool cannot be swept."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = f"http://127.0.0.1:{closed.getsockname()[1]}"
    spool = house.open_spool(settings, open(Bucket("files", away, access_key="x", secret_key="y")))
    handouts = Handouts(files, seconds=-1)
    key = handouts.lend([b"x"], "image/png").key
    sweeping(parts, spool, handouts)(new_ulid())
    assert not files.exists(key)


def test_more_than_one_batch(parts: House, spool: Spool, files: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them go in one round."""
    monkeypatch.setattr(maintenance, "_BATCH", 3)
    for _ in range(10):
        expired(spool)
    sweeping(parts, spool)(new_ulid())
    assert list(files.walk()) == []

"""What the broker promises, on every Redis that it must run on."""

import importlib.util
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.errors import QueueJoinTimeout, QueueNotFound
from dramatiq.middleware import Middleware
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

from warest import keys
from warest.broker import StreamsBroker
from warest.errors import DriverError, RateLimited

Eventually = Callable[[Callable[[], object]], None]
MakeBroker = Callable[..., StreamsBroker]
StartWorker = Callable[..., dramatiq.Worker]
Spawn = Callable[..., "Popen[bytes]"]

QUEUE = "test"


def load_worker_process() -> Any:
    spec = importlib.util.spec_from_file_location("worker_process", Path(__file__).parent / "worker_process.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shared = load_worker_process()


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Failing actors are the point of several tests; and dramatiq waits long before it tries Redis again."""
    logging.disable(logging.CRITICAL)
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    monkeypatch.setattr("dramatiq.worker.POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", 0.05)
    yield
    logging.disable(logging.NOTSET)


class Recorder:
    """An actor that remembers its arguments; for the argument "slow" it waits for the gate."""

    def __init__(self, broker: dramatiq.Broker, *, queue: str = QUEUE) -> None:
        self.calls: list[Any] = []
        self.at: list[float] = []
        self.gate = threading.Event()
        self.actor: dramatiq.Actor[..., Any] = dramatiq.actor(
            broker=broker, queue_name=queue, actor_name=f"record.{queue}"
        )(self._run)
        self.send = self.actor.send
        self.message = self.actor.message

    def _run(self, value: Any) -> None:
        self.at.append(time.time())
        self.calls.append(value)
        assert value != "slow" or self.gate.wait(10)

    def send_later(self, value: Any, *, delay: int) -> None:
        self.actor.send_with_options(args=(value,), delay=delay)


def depth(client: redis.Redis, queue: str = QUEUE) -> int:
    return client.xlen(keys.queue_stream(queue))


def pending(client: redis.Redis, queue: str = QUEUE) -> Any:
    return client.xpending_range(keys.queue_stream(queue), "warest", "-", "+", 100)


def consumers(client: redis.Redis, queue: str = QUEUE) -> list[Any]:
    return list(client.xinfo_consumers(keys.queue_stream(queue), "warest"))


def clients(client: redis.Redis) -> list[dict[str, Any]]:
    """The other connections to this database."""
    database = str(client.get_connection_kwargs()["db"])
    return [each for each in client.client_list() if each["db"] == database and each["id"] != str(client.client_id())]


# The ordinary way


def test_an_actor_runs_and_its_message_is_gone(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker
) -> None:
    record = Recorder(broker)
    record.send("before anyone consumes")
    start_worker(broker)
    record.send("after")
    broker.join(QUEUE, timeout=5000)
    assert record.calls == ["before anyone consumes", "after"]
    assert depth(client) == 0
    assert not pending(client)


def test_one_message_after_the_other_in_the_order_of_the_queue(
    broker: StreamsBroker, start_worker: StartWorker
) -> None:
    record = Recorder(broker)
    for number in range(50):
        record.send(number)
    start_worker(broker, worker_threads=1)
    broker.join(QUEUE, timeout=5000)
    assert record.calls == list(range(50))


def test_two_workers_share_a_queue_without_double_work(
    make_broker: MakeBroker, start_worker: StartWorker, eventually: Eventually
) -> None:
    records = [Recorder(make_broker()) for _ in range(2)]
    for record in records:
        start_worker(record.actor.broker)
    for number in range(200):
        records[0].send(number)
    records[0].actor.broker.join(QUEUE, timeout=10_000)
    assert sorted(records[0].calls + records[1].calls) == list(range(200))


def test_a_worker_consumes_a_queue_that_is_declared_later(broker: StreamsBroker, start_worker: StartWorker) -> None:
    start_worker(broker, queues={"session.01J", "other"})
    wanted = Recorder(broker, queue="session.01J")
    wanted.send(1)
    broker.join("session.01J", timeout=5000)
    assert wanted.calls == [1]


def test_a_worker_leaves_other_queues_alone(
    broker: StreamsBroker, start_worker: StartWorker, client: redis.Redis, eventually: Eventually
) -> None:
    worker = start_worker(broker, queues={"session.01J"})
    broker.declare_queue("session.01K")
    broker.declare_queue("session.01J")
    eventually(lambda: worker.consumers["session.01J"].consumer)
    assert set(worker.consumers) == {"session.01J"}


def test_a_result_arrives_without_polling(broker: StreamsBroker, client: redis.Redis, url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=None) as patient:
        backend = RedisBackend(client=patient)
        broker.add_middleware(Results(backend=backend))  # type: ignore[no-untyped-call]
        gate = threading.Event()

        @dramatiq.actor(broker=broker, queue_name=QUEUE, store_results=True)
        def answer() -> int:
            assert gate.wait(5)
            return 42

        worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
        worker.start()
        message = answer.send()
        threading.Timer(0.05, gate.set).start()
        assert message.get_result(backend=backend, block=True, timeout=5000) == 42
        worker.stop()


def test_signals_are_those_of_dramatiq(broker: StreamsBroker, start_worker: StartWorker) -> None:
    heard: list[tuple[str, Any]] = []

    class Listener(Middleware):
        def before_declare_queue(self, broker: Any, queue_name: str) -> None:
            heard.append(("before_declare_queue", queue_name))

        def after_declare_queue(self, broker: Any, queue_name: str) -> None:
            heard.append(("after_declare_queue", queue_name))

        def before_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
            heard.append(("before_enqueue", delay))

        def after_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
            heard.append(("after_enqueue", delay))

        def after_ack(self, broker: Any, message: Any) -> None:
            heard.append(("after_ack", message.args))

    broker.add_middleware(Listener())
    record = Recorder(broker)
    broker.declare_queue(QUEUE)
    record.send_later(1, delay=10)
    worker = start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    worker.join()
    assert heard == [
        ("before_declare_queue", QUEUE),
        ("after_declare_queue", QUEUE),
        ("before_enqueue", 10),
        ("after_enqueue", 10),
        ("after_ack", (1,)),
    ]


def test_a_message_can_be_part_of_another_transaction(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker
) -> None:
    record = Recorder(broker)
    stream, fields = broker.stream_entry(record.message("with the event"))
    with client.pipeline() as transaction:
        transaction.set("test:event", 1)
        transaction.xadd(stream, fields)  # type: ignore[arg-type]
        transaction.execute()
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert record.calls == ["with the event"]


# Prefetch, shutdown


def test_a_consumer_holds_no_more_than_its_prefetch(broker: StreamsBroker) -> None:
    record = Recorder(broker)
    for number in range(3):
        record.send(number)
    consumer = broker.consume(QUEUE, prefetch=2, timeout=20)
    first, second = next(consumer), next(consumer)
    assert first is not None and second is not None
    assert next(consumer) is None
    consumer.ack(first)
    third = next(consumer)
    assert third is not None and third.args == (2,)
    consumer.requeue([second, third])
    consumer.close()


def test_what_was_fetched_but_not_run_goes_back_at_shutdown(
    make_broker: MakeBroker, start_worker: StartWorker, client: redis.Redis, eventually: Eventually
) -> None:
    first = Recorder(make_broker(heartbeat=60))
    first.send("slow")
    for number in range(1, 5):
        first.send(number)
    worker = start_worker(first.actor.broker, worker_threads=1)
    eventually(lambda: first.calls and len(pending(client)) == 2)
    threading.Timer(0.1, first.gate.set).start()
    worker.stop()

    second = Recorder(make_broker(heartbeat=60))  # nobody is dead, so this is not a takeover
    start_worker(second.actor.broker, worker_threads=1)
    second.actor.broker.join(QUEUE, timeout=5000)
    assert first.calls == ["slow"]
    assert sorted(second.calls) == [1, 2, 3, 4]


def test_closing_gives_back_what_was_never_handed_out(broker: StreamsBroker, client: redis.Redis) -> None:
    record = Recorder(broker)
    for number in range(3):
        record.send(number)
    consumer = broker.consume(QUEUE, prefetch=3, timeout=20)
    message = next(consumer)
    assert message is not None
    consumer.ack(message)
    consumer.close()
    assert depth(client) == 2
    assert not pending(client)
    assert not consumers(client)


def test_an_idle_worker_stops_at_once(broker: StreamsBroker, start_worker: StartWorker, eventually: Eventually) -> None:
    Recorder(broker)
    worker = start_worker(broker, worker_timeout=1000)
    eventually(lambda: worker.consumers[QUEUE].consumer)
    begin = time.monotonic()
    worker.stop()
    assert time.monotonic() - begin < 2


# Later


def test_delayed_messages_come_in_the_order_of_their_time(broker: StreamsBroker, start_worker: StartWorker) -> None:
    record = Recorder(broker)
    start_worker(broker, worker_threads=1)
    for delay in (240, 80, 160):
        record.send_later(delay, delay=delay)
    broker.join(QUEUE, timeout=5000)
    assert record.calls == [80, 160, 240]


def test_a_delay_is_kept_precisely(
    make_broker: MakeBroker, broker: StreamsBroker, start_worker: StartWorker, eventually: Eventually
) -> None:
    """Set by another process than the one that waits, which first has something later to wait for."""
    record, sender = Recorder(make_broker(heartbeat=60)), Recorder(broker)  # it looks by itself every 2 s only
    start_worker(record.actor.broker)
    sender.send_later("much later", delay=3_600_000)
    late = []
    for number in range(5):
        due = time.time() + 0.13
        sender.send_later(number, delay=130)
        eventually(lambda: record.calls[-1:] == [number])  # noqa: B023
        late.append(record.at[-1] - due)
    assert min(late) > -0.005
    # The middle one, because the machine may be busy. The timeouts of Redis itself are up to 100 ms late.
    assert sorted(late)[2] < 0.03


def test_the_same_message_delayed_twice_runs_twice(broker: StreamsBroker, start_worker: StartWorker) -> None:
    record = Recorder(broker)
    message = record.message("twin")
    for _ in range(2):
        broker.enqueue(message, delay=20)
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert record.calls == ["twin", "twin"]


def test_another_process_schedules_when_the_scheduler_is_gone(
    make_broker: MakeBroker, start_worker: StartWorker, client: redis.Redis, eventually: Eventually
) -> None:
    record = Recorder(make_broker())
    client.set(keys.BROKER_SCHEDULER, "died", px=300)
    start_worker(record.actor.broker)
    record.send_later(1, delay=20)
    record.actor.broker.join(QUEUE, timeout=5000)
    eventually(lambda: client.get(keys.BROKER_SCHEDULER) not in (None, b"died"))


# Failure


def test_an_actor_is_retried_and_ends_as_a_dead_letter(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker
) -> None:
    tries: list[float] = []

    @dramatiq.actor(broker=broker, queue_name=QUEUE, max_retries=2, min_backoff=20, max_backoff=40)
    def fail() -> None:
        tries.append(time.monotonic())
        raise LookupError("no such thing")

    message = fail.send()
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    [letter] = broker.dead_letters(QUEUE)
    assert len(tries) == 3
    assert letter.reason.endswith("LookupError: no such thing\n")
    assert letter.queue == QUEUE
    assert abs(letter.died_at - time.time() * 1000) < 10_000
    assert json.loads(letter.message)["message_id"] == message.message_id
    assert depth(client) == 0


def test_a_message_for_an_unknown_actor_is_a_dead_letter(broker: StreamsBroker, start_worker: StartWorker) -> None:
    record = Recorder(broker)
    message: dramatiq.Message[Any] = record.message(1).copy(actor_name="nobody")
    broker.enqueue(message)
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert "nobody" in broker.dead_letters(QUEUE)[0].reason


def test_an_entry_that_is_no_message_is_a_dead_letter(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker
) -> None:
    record = Recorder(broker)
    client.xadd(keys.queue_stream(QUEUE), {"message": b"\xff nonsense"})
    record.send("good")
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert record.calls == ["good"]
    assert broker.dead_letters(QUEUE)[0].message == b"\xff nonsense"


def test_a_message_can_be_written_off_by_its_sender(broker: StreamsBroker, client: redis.Redis) -> None:
    """It is a dead letter at once, and never in the queue."""
    message = Recorder(broker).message("no use")
    broker.write_off(message, "refused for good")
    [letter] = broker.dead_letters(QUEUE)
    assert (letter.reason, letter.message) == ("refused for good", message.encode())
    assert depth(client) == 0


def test_dead_letters_expire_and_are_bounded(
    make_broker: MakeBroker, client: redis.Redis, eventually: Eventually
) -> None:
    broker = make_broker(dead_letter_ttl=0.2, max_dead_letters=2)
    record = Recorder(broker)
    consumer = broker.consume(QUEUE, prefetch=10, timeout=20)

    def kill(value: int) -> None:
        record.send(value)
        message = next(consumer)
        assert message is not None
        consumer.nack(message)

    def dead() -> list[int]:
        return [json.loads(letter.message)["args"][0] for letter in broker.dead_letters(QUEUE)]

    for number in range(3):
        kill(number)
    assert dead() == [2, 1]
    eventually(lambda: not client.exists(keys.dead_letters(QUEUE)))
    consumer.close()


def test_old_dead_letters_go_while_new_ones_come(make_broker: MakeBroker, eventually: Eventually) -> None:
    broker = make_broker(dead_letter_ttl=0.2)
    numbers = itertools.count()

    def bury_another() -> list[bytes]:
        body = str(next(numbers)).encode()
        entry: Any = broker.streams.client.xadd(keys.queue_stream(QUEUE), {"message": body})
        broker.streams.nack(QUEUE, str(entry, "ascii"), body, "")
        return [letter.message for letter in broker.dead_letters(QUEUE, count=10_000)]

    assert bury_another() == [b"0"]
    eventually(lambda: b"0" not in bury_another())  # each burial renews the expiry of the key


def test_a_retry_that_cannot_be_queued_is_not_lost(
    broker: StreamsBroker, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dramatiq.actor(broker=broker, queue_name=QUEUE)
    def fail() -> None:
        raise LookupError("at work")

    def refuse(*_: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(broker.streams, "delay", refuse)
    fail.send()
    start_worker(broker)
    broker.join(QUEUE, timeout=5000)
    assert "at work" in broker.dead_letters(QUEUE)[0].reason


# Limits and names


def test_a_full_queue_refuses(make_broker: MakeBroker, client: redis.Redis) -> None:
    record = Recorder(make_broker(max_queue_length=2))
    record.send(1)
    record.send(2)
    with pytest.raises(RateLimited, match=f"Queue {QUEUE} is full") as refusal:
        record.send(3)
    assert refusal.value.details["queue"] == QUEUE
    assert depth(client) == 2


@pytest.mark.parametrize("name", ["session.DQ", "session.XQ", "a\nb", "a*", ""])
def test_names_with_another_meaning_are_refused(name: str, broker: StreamsBroker) -> None:
    with pytest.raises(ValueError, match="cannot name a queue"):
        broker.declare_queue(name)


def test_only_declared_queues_are_consumed(broker: StreamsBroker) -> None:
    with pytest.raises(QueueNotFound):
        broker.consume("never declared")


def test_join_gives_up(broker: StreamsBroker) -> None:
    record = Recorder(broker)
    record.send_later(1, delay=60_000)
    with pytest.raises(QueueJoinTimeout):
        broker.join(QUEUE, timeout=50)


def test_flush_drops_what_waits(broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker) -> None:
    record, other = Recorder(broker), Recorder(broker, queue=f"{QUEUE}.other")
    record.send(1)
    record.send_later(2, delay=60_000)
    other.send_later(3, delay=60_000)
    broker.flush(QUEUE)
    broker.join(QUEUE, timeout=0)
    assert client.zcard(keys.BROKER_DELAYED) == 1
    broker.flush_all()
    assert client.zcard(keys.BROKER_DELAYED) == 0


def test_a_deleted_queue_leaves_nothing(broker: StreamsBroker, client: redis.Redis) -> None:
    record = Recorder(broker)
    record.send(1)
    record.send_later(2, delay=60_000)
    consumer = broker.consume(QUEUE, timeout=20)
    message = next(consumer)
    assert message is not None
    consumer.nack(message)
    consumer.close()
    broker.delete_queue(QUEUE)
    assert [key for key in client.scan_iter() if client.ttl(key) < 0] in ([], [keys.BROKER_WAKE.encode()])
    assert QUEUE not in broker.get_declared_queues()


def test_actors_are_declared_without_redis_and_enqueue_says_what_is_wrong() -> None:
    broker = StreamsBroker("redis://127.0.0.1:1/0")
    record = Recorder(broker)
    with pytest.raises(DriverError, match="out of reach"):
        record.send(1)
    broker.close()


def test_out_of_memory_says_what_to_do(embedded_url: str) -> None:
    with redis.Redis.from_url(embedded_url) as client:
        broker = StreamsBroker(embedded_url)
        record = Recorder(broker)
        client.config_set("maxmemory", 1)
        try:
            for send in (record.send, lambda value: record.send_later(value, delay=1000)):
                with pytest.raises(DriverError, match="raise maxmemory"):
                    send(1)
        finally:
            client.config_set("maxmemory", 0)
            broker.close()


# Lost connections


def test_a_worker_survives_an_emptied_redis(
    broker: StreamsBroker,
    client: redis.Redis,
    start_worker: StartWorker,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 3600)  # the consumer itself heals
    record = Recorder(broker)
    start_worker(broker)
    eventually(lambda: [each for each in clients(client) if each["cmd"] == "xreadgroup"])
    client.flushdb()
    record.send("after")
    eventually(lambda: record.calls == ["after"])
    broker.join(QUEUE, timeout=5000)


def test_an_enqueue_whose_answer_is_lost_is_not_repeated(
    client: redis.Redis, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 3))
    broker = StreamsBroker(eager)
    record = Recorder(broker)
    record.send(1)
    read = AbstractConnection.read_response

    def lose(connection: AbstractConnection, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(AbstractConnection, "read_response", read)
        read(connection, *args, **options)
        raise redis.ConnectionError("the answer is lost")

    monkeypatch.setattr(AbstractConnection, "read_response", lose)
    with pytest.raises(DriverError):
        record.send(2)
    assert depth(client) == 2
    broker.close()
    eager.close()


def test_a_message_that_runs_while_connections_are_lost_is_done_once(
    broker: StreamsBroker,
    make_broker: MakeBroker,
    client: redis.Redis,
    start_worker: StartWorker,
    eventually: Eventually,
) -> None:
    record, other = Recorder(broker), Recorder(make_broker())
    record.send("slow")
    worker = start_worker(broker)
    eventually(lambda: record.calls)
    start_worker(other.actor.broker)
    old = worker.consumers[QUEUE].consumer
    for each in clients(client):
        client.client_kill_filter(_id=each["id"])
    eventually(lambda: worker.consumers[QUEUE].consumer not in (old, None))
    for number in range(5):  # both work on, past the time after which a dead consumer's messages are taken
        other.send_later(number, delay=200 * number)
    eventually(lambda: len(record.calls) + len(other.calls) == 6)
    record.gate.set()
    broker.join(QUEUE, timeout=5000)
    assert sorted(map(str, record.calls + other.calls)) == ["0", "1", "2", "3", "4", "slow"]


def test_after_an_outage_nobody_is_taken_for_dead_at_once(
    broker: StreamsBroker, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    Recorder(broker)
    start_worker(broker)
    eventually(lambda: not broker._keeper.is_in_doubt)

    def refuse(_: object) -> None:
        raise redis.BusyLoadingError("loading")

    with monkeypatch.context() as patch:
        patch.setattr(broker.streams, "beat", refuse)
        eventually(lambda: broker._keeper.is_in_doubt)
    eventually(lambda: not broker._keeper.is_in_doubt)


# Death


def test_the_messages_of_a_killed_process_are_taken_over(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker, spawn: Spawn, eventually: Eventually
) -> None:
    actors = shared.declare(broker, client)
    process = spawn()
    actors["hang"].send(60)
    eventually(lambda: client.llen(shared.LOG) == 1)
    actors["note"].send("fetched by the process that dies")
    eventually(lambda: len(pending(client, shared.QUEUE)) == 2)
    process.kill()
    process.wait()
    start_worker(broker, worker_threads=2)
    eventually(lambda: client.llen(shared.LOG) == 3)
    log = client.lrange(shared.LOG, 0, -1)
    assert b"note fetched by the process that dies" in log[1:]
    assert log[0] == f"hang {process.pid}".encode()
    broker.join(shared.QUEUE, timeout=5000)


def test_a_message_that_kills_its_process_does_not_loop_for_ever(
    broker: StreamsBroker, client: redis.Redis, spawn: Spawn, eventually: Eventually
) -> None:
    actors = shared.declare(broker, client)
    actors["crash"].send()
    actors["note"].send("innocent")  # fetched together with the other, dies with it, and is not blamed
    for _ in range(shared.MAX_DELIVERIES):
        spawn().wait(timeout=10)
    assert client.lrange(shared.LOG, 0, -1) == [b"crash"] * shared.MAX_DELIVERIES
    spawn()
    eventually(lambda: depth(client, shared.QUEUE) == 0)
    assert client.lrange(shared.LOG, shared.MAX_DELIVERIES, -1) == [b"note innocent"]
    [letter] = broker.dead_letters(shared.QUEUE)
    assert json.loads(letter.message)["actor_name"] == "crash"
    assert "died every time" in letter.reason


def test_a_dead_consumer_without_messages_is_forgotten(
    broker: StreamsBroker, client: redis.Redis, start_worker: StartWorker, eventually: Eventually
) -> None:
    Recorder(broker)
    broker.streams.create(QUEUE)
    client.xgroup_createconsumer(keys.queue_stream(QUEUE), "warest", "died long ago")
    assert len(consumers(client)) == 1
    start_worker(broker)
    eventually(lambda: b"died long ago" not in [each["name"] for each in consumers(client)])


def test_the_messages_of_the_living_are_left_alone(
    broker: StreamsBroker, make_broker: MakeBroker, start_worker: StartWorker, eventually: Eventually
) -> None:
    record, other = Recorder(broker), Recorder(make_broker())
    record.send("slow")
    start_worker(broker)
    eventually(lambda: record.calls)
    start_worker(other.actor.broker)
    other.send_later("a good while later", delay=1500)
    eventually(lambda: "a good while later" in record.calls + other.calls)
    record.gate.set()
    broker.join(QUEUE, timeout=5000)
    assert (record.calls + other.calls).count("slow") == 1


def test_a_message_past_its_own_deadline_is_given_to_another(
    broker: StreamsBroker, make_broker: MakeBroker, start_worker: StartWorker, eventually: Eventually
) -> None:
    """Its thread hangs where TimeLimit cannot interrupt it; the process lives."""
    record, other = Recorder(broker), Recorder(make_broker())
    start_worker(broker, worker_threads=1)
    record.actor.send_with_options(args=("slow",), time_limit=100)
    eventually(lambda: record.calls)
    start_worker(other.actor.broker)
    eventually(lambda: other.calls == ["slow"])
    record.gate.set()
    other.gate.set()
    broker.join(QUEUE, timeout=5000)

"""A Dramatiq broker on Redis Streams.

    enqueue ──────────────► stream of the queue ──► consumer ──► ack: gone
       │ delay                 ▲        ▲               ├─────► nack: dead-letter stream
       ▼                       │        └───────────────┴─────► requeue, or taken over from the dead
    one sorted set ──► keeper ─┘

A stream holds what is not done yet: XLEN is the depth of the queue. Delivery is at least once: a message runs again
if its process dies before the ack. See `StreamsBroker` for the numbers, `scripts` for what is atomic, `consumer` and
`keeper` for who does what in a process.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
import redis
from dramatiq.broker import MessageProxy
from dramatiq.errors import QueueJoinTimeout, QueueNotFound
from dramatiq.middleware import Middleware

from warest import keys
from warest.broker.consumer import StreamMessage, StreamsConsumer
from warest.broker.keeper import Keeper
from warest.broker.streams import DeadLetter, Limits, Streams
from warest.errors import DriverError, RateLimited

__all__ = ["DeadLetter", "StreamsBroker"]

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_.-]+(?<!\.DQ)(?<!\.XQ)")

#: Options that Dramatiq's Retries notes in a message that fails.
_OF_A_FORMER_LIFE = frozenset({"retries", "traceback", "requeue_timestamp"})

#: Seconds that a sender should wait when a queue is full.
_FULL_RETRY_AFTER = 5


class StreamsBroker(dramatiq.Broker):
    """Redis >= 6.2 or Valkey, over TCP or a unix socket.

    `client`: a redis.Redis, or a URL such as "redis://localhost:6379/0" or "unix:///run/redis.sock?db=0". Only its
    address and credentials are used: the broker opens connections of its own, one per consumer and one for its
    background thread besides those for commands, and never lets redis-py repeat a command.

    `middleware`: Dramatiq's default if None (AgeLimit, TimeLimit, ShutdownNotifications, Callbacks, Pipelines,
    Retries). The broker itself needs none of them. Without Retries a message whose actor raised is acknowledged. With
    Results, give `RedisBackend` a client with `socket_timeout=None`: get_result(block=True) waits in BRPOPLPUSH, and
    redis-py's default of 5 seconds would cut a longer wait short.

    `max_queue_length`: messages a queue may hold, running ones included; past it `enqueue` raises RateLimited. Delayed
    messages are not counted: those were accepted already, most are retries.

    `max_deliveries`: how often a message may be started by processes that then die before it is a dead letter.

    `heartbeat`: seconds after the last sign of life of a process until its messages are taken over. Signs are given,
    and the dead looked for, every quarter of it, and every two seconds at least.

    `dead_letter_ttl`, `max_dead_letters`: seconds that a queue's dead letters are kept, and how many at most.
    """

    def __init__(
        self,
        client: "redis.Redis | str",
        *,
        middleware: list[Middleware] | None = None,
        max_queue_length: int = 100_000,
        max_deliveries: int = 5,
        heartbeat: float = 8.0,
        dead_letter_ttl: float = 7 * 24 * 3600.0,
        max_dead_letters: int = 10_000,
    ) -> None:
        super().__init__(middleware=middleware)
        # Several workers of one process share a broker; Dramatiq warns of what each adds, and it is meant.
        self.logger.addFilter(lambda record: "same type twice" not in str(record.msg))
        self.queues: set[str] = set()
        self.streams = Streams(
            redis.Redis.from_url(client) if isinstance(client, str) else client,
            Limits(
                heartbeat=heartbeat,
                max_queue_length=max_queue_length,
                max_deliveries=max_deliveries,
                dead_letter_ttl=dead_letter_ttl,
                max_dead_letters=max_dead_letters,
            ),
        )
        self._keeper = Keeper(self.streams)
        self.add_middleware(_Bookkeeping(self.streams))

    def close(self) -> None:
        """Ends the background thread and the connections. Workers are to be stopped before."""
        self._keeper.stop()
        self.streams.close()

    # Queues

    def declare_queue(self, queue_name: str) -> None:
        """Makes the queue known here and, if Redis is there, in keys.BROKER_QUEUES.

        Actors are declared when modules are imported; that must work without Redis. Whoever puts the first message
        in, or waits for it, registers the queue in any case. A running dramatiq.Worker starts to consume the new queue
        if its `queues` allow it.
        """
        if queue_name in self.queues:
            return
        _check(queue_name)
        self.emit_before("declare_queue", queue_name)
        self.queues.add(queue_name)
        try:
            self.streams.register(queue_name)
        except redis.RedisError as error:
            self.logger.warning("Queue %s is declared but not registered yet: %s", queue_name, error)
        self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        return self.queues.copy()

    def known_queues(self) -> set[str]:
        """Every queue that there is in Redis, whoever declared it."""
        with _driver_errors():
            return self.streams.known()

    def delete_queue(self, queue_name: str) -> None:
        """Removes the queue with its waiting, delayed and dead messages.

        Stop its consumers first: one that still waits there, or an enqueue, brings the queue back.
        """
        self.queues.discard(queue_name)
        with _driver_errors():
            self.streams.delete(queue_name)

    def flush(self, queue_name: str) -> None:
        """Drops what waits and what is delayed. What a worker has fetched already still runs; dead letters stay."""
        with _driver_errors():
            self.streams.flush(queue_name)

    def flush_all(self) -> None:
        for queue_name in self.get_declared_queues():
            self.flush(queue_name)

    def depths(self) -> dict[str, tuple[int, int]]:
        """Every queue that there is: how many of its messages are not done yet, and how many are dead."""
        with _driver_errors():
            names = sorted(self.streams.known())
            return dict(zip(names, self.streams.depths(names), strict=True))

    def dead_letters(self, queue_name: str, *, count: int = 100, before: str | None = None) -> list[DeadLetter]:
        """The newest first; the next page begins before the id of the last."""
        with _driver_errors():
            return self.streams.dead_letters(queue_name, count, before)

    def redrive(self, letter: DeadLetter) -> bool:
        """Puts a dead letter back into its queue, to be tried as often as a new message. False if it is gone.

        Raises DecodeError for one that never was a Dramatiq message: it would die again.
        """
        message: dramatiq.Message[Any] = dramatiq.Message.decode(letter.message)
        for name in _OF_A_FORMER_LIFE:
            message.options.pop(name, None)
        with _driver_errors():
            return self.streams.redrive(letter.queue, letter.id, message.encode())

    def join(self, queue_name: str, *, timeout: int | None = None, interval: int = 20) -> None:
        """Waits until nothing of the queue waits, runs or is delayed; for tests. Both times in milliseconds.

        Raises QueueJoinTimeout.
        """
        deadline = None if timeout is None else time.monotonic() + timeout / 1000
        while self.streams.undone(queue_name):
            if deadline is not None and time.monotonic() >= deadline:
                raise QueueJoinTimeout(queue_name)  # type: ignore[no-untyped-call]
            time.sleep(interval / 1000)

    # Messages

    def enqueue(self, message: "dramatiq.Message[Any]", *, delay: int | None = None) -> "dramatiq.Message[Any]":
        """Puts the message into its queue, `delay` milliseconds from now. The queue need not be declared.

        Raises RateLimited if the queue is full, DriverError if Redis did not answer: then the message may or may not be
        in the queue.
        """
        _check(message.queue_name)
        self.emit_before("enqueue", message, delay)
        try:
            self._put(message, delay)
        except (DriverError, RateLimited):
            if isinstance(message, MessageProxy):  # a retry; without this the worker would acknowledge the original
                message.fail()
            raise
        self.emit_after("enqueue", message, delay)
        return message

    def _put(self, message: "dramatiq.Message[Any]", delay: int | None) -> None:
        queue, body = message.queue_name, message.encode()
        with _driver_errors():
            if delay is not None and delay > 0:
                self.streams.delay(queue, body, delay)
            elif not self.streams.enqueue(queue, body):
                raise RateLimited(f"Queue {queue} is full.", queue=queue, retry_after=_FULL_RETRY_AFTER)

    def enqueue_with_second(
        self, message: "dramatiq.Message[Any]", second: "dramatiq.Message[Any]", *, delay: int
    ) -> None:
        """Puts a message into its queue and, `delay` milliseconds from now, another one into its own: both or none.

        Raises RateLimited if the first one's queue is full, DriverError if Redis did not answer.
        """
        queue, later = message.queue_name, second.queue_name
        _check(queue)
        _check(later)
        with _driver_errors():
            if not self.streams.enqueue_with_second(queue, message.encode(), later, second.encode(), delay):
                raise RateLimited(f"Queue {queue} is full.", queue=queue, retry_after=_FULL_RETRY_AFTER)

    def write_off(self, message: "dramatiq.Message[Any]", reason: str) -> None:
        """Puts a message among the dead letters that is in no queue: its sender knows that it is of no use to run it.

        Raises DriverError.
        """
        with _driver_errors():
            self.streams.write_off(message.queue_name, message.encode(), reason)

    def stream_entry(self, message: "dramatiq.Message[Any]") -> tuple[str, dict[str, bytes]]:
        """Key and fields for an XADD (with id *) of your own, to make enqueueing part of a larger Redis transaction.

        The queue needs no preparation. The bound on its length is not checked and no middleware hears of the message.
        """
        _check(message.queue_name)
        return keys.queue_stream(message.queue_name), {"message": message.encode()}

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> StreamsConsumer:
        """A read blocks for `timeout` milliseconds, at most one second.

        Whatever goes wrong with Redis, here or in the consumer, is a ConnectionClosed: the worker tries again.
        """
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]
        return StreamsConsumer(self.streams, self._keeper, queue_name, prefetch=prefetch, timeout=timeout)


class _Bookkeeping(Middleware):
    """What the broker has to know of a worker and is told by signals only."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        if not isinstance(message, StreamMessage):
            return
        message.started_at = time.monotonic()
        if message.starts:
            consumer = message.holder
            self._streams.count_start(consumer.queue, consumer.name, message.entry_id, message.starts + 1)

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        for thread in worker.consumers.values():
            if isinstance(thread.consumer, StreamsConsumer):
                thread.consumer.drain()


def _check(queue_name: str) -> None:
    """Dramatiq gives .DQ and .XQ a meaning: its Worker would take such a queue for the delay queue of another."""
    if not _QUEUE_NAME.fullmatch(queue_name):
        raise ValueError(f"{queue_name!r} cannot name a queue: letters, digits and ._- only, not ending in .DQ or .XQ")


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        if "OOM" in str(error):  # inside a script it is not an OutOfMemoryError
            raise DriverError(
                "Redis has reached its maxmemory and takes no more messages: raise maxmemory, or find out why the"
                " queues are not worked off. Nothing was queued."
            ) from error
        raise DriverError(f"The queues are out of reach, Redis said: {error}") from error

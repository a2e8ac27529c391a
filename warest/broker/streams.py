"""What the broker says to Redis: one method, one round trip. No threads, no Dramatiq; errors are redis-py's own."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from warest import keys
from warest.broker import scripts

#: The one consumer group of every stream.
GROUP = "warest"

#: A consumer that never lives: what is handed to it is taken over by the next who looks.
OVERDUE = "overdue"

#: Seconds a command may take. Blocking ones ask for less than half of it.
SOCKET_TIMEOUT = 5.0

_PROMOTED_AT_ONCE = 200
_NOT_SCHEDULER = -1
_NOTHING_DELAYED = -2

_GAVE_UP = "its process died every time that it was run"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The broker's numbers; StreamsBroker explains them."""

    heartbeat: float
    max_queue_length: int
    max_deliveries: int
    dead_letter_ttl: float
    max_dead_letters: int

    @property
    def beat(self) -> float:
        """Seconds between two signs of life, and between two looks for the dead."""
        return min(self.heartbeat / 4, 2.0)


class Entry(NamedTuple):
    """A message as it lies in a stream. `starts` counts how often it was started by consumers that died."""

    id: str
    body: bytes
    starts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that no retry will deliver; `died_at` in epoch milliseconds."""

    id: str
    queue: str
    message: bytes
    reason: str
    died_at: int


class Streams:
    """The queues in one Redis."""

    def __init__(self, client: redis.Redis, limits: Limits) -> None:
        self.client = _own(client)
        self.limits = limits
        self._enqueue = self._script(scripts.ENQUEUE)
        self._delay = self._script(scripts.DELAY)
        self._promote = self._script(scripts.PROMOTE)
        self._ack = self._script(scripts.ACK)
        self._nack = self._script(scripts.NACK)
        self._write_off = self._script(scripts.WRITE_OFF)
        self._redrive = self._script(scripts.REDRIVE)
        self._requeue = self._script(scripts.REQUEUE)
        self._take_over = self._script(scripts.TAKE_OVER)
        self._leave = self._script(scripts.LEAVE)
        self._resign = self._script(scripts.RESIGN)
        self._undone = self._script(scripts.UNDONE)

    def _script(self, text: str) -> Script:
        return self.client.register_script(text)

    def close(self) -> None:
        self.client.close()
        self.client.connection_pool.disconnect()

    # Queues

    def register(self, queue: str) -> None:
        self.client.sadd(keys.BROKER_QUEUES, queue)

    def known(self) -> set[str]:
        found: Any = self.client.smembers(keys.BROKER_QUEUES)
        return {queue.decode() for queue in found}

    def create(self, queue: str) -> None:
        """The stream and its group, from the first entry on, so that what was queued before anyone consumed is seen."""
        self.register(queue)
        try:
            self.client.xgroup_create(keys.queue_stream(queue), GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def flush(self, queue: str) -> None:
        stream = keys.queue_stream(queue)
        with self.client.pipeline() as transaction:
            transaction.delete(stream)
            transaction.xgroup_create(stream, GROUP, id="0", mkstream=True)
            transaction.execute()
        self._drop_delayed(queue)

    def delete(self, queue: str) -> None:
        with self.client.pipeline() as transaction:
            transaction.srem(keys.BROKER_QUEUES, queue)
            transaction.delete(keys.queue_stream(queue), keys.dead_letters(queue))
            transaction.execute()
        self._drop_delayed(queue)  # dying before this is harmless: no longer registered, they are dropped when due

    def _drop_delayed(self, queue: str) -> None:
        for member, _ in self.client.zscan_iter(keys.BROKER_DELAYED, match=f"{queue}\n*", count=1000):
            self.client.zrem(keys.BROKER_DELAYED, member)

    def undone(self, queue: str) -> int:
        """How many messages of the queue wait, run or are delayed."""
        found: int = self._undone(keys=[keys.queue_stream(queue), keys.BROKER_DELAYED], args=[queue])
        return found

    # In

    def enqueue(self, queue: str, body: bytes) -> bool:
        """False if the queue is full."""
        return bool(
            self._enqueue(
                keys=[keys.queue_stream(queue), keys.BROKER_QUEUES], args=[queue, body, self.limits.max_queue_length]
            )
        )

    def delay(self, queue: str, body: bytes, milliseconds: int) -> None:
        self._delayed(queue, body, milliseconds, self.client)

    def _delayed(self, queue: str, body: bytes, milliseconds: int, client: redis.Redis) -> None:
        member = f"{queue}\n{uuid4().hex}\n".encode() + body
        held = [keys.BROKER_DELAYED, keys.BROKER_QUEUES, keys.BROKER_WAKE]
        self._delay(keys=held, args=[queue, member, milliseconds], client=client)

    def enqueue_with_second(self, queue: str, body: bytes, second: str, second_body: bytes, milliseconds: int) -> bool:
        """One message now and another one later, both or none. False if the first one's queue is full."""
        length: Any = self.client.xlen(keys.queue_stream(queue))
        if length >= self.limits.max_queue_length:
            return False
        with self.client.pipeline(transaction=True) as transaction:
            transaction.sadd(keys.BROKER_QUEUES, queue)
            transaction.xadd(keys.queue_stream(queue), {"message": body})
            self._delayed(second, second_body, milliseconds, transaction)
            transaction.execute()
        return True

    def promote(self, keeper: str) -> float | None:
        """Moves what is due. Seconds that this keeper may sleep if it is the scheduler, None if another one is."""
        wait: int = self._promote(
            keys=[keys.BROKER_DELAYED, keys.BROKER_QUEUES, keys.BROKER_SCHEDULER],
            args=[_PROMOTED_AT_ONCE, keys.queue_stream(""), keeper, _ms(2 * self.limits.beat)],
        )
        if wait == _NOT_SCHEDULER:
            return None
        return self.limits.beat if wait == _NOTHING_DELAYED else min(wait / 1000, self.limits.beat)

    def resign(self, keeper: str) -> None:
        """Another keeper may be the scheduler, at once."""
        self._resign(keys=[keys.BROKER_SCHEDULER], args=[keeper])

    # Out

    def read(self, queue: str, consumer: str, *, reader: redis.Redis, count: int, block: int) -> list[Entry]:
        """Up to `count` new messages; waits up to `block` ms for the first. Restores a group that is gone."""
        stream = keys.queue_stream(queue)
        try:
            reply: Any = reader.xreadgroup(GROUP, consumer, {stream: ">"}, count=count, block=block)
        except redis.ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self.create(queue)
            self.beat([consumer])
            return []
        return [Entry(id.decode(), fields[b"message"], 0) for _, found in reply or () for id, fields in found]

    def take_over(self, queue: str, consumer: str, *, count: int) -> list[Entry]:
        """Up to `count` messages of consumers that are dead."""
        taken: list[tuple[bytes, list[bytes], int]] = self._take_over(
            keys=[keys.queue_stream(queue), keys.dead_letters(queue)],
            args=[
                GROUP,
                consumer,
                keys.consumer_heartbeat(""),
                count,
                _ms(self.limits.heartbeat),
                self.limits.max_deliveries,
                *self._burial(queue, _GAVE_UP),
            ],
        )
        return [Entry(id.decode(), fields[1], starts) for id, fields, starts in taken]

    def count_start(self, queue: str, consumer: str, id: str, starts: int) -> None:
        """Redis itself has counted the first delivery; this counts the start of a message that was taken over."""
        self.client.xclaim(keys.queue_stream(queue), GROUP, consumer, 0, [id], retrycount=starts, justid=True)

    def disown(self, queue: str, id: str) -> None:
        """Lets another consumer take the message over."""
        idle = _ms(self.limits.heartbeat)
        self.client.xclaim(keys.queue_stream(queue), GROUP, OVERDUE, 0, [id], idle=idle, justid=True)

    def ack(self, queue: str, id: str) -> None:
        self._ack(keys=[keys.queue_stream(queue)], args=[GROUP, id])

    def nack(self, queue: str, id: str, body: bytes, reason: str) -> None:
        self._nack(
            keys=[keys.queue_stream(queue), keys.dead_letters(queue)],
            args=[GROUP, id, body, *self._burial(queue, reason)],
        )

    def write_off(self, queue: str, body: bytes, reason: str) -> None:
        self._write_off(keys=[keys.dead_letters(queue)], args=[body, *self._burial(queue, reason)])

    def requeue(self, queue: str, consumer: str, ids: Iterable[str]) -> None:
        self._requeue(keys=[keys.queue_stream(queue)], args=[GROUP, consumer, *ids])

    def redrive(self, queue: str, id: str, body: bytes) -> bool:
        """A dead letter back to the end of its queue; False if it is gone."""
        held = [keys.dead_letters(queue), keys.queue_stream(queue), keys.BROKER_QUEUES]
        return bool(self._redrive(keys=held, args=[queue, id, body]))

    def depths(self, queues: list[str]) -> list[tuple[int, int]]:
        """Of each queue: how many messages wait or run, how many are dead."""
        with self.client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.xlen(keys.queue_stream(queue))
                pipeline.xlen(keys.dead_letters(queue))
            found = pipeline.execute()
        return list(zip(found[::2], found[1::2], strict=True))

    def dead_letters(self, queue: str, count: int, before: str | None) -> list[DeadLetter]:
        """The newest first."""
        newest = f"({before}" if before else "+"
        found: Any = self.client.xrevrange(keys.dead_letters(queue), newest, count=count)
        return [
            DeadLetter(
                id=id.decode(),
                queue=fields[b"queue"].decode(),
                message=fields[b"message"],
                reason=fields[b"reason"].decode(),
                died_at=int(fields[b"died_at"]),
            )
            for id, fields in found
        ]

    def _burial(self, queue: str, reason: str) -> list[str | int]:
        return [queue, reason, _ms(self.limits.dead_letter_ttl), self.limits.max_dead_letters]

    # Life and death

    def beat(self, consumers: Iterable[str]) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for consumer in consumers:
                pipeline.set(keys.consumer_heartbeat(consumer), 1, px=_ms(self.limits.heartbeat))
            pipeline.execute()

    def leave(self, queue: str, consumer: str) -> None:
        self._leave(keys=[keys.queue_stream(queue), keys.consumer_heartbeat(consumer)], args=[GROUP, consumer])

    def ring(self, keeper: str) -> None:
        with suppress(redis.RedisError), self.client.pipeline() as transaction:  # else it wakes when its time is up
            transaction.rpush(keys.broker_bell(keeper), 1)
            transaction.pexpire(keys.broker_bell(keeper), _ms(SOCKET_TIMEOUT))
            transaction.execute()


class Alarm:
    """The scheduler's sleep: until a moment, an earlier message, or `Streams.ring`.

    Redis looks at the timeouts of blocked clients ten times a second and so ends them up to 100 ms late. Therefore
    BLPOP has none here: it stays open from one sleep to the next, and the time is watched on this side.
    """

    def __init__(self, streams: Streams, keeper: str) -> None:
        self._client = redis.Redis(connection_pool=streams.client.connection_pool, single_connection_client=True)
        self._lists = keys.BROKER_WAKE, keys.broker_bell(keeper)
        self._is_asked = False

    def sleep(self, seconds: float) -> None:
        connection = self._client.connection
        assert connection is not None
        if not self._is_asked:
            connection.send_command("BLPOP", *self._lists, 0)  # type: ignore[no-untyped-call]
            self._is_asked = True
        if connection.can_read(timeout=seconds):
            self._is_asked = False
            connection.read_response()

    def close(self) -> None:
        if self._client.connection is not None:
            # An answer may still be under way, so nobody may use it again.
            self._client.connection.disconnect()  # type: ignore[no-untyped-call]
        self._client.close()


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _own(client: redis.Redis) -> redis.Redis:
    """A client for the same server that never repeats a command by itself.

    If the answer to an XADD is lost, repeating it is a second message, and if the answer to an XREADGROUP is lost,
    repeating it forgets what was read. RESP2, because a reply's shape depends on the protocol; that leaves out
    redis-py's maintenance notifications, whose handler belongs to the given client's pool anyway.
    """
    pool = client.connection_pool
    options = {
        **{name: value for name, value in pool.connection_kwargs.items() if not name.startswith("maint_")},
        "protocol": 2,
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SOCKET_TIMEOUT,
    }
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **options))

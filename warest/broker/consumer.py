"""One queue as a worker sees it, and the message that it gets from there."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import dramatiq
import redis
from dramatiq.broker import MessageProxy
from dramatiq.errors import ConnectionClosed, DecodeError

from warest.broker.streams import Entry, Streams

if TYPE_CHECKING:
    from warest.broker.keeper import Keeper

#: A read blocks for at most this many milliseconds, because nothing else ends it when the worker stops.
LONGEST_BLOCK = 1000

#: Seconds between two looks of a worker that stops whether its last actor has ended.
DRAIN_PAUSE = 0.05

#: Characters of a traceback that a dead letter keeps: the end, where the error is.
REASON_LENGTH = 2000


class StreamMessage(MessageProxy):
    """A message together with its place in the stream and the consumer that holds it."""

    def __init__(self, message: "dramatiq.Message[Any]", *, entry: Entry, holder: "StreamsConsumer") -> None:
        super().__init__(message)
        self.entry_id = entry.id
        self.starts = entry.starts
        self.holder = holder
        self.started_at: float | None = None

    def reason(self) -> str:
        """Why it failed, as far as anyone knows."""
        traceback = self.options.get("traceback")
        if traceback is None and self._exception is not None:
            traceback = repr(self._exception)
        return str(traceback or "rejected")[-REASON_LENGTH:]

    def is_overdue(self, grace: float) -> bool:
        """Whether it runs longer than its own option `time_limit` (ms), by more than `grace` seconds."""
        limit = self.options.get("time_limit")
        if limit is None or self.started_at is None:
            return False
        return bool(time.monotonic() > self.started_at + limit / 1000 + grace)


class StreamsConsumer(dramatiq.Consumer):
    """Reads one queue for one worker.

    It *holds* a message from the read until ack, nack or requeue. It may be closed meanwhile (dramatiq replaces a
    consumer after a lost connection while its actors go on): the keeper says that it lives for as long as it holds any.
    Iterating is for one thread; ack and nack come from the threads of the worker.
    """

    def __init__(self, streams: Streams, keeper: "Keeper", queue: str, *, prefetch: int, timeout: int) -> None:
        self.queue = queue
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:12]}"
        self._streams = streams
        self._keeper = keeper
        self._prefetch = prefetch
        self._block = max(1, min(timeout, LONGEST_BLOCK, int(streams.limits.beat * 1000)))
        self._held: dict[str, StreamMessage] = {}
        self._room = Condition()
        self._hung: set[str] = set()
        self._read: deque[StreamMessage] = deque()
        self._next_search = 0.0
        self._draining = False
        with _connection_closed():
            streams.beat([self.name])  # before the group knows of it: others bury consumers without a heartbeat
            streams.create(queue)
            self._reader = redis.Redis(connection_pool=streams.client.connection_pool, single_connection_client=True)
        keeper.add(self)

    def __next__(self) -> StreamMessage | None:
        if not self._read:
            with _connection_closed():
                self._fetch()
        return self._read.popleft() if self._read else None

    def _fetch(self) -> None:
        room = self._wait_for_room()
        if not room:
            return
        entries = self._take_over(room) or self._streams.read(
            self.queue, self.name, reader=self._reader, count=room, block=self._block
        )
        for entry in entries:
            self._admit(entry)

    def _wait_for_room(self) -> int:
        """How many messages may be fetched now."""
        if self._draining:
            time.sleep(DRAIN_PAUSE)
            return 0
        with self._room:
            self._room.wait_for(lambda: len(self._held) < self._prefetch, timeout=self._block / 1000)
            return max(0, self._prefetch - len(self._held))

    def _take_over(self, room: int) -> list[Entry]:
        if time.monotonic() < self._next_search or self._hung or self._keeper.is_in_doubt:
            return []
        taken = self._streams.take_over(self.queue, self.name, count=room)
        if not taken:
            self._next_search = time.monotonic() + self._streams.limits.beat
        return taken

    def _admit(self, entry: Entry) -> None:
        try:
            message = StreamMessage(dramatiq.Message.decode(entry.body), entry=entry, holder=self)
        except DecodeError as error:
            self._streams.nack(self.queue, entry.id, entry.body, f"not a Dramatiq message: {error.error!r}")
            return
        with self._room:
            self._held[entry.id] = message
        self._read.append(message)

    def ack(self, message: MessageProxy) -> None:
        held = cast(StreamMessage, message)
        with _connection_closed():
            self._streams.ack(self.queue, held.entry_id)
        held.holder.let_go(held)

    def nack(self, message: MessageProxy) -> None:
        held = cast(StreamMessage, message)
        with _connection_closed():
            self._streams.nack(self.queue, held.entry_id, held.encode(), held.reason())
        held.holder.let_go(held)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Back to the end of the queue, oldest first, for whoever reads next."""
        held = sorted(cast(Iterable[StreamMessage], messages), key=_age)
        for holder in {message.holder for message in held}:
            with _connection_closed():
                mine = [message for message in held if message.holder is holder]
                self._streams.requeue(self.queue, holder.name, [message.entry_id for message in mine])
            for message in mine:
                holder.let_go(message)

    def let_go(self, message: StreamMessage) -> None:
        with self._room:
            self._held.pop(message.entry_id, None)
            self._hung.discard(message.entry_id)
            self._room.notify()

    def give_up(self, message: StreamMessage) -> None:
        """Its thread hangs: as long as that lasts nothing is taken over here, least of all this message again."""
        self.let_go(message)
        self._hung.add(message.entry_id)

    def held(self) -> list[StreamMessage]:
        with self._room:
            return list(self._held.values())

    def drain(self) -> None:
        """Fetch nothing more: the worker stops as soon as its actors have ended."""
        self._draining = True

    def close(self) -> None:
        """Gives back what was read and not handed out. Without a connection others take that over in time."""
        with suppress(ConnectionClosed):
            if self._read:
                self.requeue(self._read)
        self._read.clear()
        self._reader.close()
        self._keeper.remove(self)


def _age(message: StreamMessage) -> tuple[int, int]:
    milliseconds, _, sequence = message.entry_id.partition("-")
    return int(milliseconds), int(sequence)


@contextmanager
def _connection_closed() -> Iterator[None]:
    """Whatever Redis says (gone, loading, read-only, out of memory): the worker's answer is to try again later."""
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionClosed(error) from error  # type: ignore[no-untyped-call]

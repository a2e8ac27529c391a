"""The one background thread of a process that consumes."""

import time
from contextlib import closing, suppress
from logging import getLogger
from threading import Event, Lock, Thread
from uuid import uuid4

import redis

from warest.broker.consumer import StreamsConsumer
from warest.broker.streams import Alarm, Streams

logger = getLogger(__name__)

#: Seconds before the next try when Redis is out of reach.
RETRY_PAUSE = 0.5


class Keeper:
    """Says that this process' consumers live, moves delayed messages to their streams, disowns overdue ones.

    Runs from the first consumer to the last. Any number of processes may do so at once: each step is one script. One of
    them, the scheduler, is awake when a delayed message is due; if it dies, delayed messages are late by up to twice
    `Limits.beat` until another has taken its place. Nothing is ever half done.
    """

    def __init__(self, streams: Streams) -> None:
        self.name = uuid4().hex
        self._streams = streams
        self._lock = Lock()
        self._open: set[StreamsConsumer] = set()
        self._closed: set[StreamsConsumer] = set()  # those that still hold messages
        self._stopping = Event()
        self._thread: Thread | None = None
        self._doubt_until = 0.0
        self._next_beat = 0.0

    @property
    def is_in_doubt(self) -> bool:
        """After Redis was out of reach every heartbeat may be gone, not only the dead's: let the others speak first."""
        return time.monotonic() < self._doubt_until

    def add(self, consumer: StreamsConsumer) -> None:
        with self._lock:
            self._open.add(consumer)
            if self._thread is None:
                self._stopping = Event()
                self._thread = Thread(target=self._run, args=[self._stopping], name="warest-broker", daemon=True)
                self._thread.start()

    def remove(self, consumer: StreamsConsumer) -> None:
        """The consumer has closed. While actors still run its messages, it goes on living here."""
        with self._lock:
            self._open.discard(consumer)
            if consumer.held():
                self._closed.add(consumer)
            else:
                self._bid_farewell(consumer)
            idle = not self._open and not self._closed
        if idle:
            self.stop()

    def stop(self) -> None:
        """What is still held is taken over by others when the heartbeats have expired."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
        if thread is not None:
            self._streams.ring(self.name)
            thread.join()

    def _run(self, stopping: Event) -> None:
        while not stopping.is_set():
            try:
                self._work(stopping)
            except redis.RedisError as error:
                logger.warning("Redis is out of reach, trying again in %s s: %s", RETRY_PAUSE, error)
                self._next_beat = 0.0
                self._doubt_until = time.monotonic() + RETRY_PAUSE + self._streams.limits.heartbeat
                stopping.wait(RETRY_PAUSE)

    def _work(self, stopping: Event) -> None:
        with closing(Alarm(self._streams, self.name)) as alarm:
            while not stopping.is_set():
                self._beat_if_due()
                wait = self._streams.promote(self.name)
                until_beat = max(0.0, self._next_beat - time.monotonic())
                if wait is None:
                    stopping.wait(until_beat)
                elif wait > 0:
                    alarm.sleep(min(wait, until_beat))
            self._streams.resign(self.name)

    def _beat_if_due(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        with self._lock:
            for consumer in [closed for closed in self._closed if not closed.held()]:
                self._closed.discard(consumer)
                self._bid_farewell(consumer)
            living = self._open | self._closed
            self._streams.beat([consumer.name for consumer in living])  # under the lock: not after a farewell
        self._next_beat = time.monotonic() + self._streams.limits.beat
        for consumer in living:
            self._disown_overdue(consumer)

    def _disown_overdue(self, consumer: StreamsConsumer) -> None:
        for message in consumer.held():
            if message.is_overdue(grace=self._streams.limits.heartbeat):
                logger.warning("%s has passed its deadline and is given to another worker", message)
                consumer.give_up(message)
                self._streams.disown(consumer.queue, message.entry_id)

    def _bid_farewell(self, consumer: StreamsConsumer) -> None:
        with suppress(redis.RedisError):  # else the others notice when its heartbeat has expired
            self._streams.leave(consumer.queue, consumer.name)

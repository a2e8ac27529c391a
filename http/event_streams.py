"""Answers that do not end: events as server-sent events, while they happen.

Each holds a thread of the web process, so there is room for a few (decision 13). A place is free again soon after its
caller has gone, or has stopped reading, and at once when the process is told to end.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import contextlib
import logging
import select
import signal
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from warest import ids
from warest.chronicle import Chronicle, Wanted
from warest.errors import WarestError
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.store import EventRecord

log = logging.getLogger(__name__)

#: From one sign of life to the next when nothing happens, s.
HEARTBEAT = 15.0

#: So often an idle stream looks whether its caller is there, and whether the process ends, ms.
LOOK_MS = 500

#: A caller who takes nothing for so long is given up, s.
READ_PATIENCE = 30.0

#: When to come again, for whom there is no room, s; and for whose stream has ended, ms.
COME_AGAIN, RECONNECT_MS = 5, 3_000

#: Events that are fetched together.
_AT_ONCE = 100

#: Bytes that are written at once. A socket has room when a third of its buffer is free: then it takes them all.
_PIECE, _BUFFER = 16_384, 196_608


class EventStreams:
    """The places of this process."""

    def __init__(self, places: int) -> None:
        self._free = threading.BoundedSemaphore(places) if places > 0 else None
        self._closing = threading.Event()

    def open(
        self,
        chronicle: Chronicle,
        wanted: Wanted,
        cursor: int,
        peer: "Peer",
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> "EventStream":
        """`may_go_on` is asked now and then: a key may be revoked. Raises Refusal when all places are taken."""
        if self._closing.is_set() or self._free is None or not self._free.acquire(blocking=False):
            raise Refusal(Code.SSE_UNAVAILABLE, "Too many event streams are open", retry_after=COME_AGAIN)
        stream = EventStream(chronicle, wanted, cursor, peer, self._closing, may_go_on)
        stream.close = weakref.finalize(stream, self._free.release)  # once, also if the answer never gets that far
        return stream

    def close_when_told(self) -> None:
        """End all when the process is told to end, before whatever else it does then. For the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            further = signal.getsignal(number)
            if callable(further):  # else the process ends without a word
                signal.signal(number, self._before(further))

    def _before(self, further: Callable[[int, Any], Any]) -> Callable[[int, Any], None]:
        def told(number: int, frame: Any) -> None:
            self._closing.set()
            further(number, frame)

        return told


class EventStream:
    """The body of one answer."""

    close: Callable[[], Any]

    def __init__(
        self,
        chronicle: Chronicle,
        wanted: Wanted,
        cursor: int,
        peer: "Peer",
        closing: threading.Event,
        may_go_on: Callable[[], bool],
    ) -> None:
        self._chronicle = chronicle
        self._wanted = wanted
        self._cursor = cursor
        self._peer = peer
        self._closing = closing
        self._may_go_on = may_go_on

    def __iter__(self) -> Iterator[bytes]:
        """Ends when the caller has gone or may not any more, the process ends or Redis is away; browsers then come
        again by themselves."""
        yield b"retry: %d\n%s" % (RECONNECT_MS, self._position())
        try:
            yield from self._told()
        except WarestError as error:
            log.warning("an event stream ends: %s", error.message)

    def _told(self) -> Iterator[bytes]:
        last = checked = time.monotonic()
        while not self._closing.is_set() and not self._peer.is_gone():
            if time.monotonic() - checked >= HEARTBEAT:
                if not self._may_go_on():
                    return
                checked = time.monotonic()
            found = self._chronicle.after(self._cursor, self._wanted, _AT_ONCE)
            self._cursor = found.reached
            text = b"".join(map(_frame, found.rows))
            if not text and time.monotonic() - last >= HEARTBEAT:
                text = b": nothing new\n" + self._position()
            for begin in range(0, len(text), _PIECE):
                if not self._peer.takes(self._closing):
                    return
                last = time.monotonic()
                yield text[begin : begin + _PIECE]
            if not found.has_more:
                self._chronicle.wait(self._cursor, LOOK_MS)

    def _position(self) -> bytes:
        """Where to go on from, without an event: what was not wanted need not be looked at again."""
        return b"id: %s\n\n" % ids.cursor_text(self._cursor).encode()


class Peer:
    """Whoever reads. Only a socket shows what becomes of him; None: there is no telling."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._socket = connection
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            # Should a write have to wait after all, then not for ever.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(READ_PATIENCE), 0))

    def is_gone(self) -> bool:
        if self._socket is None:
            return False
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def takes(self, closing: threading.Event) -> bool:
        """Wait until there is room for more. If there is none for long the connection ends, so that nothing waits."""
        if self._socket is None:
            return True
        deadline = time.monotonic() + READ_PATIENCE
        while not select.select([], [self._socket], [], LOOK_MS / 1000)[1]:
            if closing.is_set() or time.monotonic() > deadline:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                return False
        return True


def _frame(row: EventRecord) -> bytes:
    """The body is JSON, which has no line breaks."""
    return f"id: {ids.cursor_text(row.id)}\nevent: {row.event}\ndata: {row.body}\n\n".encode()

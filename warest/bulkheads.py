"""Threads that wait for receivers: so shared out that a slow or dead one never takes those of the others.

A receiver that answers soon may keep many threads busy, a slow one a few, and one that fails, or of which nothing is
known yet, a single one; slow and failing ones together never more than half of all.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: One that takes longer than this to answer is slow, s.
SLOW = 1.0

#: Threads for a slow one.
SLOW_ONES = 4

#: Receivers of which is remembered how they do.
REMEMBERED = 10_000

#: The more have been refused within a second, the later they ask again: with so many, after a second.
REFUSALS = 100.0

#: Whoever waits asks again after this long at the earliest, s.
SHORTEST_WAIT = 0.05


@dataclass(slots=True)
class _Receiver:
    """`share` is how many threads it may have, None: as many as anybody; `busy` how many it has."""

    share: int | None = 1
    busy: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """`wait`: there is no thread to spare; ask again after so long, s."""

    wait: float = 0.0


class Bulkheads:
    """May be used by many threads at once."""

    def __init__(self, threads: int, *, share: int) -> None:
        """`share`: threads for one that answers soon."""
        self._share = min(share, threads)
        self._doubtful = max(1, threads // 2)
        self._lock = threading.Lock()
        self._receivers: OrderedDict[str, _Receiver] = OrderedDict()
        self._busy: dict[str, _Receiver] = {}
        self._refused: tuple[int, int] = (0, 0)  #: a second of the clock, and how many within it

    @contextmanager
    def turn(self, receiver: str) -> Iterator[Turn]:
        """A thread for this one, as long as nothing else needs it."""
        with self._lock:
            taken = self._take(receiver)
            wait = 0.0 if taken else self._wait()
        if not taken:
            yield Turn(wait)
            return
        try:
            yield Turn()
        finally:
            with self._lock:
                self._leave(receiver)
                self._forget()

    def saw(self, receiver: str, *, answered: bool, seconds: float) -> None:
        """What came of a try."""
        with self._lock:
            if known := self._receivers.get(receiver):
                known.share = (SLOW_ONES if seconds > SLOW else None) if answered else 1

    def _wait(self) -> float:
        now = int(time.monotonic())
        second, count = self._refused
        self._refused = (now, count + 1 if second == now else 1)
        return max(SHORTEST_WAIT, self._refused[1] / REFUSALS)

    def _take(self, receiver: str) -> bool:
        known = self._receivers.setdefault(receiver, _Receiver())
        self._receivers.move_to_end(receiver)
        if known.busy >= (self._share if known.share is None else known.share):
            return False
        doubtful = (each.busy for each in self._busy.values() if each.share is not None)
        if known.share is not None and sum(doubtful) >= self._doubtful:
            return False
        known.busy += 1
        self._busy[receiver] = known
        return True

    def _leave(self, receiver: str) -> None:
        known = self._busy[receiver]
        known.busy -= 1
        if not known.busy:
            del self._busy[receiver]

    def _forget(self) -> None:
        """Those that were not heard of for the longest, unless something is on its way to them."""
        while len(self._receivers) > REMEMBERED and next(iter(self._receivers)) not in self._busy:
            self._receivers.popitem(last=False)

"""What one process counts of its own work: how often something was done, and how long it took."""

import bisect
import threading
from dataclasses import dataclass, field
from typing import Any

#: Upper bounds of the times that are told apart, s.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: So many different things are told apart; whatever comes after them is not counted, so that nothing grows for ever.
_MOST = 2000


@dataclass(slots=True)
class Times:
    """`seconds` in all; `buckets`: how many took at most each of BOUNDS (and no less than the one before), the last is
    the rest."""

    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))


#: Of one kind of work: `[labels, seconds, buckets]`, as JSON carries it.
Figures = list[list[Any]]


class Meter:
    """One kind of work, told apart by labels. Any thread may count."""

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self._lock = threading.Lock()
        self._times: dict[tuple[str, ...], Times] = {}

    def took(self, seconds: float, *values: str) -> None:
        """Something was done; `values` are those of the labels."""
        with self._lock:
            known = self._times.get(values)
            if known is None:
                if len(self._times) >= _MOST:
                    return
                known = self._times[values] = Times()
            known.seconds += seconds
            known.buckets[bisect.bisect_left(BOUNDS, seconds)] += 1

    def figures(self) -> Figures:
        with self._lock:
            return [[list(values), each.seconds, list(each.buckets)] for values, each in self._times.items()]

"""How benchmarks hear what has happened elsewhere, and show what they have measured."""

import contextlib
import queue
import statistics
import threading
from multiprocessing.connection import Connection
from typing import Any


def show(what: str, seconds: list[float]) -> None:
    figures = ", ".join(f"p{share} {percentile(seconds, share) * 1000:.1f}" for share in (50, 95, 99))
    print(f"{what}: {figures} ms (n = {len(seconds)})")


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def heard(told: Connection) -> "queue.Queue[Any]":
    """What another process tells, taken off its hands at once: one that cannot tell would stand still."""
    kept: queue.Queue[Any] = queue.Queue()

    def hear() -> None:
        with contextlib.suppress(EOFError):
            while True:
                kept.put(told.recv())

    threading.Thread(target=hear, daemon=True).start()
    return kept

"""Counts the Dramatiq messages that this process works on, by actor and outcome."""

import threading
import time
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy

from warest.meters import Meter


class Metering(dramatiq.Middleware):
    def __init__(self) -> None:
        self.meter = Meter("actor", "outcome")
        self._began = threading.local()

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        self._began.at = time.perf_counter()

    def after_process_message(
        self, broker: dramatiq.Broker, message: MessageProxy, *, result: Any = None, exception: Any = None
    ) -> None:
        seconds = time.perf_counter() - getattr(self._began, "at", time.perf_counter())
        self.meter.took(seconds, message.actor_name, "failed" if exception else "done")

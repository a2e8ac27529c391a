"""What leaves the process in one turn of the event loop: first the store is committed, then bytes are written."""

import asyncio
from typing import Protocol

from warest.sandbox.store import Store


class Sender(Protocol):
    def flush(self) -> None:
        """Write what has been collected."""


class Outbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._senders: set[Sender] = set()
        self._scheduled = False
        store.on_change = self._schedule

    def add(self, sender: Sender) -> None:
        self._senders.add(sender)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """A client never sees an effect of something that a kill could still undo."""
        self._scheduled = False
        senders, self._senders = self._senders, set()
        self._store.commit()
        for sender in senders:
            sender.flush()

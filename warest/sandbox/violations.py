"""What clients did that the sandbox does not know or that the protocol forbids.

The real server is strict and silent; the sandbox answers with an error and keeps a note, so that a test can assert
that there is none.
"""

import logging
import time
from typing import Any

from warest.sandbox.nodes import Node
from warest.sandbox.store import Store

log = logging.getLogger(__name__)


class Violations:
    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, device: str, what: str, node: Node | None = None) -> None:
        """`device` is whoever did it: the JID of a linked device, or what else is known of the connection."""
        dump = "" if node is None else str(node)
        log.warning("Violation by %s: %s %s", device, what, dump)
        self._store.write(
            "insert into violations (at, device, what, node) values (?, ?, ?, ?)", time.time(), device, what, dump
        )

    def list(self) -> list[dict[str, Any]]:
        rows = self._store.read("select at, device, what, node from violations order by seq")
        return [{"timestamp": at, "device": device, "what": what, "node": node} for at, device, what, node in rows]

"""A caller who listens to events as they come, as a browser's EventSource does."""

import contextlib
import http.client
import socket
import threading
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Told:
    """One event of the stream."""

    id: str
    event: str
    data: str


class Listener:
    """Connects at once; what comes is read on a thread. `comments` and `last_id` are what else was said."""

    def __init__(self, port: int, path: str = "/api/v1/events/stream", **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", path, headers=named)
        self._socket: Any = self._connection.sock
        self.answer = self._connection.getresponse()
        self.events: list[Told] = []
        self.comments: list[str] = []
        self.retry = self.last_id = ""
        self.has_ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """As somebody who closes the page."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.answer.close()
        self._connection.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with contextlib.suppress(OSError, http.client.HTTPException):
            for line in self.answer:
                fields = self._take(line.decode().rstrip("\n"), fields)
        self.has_ended.set()

    def _take(self, line: str, fields: dict[str, str]) -> dict[str, str]:
        name, _, value = line.partition(": ")
        if line:
            if not name:
                self.comments.append(value)
            return {**fields, name: value}
        self.retry, self.last_id = fields.get("retry", self.retry), fields.get("id", self.last_id)
        if "data" in fields:
            self.events.append(Told(self.last_id, fields["event"], fields["data"]))
        return {}

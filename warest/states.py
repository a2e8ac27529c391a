"""How each session is just now: a Redis hash that its process writes and everybody else reads."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from warest import keys
from warest.errors import DriverError

# The contract's words for `status` (data.md section 3).
STARTING = "starting"
CONNECTING = "connecting"
OPEN = "open"
RECONNECTING = "reconnecting"
REPLACED = "replaced"
LOGGED_OUT = "logged_out"
STOPPED = "stopped"

#: How often a waiter looks. Only a request that waits for a QR or an answer of the supervisor does, for seconds.
_LOOK_EVERY = 0.025


@dataclass(frozen=True, slots=True)
class SessionState:
    """`me` is WhatsApp's view of the account: `{id, name, lid}`. `connected_ms` is epoch milliseconds.

    `reason` says why a session is not open, in one word. `qr` is the text to be drawn, valid until `qr_until`
    (epoch seconds).
    """

    status: str = STOPPED
    reason: str | None = None
    me: dict[str, Any] | None = None
    connected_ms: int | None = None
    qr: str | None = None
    qr_until: float | None = None
    pid: int | None = None

    @property
    def is_open(self) -> bool:
        return self.status == OPEN

    def qr_seconds(self, now: float) -> int:
        """How long the QR will still be valid, within the contract's 5 to 65 s."""
        return int(min(65, max(5, (self.qr_until or 0) - now)))


class States:
    """Raises DriverError when Redis is out of reach."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def get(self, ulid: str) -> SessionState:
        with _driver_errors():
            return _decode(self._redis.hgetall(keys.session_state(ulid)))

    def get_many(self, ulids: Iterable[str]) -> list[SessionState]:
        with _driver_errors(), self._redis.pipeline(transaction=False) as pipe:
            for ulid in ulids:
                pipe.hgetall(keys.session_state(ulid))
            return [_decode(answer) for answer in pipe.execute()]

    def put(self, ulid: str, **fields: Any) -> None:
        """Change some fields of the state; None takes a field away."""
        key = keys.session_state(ulid)
        absent = [name for name, value in fields.items() if value is None]
        present: dict[Any, Any] = {name: orjson.dumps(value) for name, value in fields.items() if value is not None}
        with _driver_errors(), self._redis.pipeline() as pipe:
            if absent:
                pipe.hdel(key, *absent)
            if present:
                pipe.hset(key, mapping=present)
            pipe.execute()

    def wait(self, ulid: str, until: Callable[[SessionState], bool], timeout: float) -> SessionState:
        """The state as soon as `until` holds for it, or as it is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not until(state := self.get(ulid)) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
        return state

    def forget(self, ulid: str) -> None:
        """Everything that Redis holds of a deleted session, but for its queue."""
        held = keys.session_state, keys.outbox, keys.outbox_lock, keys.outbox_nudged
        with _driver_errors():
            self._redis.delete(*(key(ulid) for key in held))


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The states of the sessions are out of reach, Redis said: {error}") from error


def _decode(answer: Any) -> SessionState:
    known = SessionState.__dataclass_fields__
    fields = {name.decode(): orjson.loads(value) for name, value in answer.items() if name.decode() in known}
    return SessionState(**fields)

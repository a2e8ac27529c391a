"""How each session is just now: a Redis hash that its process writes and everybody else reads."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
import redis

from warest import keys, lifecycle
from warest.errors import DriverError, LeaseLost
from warest.leases import MINE, Lease

#: How often a waiter looks. Only a request that waits for a QR or an answer of the supervisor does, for seconds.
_LOOK_EVERY = 0.025


_PUT = (
    MINE
    + """
-- KEYS: lease, state. ARGV: number ('' is from somebody who needs no lease), how many fields go, those, name, value...
if ARGV[1] ~= '' and not mine() then return 0 end
local last = 2 + tonumber(ARGV[2])
if last > 2 then redis.call('HDEL', KEYS[2], unpack(ARGV, 3, last)) end
if #ARGV > last then redis.call('HSET', KEYS[2], unpack(ARGV, last + 1)) end
if ARGV[1] ~= '' then redis.call('HSET', KEYS[2], 'lease', ARGV[1]) end
return 1
"""
)


@dataclass(frozen=True, slots=True)
class SessionState:
    """`state` is a name of lifecycle.STATES; `reason` what WhatsApp or the system said, if it said anything.

    `me` is WhatsApp's view of the account: `{id, name, lid}`. `connected_ms` is epoch milliseconds; `until`,
    `qr_until`, `pair_code_until` and `phone_seen` are epoch seconds. `qr` is the text to be drawn.
    """

    state: str = "stopped"
    reason: str | None = None
    until: float | None = None
    me: dict[str, Any] | None = None
    connected_ms: int | None = None
    qr: str | None = None
    qr_until: float | None = None
    pair_code: str | None = None
    pair_code_until: float | None = None
    pid: int | None = None
    phone_seen: float | None = None

    @property
    def known(self) -> lifecycle.State:
        """What this state means, and what to do about it."""
        return lifecycle.STATES[self.state]

    @property
    def is_open(self) -> bool:
        return self.known.status == lifecycle.OPEN

    def qr_seconds(self, now: float) -> int:
        """How long the QR will still be valid, within the contract's 5 to 65 s."""
        return int(min(65, max(5, (self.qr_until or 0) - now)))


class States:
    """Raises DriverError when Redis is out of reach."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._put = client.register_script(_PUT)

    def get(self, ulid: str) -> SessionState:
        return self.get_many([ulid])[0]

    def get_many(self, ulids: Iterable[str]) -> list[SessionState]:
        with _driver_errors(), self._redis.pipeline(transaction=False) as pipe:
            for ulid in ulids:
                pipe.hgetall(keys.session_state(ulid))
                pipe.get(keys.lease(ulid))
            answers = pipe.execute()
        return [_decode(said, lease) for said, lease in zip(answers[::2], answers[1::2], strict=True)]

    def put(self, ulid: str, *, lease: Lease | None = None, **fields: Any) -> None:
        """Change some fields of the state; None takes a field away.

        The session's own process gives its `lease`, and hears LeaseLost when that is not the current one.
        """
        absent = [name for name, value in fields.items() if value is None]
        present = [part for name, value in fields.items() if value is not None for part in (name, orjson.dumps(value))]
        with _driver_errors():
            done = self._put(
                keys=[keys.lease(ulid), keys.session_state(ulid)],
                args=[lease.number if lease else "", len(absent), *absent, *present],
            )
        if not done:
            raise LeaseLost(f"the lease of session {ulid} is lost")

    def wait(self, ulid: str, until: Callable[[SessionState], bool], timeout: float) -> SessionState:
        """The state as soon as `until` holds for it, or as it is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not until(state := self.get(ulid)) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
        return state

    def forget(self, ulid: str) -> None:
        """What Redis holds of a deleted session, but for its queue and what empties itself: outbox and notes."""
        held = (
            keys.session_state, keys.lease, keys.lease_number, keys.answered_chats, keys.paced_until, keys.refusals,
            keys.paused_for_strangers, keys.session_proxy,
        )  # fmt: skip
        with _driver_errors():
            self._redis.delete(*(key(ulid) for key in held))


@contextmanager
def _driver_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise DriverError(f"The states of the sessions are out of reach, Redis said: {error}") from error


def _decode(said: Any, lease: bytes | None) -> SessionState:
    """What its process said counts while that process has the lease: one that died says nothing more."""
    known = SessionState.__dataclass_fields__
    fields = {name.decode(): orjson.loads(value) for name, value in said.items() if name.decode() in known}
    state = SessionState(**fields)
    number = said.get(b"lease")
    if number is not None and state.known.lives and number != (lease or b"").partition(b":")[0]:
        return replace(state, state="starting", qr=None, qr_until=None, pair_code=None, pair_code_until=None, pid=None)
    return state

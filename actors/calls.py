"""Calls that a session rejects by itself, and what it writes to the caller then."""

from typing import Any

import dramatiq

from warest import keys
from warest.commands import SendText
from warest.config.house import House
from warest.contact_commands import RejectCall
from warest.store import Store

#: It rings for less than a minute: what has not worked until then need not be tried.
_RETRIES: dict[str, Any] = {"max_retries": 5, "min_backoff": 500, "max_backoff": 4_000}


def declare(house: House, store: Store) -> None:
    """The actor of calls."""

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **_RETRIES)
    def answer_call(session: str, call_id: str, caller: str, orders: list[str]) -> None:
        """Idempotent: run twice or died half-way, it gives the same commands; by the ids in `orders` they run once."""
        record = store.session_by_ulid(session)
        if record is None or not record.reject_calls:
            return
        rejection, reply = orders
        house.bus.give(session, rejection, RejectCall(call_id=call_id, caller=caller))
        if record.call_reply:
            house.bus.give(session, reply, SendText(to=(caller,), text=record.call_reply))

"""Calls that a session rejects by itself, and what it writes to the caller then."""

from typing import Any

import dramatiq

from warest import keys
from warest.commands import SendText
from warest.config.house import House
from warest.contact_commands import RejectCall
from warest.ids import command_id_for
from warest.store import Store

#: It rings for less than a minute: what has not worked until then need not be tried.
_RETRIES: dict[str, Any] = {"max_retries": 5, "min_backoff": 500, "max_backoff": 4_000}


def declare(house: House, store: Store) -> None:
    """The actor of calls."""

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **_RETRIES)
    def answer_call(session: str, call_id: str, caller: str, event_id: str) -> None:
        """Idempotent: run twice or died half-way, it gives the same commands, and each runs once by its id."""
        record = store.session_by_ulid(session)
        if record is None or not record.reject_calls:
            return
        rejection = RejectCall(call_id=call_id, caller=caller)
        house.bus.give(session, command_id_for(event_id, "rejection"), rejection)
        if record.call_reply:
            reply = SendText(to=(caller,), text=record.call_reply)
            house.bus.give(session, command_id_for(event_id, "reply"), reply)

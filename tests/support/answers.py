"""Gives a product the actions that a receiver has answered with, on the queue where the deliveries put them."""

import json
from typing import Any

from support.product import Product
from support.waiting import eventually
from warest import keys, store
from warest.config import house
from warest.config.settings import Settings
from warest.ids import new_ulid
from warest.store import Reaction

#: An event that says nothing.
NOTHING: dict[str, Any] = {"event": "call", "data": {}, "ts": 1, "session": {"id": "ani"}}


class Answers:
    def __init__(self, product: Product, session: str) -> None:
        told = Settings(redis_url=f"unix://{product.data}/redis.sock", data_dir=product.data)
        self._parts = house.connect(told)
        self.store = store.open(store.Sqlite(product.data / "warest.sqlite"))
        record = self.store.session(session)
        assert record
        self.session = record.ulid

    def give(self, *actions: Any, event: dict[str, Any] = NOTHING, delay_ms: int | None = 1) -> str:
        """The id of the delivery."""
        delivery = new_ulid()
        self.give_again(delivery, *actions, event=event, delay_ms=delay_ms)
        return delivery

    def give_again(
        self, delivery: str, *actions: Any, event: dict[str, Any] = NOTHING, delay_ms: int | None = 1
    ) -> None:
        told = {"session": self.session, "delivery": delivery, "event": json.dumps(event)}
        self._parts.bus.send(keys.ACTIONS_QUEUE, "run_actions", **told, actions=list(actions), delay_ms=delay_ms)

    def known(self, delivery: str) -> dict[str, Reaction]:
        """What has become of actions so far, by their positions."""
        return {each.position: each for each in self.store.reactions.of(delivery)}

    def run(self, *actions: Any, **how: Any) -> dict[str, Reaction]:
        """What has become of them all."""
        delivery = self.give(*actions, **how)
        last = str(len(actions) - 1)
        eventually(lambda: last in self.known(delivery), within=40, what="the last action")
        return self.known(delivery)

    def wait(self, delivery: str, count: int) -> None:
        """Until this is known of so many actions."""
        eventually(lambda: len(self.known(delivery)) >= count, within=60, what=f"{count} actions")

    def ordered(self) -> bool:
        """Whether the session has orders that it has not carried out."""
        return bool(self._parts.redis.xlen(keys.queue_stream(keys.command_queue(self.session))))

    def put_off(self) -> bool:
        """Whether an order waits for the session to come back."""
        return any(b'"execute"' in each for each in self._delayed())

    def all_done(self) -> bool:
        """Whether no answer waits or is worked on."""
        return not self._parts.redis.xlen(keys.queue_stream(keys.ACTIONS_QUEUE))

    def _delayed(self) -> list[bytes]:
        delayed: Any = self._parts.redis.zrange(keys.BROKER_DELAYED, 0, -1)
        return list(delayed)

    def of_event(self, event: str) -> dict[str, Reaction]:
        """What is known so far of the actions that a receiver has answered an event with."""
        record = self.store.session_by_ulid(self.session)
        assert record
        rows = self.store.deliveries.log(record.owner, session=self.session, limit=100).rows
        return self.known({row.event_id: row.id for row in rows}[event])

    def heard(self, message: str) -> dict[str, Any]:
        """The event that tells of a message that has come in."""

        def found() -> list[dict[str, Any]]:
            entries: Any = self._parts.redis.xrange(keys.EVENTS)
            bodies = (json.loads(fields[b"body"]) for _, fields in entries if fields[b"event"] == b"message_received")
            return [body for body in bodies if body["data"]["message"]["key"]["id"] == message]

        return eventually(found, what=f"the event of {message}")[0]

    def close(self) -> None:
        self._parts.broker.close()
        self._parts.redis.close()

"""Events on their way to receivers, when somebody who had them in hand has died."""

from collections.abc import Iterator

import dramatiq
import pytest

from support.receiver import Receiver
from support.waiting import eventually
from warest import events, ids, keys
from warest.actors import webhooks
from warest.config.house import House
from warest.store import Account, SessionRecord, Store


@pytest.fixture
def crew(parts: House, opened: Store) -> Iterator[dramatiq.Worker]:
    """The real worker of the webhook queue, in this process."""
    declared = webhooks.declare(parts, opened, "the default secret", webhooks.meter())
    crew = dramatiq.Worker(parts.broker, queues={keys.WEBHOOK_QUEUE}, worker_threads=4, worker_timeout=50)
    crew.start()
    yield crew
    crew.stop(timeout=5000)
    declared.receivers.close()


def publish(parts: House, session: SessionRecord, text: str) -> None:
    told = {"text": text}
    event = events.make_now(session.identity, events.MESSAGE_RECEIVED, told, event_id=ids.new_event_id())
    parts.bus.publish(session.identity, event)


def test_a_lane_whose_holder_has_died(parts: House, opened: Store, crew: dramatiq.Worker) -> None:
    """Is emptied when its lock expires, though nothing else happens; the outbox likewise."""
    admin = Account("admin", "admin", True)
    session = opened.create_session(admin, "s")
    with Receiver() as receiver:
        opened.endpoints.change(admin, session.ulid, url=receiver.url, secret="a secret")
        for lane in (keys.lane_to(session.ulid, session.ulid), keys.outbox(session.ulid)):
            parts.redis.set(keys.lane_lock(lane), "somebody who is dead", px=1_000)
            publish(parts, session, lane)
            eventually(lambda lane=lane: lane in receiver.texts())  # type: ignore[misc]


def test_several_lanes_in_order(parts: House, opened: Store, crew: dramatiq.Worker) -> None:
    """Each endpoint gets all events of a session in their order, however slow another one is."""
    admin = Account("admin", "admin", True)
    session = opened.create_session(admin, "s")
    with Receiver() as slow, Receiver() as fast:
        slow.delay = 0.05
        for receiver in (slow, fast):
            opened.endpoints.create(admin, None, url=receiver.url, secret="a secret")
        texts = [f"text {number}" for number in range(40)]
        for text in texts:
            publish(parts, session, text)
        eventually(lambda: fast.texts() == texts)
        eventually(lambda: slow.texts() == texts)

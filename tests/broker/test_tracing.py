"""Whoever works on a message knows what it is about, and forgets it afterwards."""

from collections.abc import Mapping

import dramatiq

from support.waiting import eventually
from warest import traces
from warest.config.house import House
from warest.ids import new_ulid


def test_messages_take_their_trace_along(parts: House) -> None:
    """That of their sender, and the session that they are for; the next one begins anew."""
    queue, seen = f"q{new_ulid()}", dict[str, Mapping[str, str]]()

    @dramatiq.actor(actor_name=queue, queue_name=queue, broker=parts.broker)
    def work(name: str, session: str = "") -> None:
        seen[name] = traces.now()
        traces.note(event="of the message before")

    worker = dramatiq.Worker(parts.broker, queues={queue}, worker_threads=1)
    worker.start()
    with traces.about(request="req-1"):
        parts.bus.send(queue, queue, name="one", session="01S")
        with traces.about(session="01T", event="evt"):
            parts.bus.send(queue, queue, name="two", session="01S")
    parts.bus.send(queue, queue, name="three")
    try:
        assert eventually(lambda: len(seen) == 3)
    finally:
        worker.stop()
    assert seen["one"] == {"request": "req-1", "session": "01S"}
    assert seen["two"] == {"request": "req-1", "session": "01T", "event": "evt"} and seen["three"] == {}
    assert traces.now() == {}

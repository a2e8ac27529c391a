"""Orders are answered, events are durable at once or not at all; with a real Redis and real Dramatiq workers."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import orjson
import pytest

from warest import bus as buses
from warest import commands, events, keys
from warest.bus import answered, refused
from warest.config.house import House
from warest.errors import CommandTimeout, DriverError, NeverBegun, NotConnected, RateLimited, SessionBusy

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my.session", "admin", "admin")
QUEUE = "session.01ULID"

Answer = Callable[..., dict[str, Any]]
Serve = Callable[[Answer], None]


def entries(parts: House, key: str) -> list[dict[bytes, bytes]]:
    """The fields of each entry of a stream, oldest first."""
    found: Any = parts.redis.xrange(key)
    return [fields for _, fields in found]


def event(number: int = 1) -> events.Event:
    return events.make(IDENTITY, "session_status", {"number": number}, event_id=f"evt_{number}", ts_ms=number)


@pytest.fixture
def serve(parts: House) -> Iterator[Serve]:
    """Run a worker whose one actor, `execute`, answers with a function."""
    workers: list[dramatiq.Worker] = []

    def start(answer: Answer) -> None:
        def execute(**order: Any) -> dict[str, Any]:
            return answer(**order)

        dramatiq.actor(queue_name=QUEUE, broker=parts.broker, store_results=True)(execute)
        worker = dramatiq.Worker(parts.broker, queues={QUEUE}, worker_threads=2, worker_timeout=50)
        worker.start()
        workers.append(worker)

    yield start
    for worker in workers:
        worker.stop(timeout=5000)


def test_a_command_gets_its_result(parts: House, serve: Serve) -> None:
    """It comes to the session's process as it was given, under an id of its own."""
    seen: list[Any] = []

    def answer(command_id: str, command: dict[str, Any]) -> dict[str, Any]:
        seen.append((command_id, commands.decode(command)))
        return answered([{"message_id": "3EB0"}])

    serve(answer)
    command = commands.SendText(to=("1@lid",), text="hi", mentions=("2@lid",))
    assert parts.bus.call("01ULID", command, 10) == [{"message_id": "3EB0"}]
    assert seen[0][0].startswith("cmd_") and seen[0][1] == command


def test_nothing_is_a_result_too(parts: House, serve: Serve) -> None:
    """`answered(None)` ends the wait."""
    serve(lambda **_: answered(None))
    assert parts.bus.order(QUEUE, "execute", 10) is None


def test_an_error_comes_back_as_itself(parts: House, serve: Serve) -> None:
    """What the session's process refused with is raised in the process that asked."""
    serve(lambda **_: refused(NotConnected("The session is reconnecting.", since=5)))
    with pytest.raises(NotConnected) as caught:
        parts.bus.call("01ULID", commands.Logout(), 10)
    assert caught.value.details == {"since": 5}


def test_an_unknown_outcome_names_its_command(parts: House, serve: Serve) -> None:
    """When the session cannot say what became of it, the caller still gets the id to ask with."""
    ids: list[str] = []

    def answer(command_id: str, **_: Any) -> dict[str, Any]:
        ids.append(command_id)
        return refused(CommandTimeout("WhatsApp has not confirmed the message; it may have been sent."))

    serve(answer)
    with pytest.raises(CommandTimeout) as caught:
        parts.bus.call("01ULID", commands.Logout(), 10)
    assert caught.value.details == {"job_id": ids[0]}


def test_no_answer_in_time(parts: House) -> None:
    """The caller hears that the outcome is unknown; the command stays ordered under the id that it is told."""
    began = time.monotonic()
    with pytest.raises(CommandTimeout) as caught:
        parts.bus.call("01ULID", commands.Logout(), 0.2)
    assert 0.1 < time.monotonic() - began < 3
    (fields,) = entries(parts, keys.queue_stream(QUEUE))
    assert orjson.loads(fields[b"message"])["message_id"] == caught.value.details["job_id"]


def test_fractions_of_a_second_are_waited_for(parts: House, serve: Serve) -> None:
    """A wait of less than a second is a wait, too."""
    gate = threading.Event()

    def answer(**_: Any) -> dict[str, Any]:
        gate.wait(0.1)
        return answered("late")

    serve(answer)
    assert parts.bus.order(QUEUE, "execute", 0.9) == "late"


def test_a_full_queue_refuses(parts: House) -> None:
    """Nothing is ordered past the limit, and the caller is told when to come again."""
    parts.broker.streams.limits = type(parts.broker.streams.limits)(
        **{**vars(parts.broker.streams.limits), "max_queue_length": 2}
    )
    for _ in range(2):
        parts.bus.send(QUEUE, "execute")
    with pytest.raises(RateLimited) as caught:
        parts.bus.send(QUEUE, "execute")
    assert caught.value.details["retry_after"] > 0


def test_an_event_and_its_delivery_become_durable_together(parts: House) -> None:
    """In the public stream, in the outbox, and ordered to be delivered: the same body everywhere."""
    assert parts.bus.publish(IDENTITY, event()) is True
    (public,), (waiting,) = entries(parts, keys.EVENTS), entries(parts, keys.outbox("01ULID"))
    assert public == {
        b"id": b"evt_1", b"event": b"session_status", b"session": b"my.session", b"registry": b"admin", b"ts": b"1",
        b"body": event().body,
    }  # fmt: skip
    cursor: Any = parts.redis.xrange(keys.EVENTS)
    assert waiting == {**public, b"cursor": cursor[0][0]}
    (nudge,) = entries(parts, keys.queue_stream(keys.WEBHOOK_QUEUE))
    order = orjson.loads(nudge[b"message"])
    assert (order["actor_name"], order["kwargs"]) == ("deliver_outbox", {"session": "01ULID"})


def test_a_repeated_event_is_dropped(parts: House) -> None:
    """WhatsApp delivers again; receivers and readers get it once."""
    assert [parts.bus.publish(IDENTITY, event(number)) for number in (1, 1, 2, 1)] == [True, False, True, False]
    assert parts.redis.xlen(keys.EVENTS) == parts.redis.xlen(keys.outbox("01ULID")) == 2


def test_one_order_to_deliver_is_enough(parts: House) -> None:
    """A second event before the drain orders no second one; after the drain has begun it does."""
    for number in (1, 2):
        parts.bus.publish(IDENTITY, event(number))
    assert parts.redis.xlen(keys.queue_stream(keys.WEBHOOK_QUEUE)) == 1
    parts.redis.delete(keys.lane_nudged(keys.outbox("01ULID")))
    parts.bus.publish(IDENTITY, event(3))
    assert parts.redis.xlen(keys.queue_stream(keys.WEBHOOK_QUEUE)) == 2


def test_events_of_many_threads_are_all_there(parts: House) -> None:
    """Once each, however they come."""
    numbers = [number for number in range(50) for _ in range(4)]
    threads = [threading.Thread(target=parts.bus.publish, args=(IDENTITY, event(number))) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(fields[b"ts"]) for fields in entries(parts, keys.EVENTS)) == list(range(50))


def test_a_full_outbox_takes_no_event(parts: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then WhatsApp keeps what it cannot hand over; when there is room again the same event is taken."""
    monkeypatch.setattr(buses, "LANE_LIMIT", 1)
    parts.bus.publish(IDENTITY, event(1))
    with pytest.raises(DriverError, match="OUTBOXFULL"):
        parts.bus.publish(IDENTITY, event(2))
    assert parts.redis.xlen(keys.EVENTS) == 1
    parts.redis.delete(keys.outbox("01ULID"))
    assert parts.bus.publish(IDENTITY, event(2)) is True


def test_an_event_that_failed_half_way_is_published_again(parts: House) -> None:
    """Redis does not undo a script that fails; the event must not count as published then."""
    parts.redis.set(keys.EVENTS, "in the way")
    with pytest.raises(DriverError):
        parts.bus.publish(IDENTITY, event())
    parts.redis.delete(keys.EVENTS)
    assert parts.bus.publish(IDENTITY, event()) is True
    assert parts.redis.xlen(keys.EVENTS) == parts.redis.xlen(keys.outbox("01ULID")) == 1


def test_the_public_stream_is_cut(parts: House) -> None:
    """It keeps about as many events as the settings say."""
    short = buses.Bus(parts.broker, parts.redis, parts.leases, events_kept=10)
    for number in range(400):
        short.publish(IDENTITY, event(number))
    assert parts.redis.xlen(keys.EVENTS) < 200


def limited(parts: House, **limits: Any) -> buses.Bus:
    return buses.Bus(parts.broker, parts.redis, parts.leases, **limits)


def test_a_session_with_enough_to_do(parts: House) -> None:
    """Nothing more is ordered; whoever leaves it need not wait for a place."""
    bus, text = limited(parts, most_waiting=2), commands.SendText(to=("1@lid",), text="hi")
    for number in range(2):
        bus.require_room("01ULID")
        bus.give("01ULID", f"cmd_{number}", text)
    with pytest.raises(SessionBusy) as caught:
        bus.call("01ULID", text, 1)
    assert caught.value.details["retry_after"] == 1 and len(entries(parts, keys.queue_stream(QUEUE))) == 2
    bus.require_room("01OTHER")
    with pytest.raises(CommandTimeout):
        bus.call("01ULID", commands.Logout(), 1)


def test_a_turn_that_does_not_come(parts: House) -> None:
    """Then it is sure that it never will."""
    bus = limited(parts, turn_timeout=0.5)
    bus.give("01ULID", "cmd_1", commands.SendText(to=("1@lid",), text="hi"))
    with pytest.raises(NeverBegun):
        bus.outcome_in_turn("01ULID", "cmd_1", 10)
    assert parts.redis.get(keys.started_command("cmd_1")) == buses.WITHDRAWN


def test_one_whose_turn_has_come_is_waited_for(parts: House, serve: Serve) -> None:
    """As long as for any; it is not withdrawn."""
    never = threading.Event()

    def answer(command_id: str, command: dict[str, Any]) -> dict[str, Any]:
        parts.redis.set(keys.started_command(command_id), "1")
        never.wait(1.5)  # longer than its turn may take to come
        return answered("done")

    serve(answer)
    bus = limited(parts, turn_timeout=0.5)
    assert bus.call("01ULID", commands.SendText(to=("1@lid",), text="hi"), 10) == "done"

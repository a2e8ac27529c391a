"""Orders to sessions, and facts from them.

A command goes to one session and has an answer; an event goes to everybody who reads. Both are durable once the call
here has returned.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import dramatiq
import redis
from dramatiq.results import ResultFailure, ResultTimeout

from warest import commands, keys, traces
from warest.broker import StreamsBroker
from warest.broker.tracing import OPTION
from warest.errors import CommandTimeout, DriverError, WarestError
from warest.events import Event, SessionIdentity
from warest.ids import new_command_id
from warest.lanes import FILL, NUDGE_TTL
from warest.leases import Leases

#: How long an event id is remembered, so that a message which WhatsApp delivers again is not reported again, s.
SEEN_TTL = 24 * 3600

#: A lane this long means that no worker has run for hours: the session then stops taking events, and WhatsApp keeps
#: what it cannot hand over.
LANE_LIMIT = 100_000

#: A refusal that nobody has fetched is dropped after this long, ms.
REFUSAL_TTL_MS = 60_000

_PUBLISH = """
-- KEYS: seen, public stream, outbox, nudged, queue of the nudge
-- ARGV: seen ttl, public length, nudge ttl, lane limit, nudge, event fields...
-- An event and the order to deliver it become durable together, or not at all. The order names the event's cursor.
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[4]) then return redis.error_reply('OUTBOXFULL') end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local cursor = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 6))
redis.call('XADD', KEYS[3], '*', 'cursor', cursor, unpack(ARGV, 6))
if redis.call('SET', KEYS[4], '1', 'NX', 'EX', ARGV[3]) then
  redis.call('XADD', KEYS[5], '*', 'message', ARGV[5])
end
-- Last of all: Redis does not undo a script that fails half-way, and an event marked too early would be lost.
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
return 1
"""


class Bus:
    def __init__(
        self, broker: StreamsBroker, client: "redis.Redis", leases: Leases, *, events_kept: int = 100_000
    ) -> None:
        """`events_kept` is the length of the public stream."""
        self._leases = leases
        self.broker = broker
        self.redis = client
        self._events_kept = events_kept
        self._publish: Callable[..., Any] = client.register_script(_PUBLISH)
        self._fill: Callable[..., Any] = client.register_script(FILL)

    def call(
        self,
        session: str,
        command: commands.Command,
        timeout: float,
        *,
        compression: dict[str, Any] | None = None,
    ) -> Any:
        """Give a command to a session and wait for its result, or raise what its process raised.

        With `compression` (it may be empty) the command's file is made fit to be sent first, by a worker that then
        gives the command on. Raises CommandTimeout with the command's id when there is no answer in `timeout` seconds:
        it stays ordered.
        """
        command_id = new_command_id()
        self.give(session, command_id, command, compression=compression)
        return self.outcome(session, command_id, timeout)

    def give(
        self,
        session: str,
        command_id: str,
        command: commands.Command,
        *,
        compression: dict[str, Any] | None = None,
        until: float | None = None,
    ) -> None:
        """Order a command, and wait for nothing. It waits `until` then (epoch s) for a session that is not online.

        Given again under its id, it still runs once.
        """
        if compression is None:
            self.broker.enqueue(self.command(session, command_id, command, until))
            return
        told: dict[str, Any] = {"session": session, "command": commands.encode(command), "compression": compression}
        self.send(keys.MEDIA_QUEUE, "prepare_file", command_id=command_id, until=until, **told)

    def outcome(self, session: str, command_id: str, timeout: float) -> Any:
        """Wait for the result of a command, in whole seconds, as `call` does."""
        return self._result(self.command(session, command_id, commands.Logout(), None), timeout)

    def refuse(self, session: str, command_id: str, error: WarestError) -> None:
        """A command that somebody waits for will never reach its session."""
        message = self.command(session, command_id, commands.Logout(), None)
        backend = self.broker.get_results_backend()
        try:
            backend.store_result(message, refused(error), REFUSAL_TTL_MS)
        except redis.RedisError as failure:
            raise DriverError(f"The answer could not be stored in Redis: {failure}") from failure

    def command(
        self, session: str, command_id: str, command: commands.Command, until: float | None
    ) -> "dramatiq.Message[Any]":
        """The message that orders it."""
        told: dict[str, Any] = {"command_id": command_id, "command": commands.encode(command)}
        if until is not None:
            told["until"] = until
        return self.message(keys.command_queue(session), "execute", message_id=command_id, **told)

    def order(self, queue: str, actor: str, timeout: float, *, message_id: str | None = None, **kwargs: Any) -> Any:
        """Run an actor that answers with `answered` or `refused`, and wait for it, in whole seconds.

        Whenever it is not known what has become of the order, that is a CommandTimeout with its id.
        """
        message: dramatiq.Message[Any] = self.message(queue, actor, message_id=message_id, **kwargs)
        self.broker.enqueue(message)
        return self._result(message, timeout)

    def _result(self, message: "dramatiq.Message[Any]", timeout: float) -> Any:
        answer = self._answer(message, math.ceil(timeout))
        if "error" not in answer:
            return answer["result"]
        error = WarestError.from_dict(answer["error"])
        if isinstance(error, CommandTimeout):
            error.details.setdefault("job_id", message.message_id)
        raise error

    def _answer(self, message: "dramatiq.Message[Any]", seconds: int) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = message.get_result(
                backend=self.broker.get_results_backend(), block=True, timeout=seconds * 1000
            )
        except ResultFailure as error:
            raise WarestError(f"It failed, and the log says why: {error}") from error
        except ResultTimeout:
            trouble = "The session has not answered yet; what was asked may still happen."
        except redis.RedisError:
            trouble = "The answer is lost; what was asked may have happened."
        else:
            return answer
        raise CommandTimeout(trouble, job_id=message.message_id)

    def order_host(self, session: str, actor: str, timeout: float, **kwargs: Any) -> Any:
        """Order the supervisor that holds a session, or any when nobody does, and wait for it."""
        return self.order(self._host_queue(session), actor, timeout, session=session, **kwargs)

    def send_host(self, session: str, actor: str, **kwargs: Any) -> None:
        """The same, and nobody waits."""
        self.send(self._host_queue(session), actor, session=session, **kwargs)

    def _host_queue(self, session: str) -> str:
        try:
            owner = self._leases.owner_of(session)
        except redis.RedisError as error:
            raise DriverError(f"The leases are out of reach, Redis said: {error}") from error
        return keys.supervisor_queue(owner) if owner else keys.SUPERVISOR_QUEUE

    def message(
        self, queue: str, actor: str, *, message_id: str | None = None, **kwargs: Any
    ) -> "dramatiq.Message[Any]":
        self.broker.declare_queue(queue)
        identity: dict[str, Any] = {"message_id": message_id} if message_id else {}
        options: dict[str, Any] = {OPTION: dict(trace)} if (trace := traces.now()) else {}
        return dramatiq.Message(queue_name=queue, actor_name=actor, args=(), kwargs=kwargs, options=options, **identity)

    def send(self, queue: str, actor: str, **kwargs: Any) -> None:
        """Order an actor to run; nobody waits."""
        self.broker.enqueue(self.message(queue, actor, **kwargs))

    def remember(self, session: str, *notes: dict[str, Any]) -> None:
        """Have the database learn something of a session's chats (history.py), in the order of the calls."""
        try:
            is_noted = self._note(session, notes, self.redis)
        except redis.RedisError as error:
            raise DriverError(f"What has to be remembered could not be stored in Redis: {error}") from error
        _check_noted(is_noted)

    def _note(self, session: str, notes: Iterable[dict[str, Any]], client: Any) -> Any:
        queue, nudge = self.broker.stream_entry(self.message(keys.HISTORY_QUEUE, "remember", session=session))
        lane = keys.notes(session)
        fields = [text for note in notes for text in ("note", json.dumps(note, separators=(",", ":")))]
        told = [LANE_LIMIT, NUDGE_TTL, nudge["message"], 2, *fields]
        return self._fill(keys=[lane, keys.lane_nudged(lane), queue], args=told, client=client)

    def publish(self, session: SessionIdentity, event: Event, *notes: dict[str, Any]) -> bool:
        """Make an event durable, in the public stream and in the session's outbox, with the order to deliver it, and
        what the database is to learn with it.

        One Redis transaction. False: an event with this id was published before, and it is not published again.
        """
        fields: list[Any] = ["id", event.id, "event", event.name, "session", session.id, "registry", session.registry]
        fields += ["ts", event.ts_ms, "body", event.body]
        queue, nudge = self.broker.stream_entry(
            self.message(keys.WEBHOOK_QUEUE, "deliver_outbox", session=session.ulid)
        )
        outbox = keys.outbox(session.ulid)
        held = [keys.seen_event(event.id), keys.EVENTS, outbox, keys.lane_nudged(outbox), queue]
        told = [SEEN_TTL, self._events_kept, NUDGE_TTL, LANE_LIMIT, nudge["message"], *fields]
        try:
            if not notes:
                return bool(self._publish(keys=held, args=told))
            with self.redis.pipeline(transaction=True) as transaction:
                self._publish(keys=held, args=told, client=transaction)
                self._note(session.ulid, notes, transaction)
                is_new, is_noted = transaction.execute()
        except redis.RedisError as error:
            raise DriverError(f"The event could not be stored in Redis: {error}") from error
        _check_noted(is_noted)
        return bool(is_new)

    def send_later(self, queue: str, actor: str, seconds: float, **kwargs: Any) -> None:
        """The same, so many seconds from now."""
        self.broker.enqueue(self.message(queue, actor, **kwargs), delay=max(1, math.ceil(seconds * 1000)))

    def entrust(self, session: SessionIdentity, event_id: str, data: dict[str, Any], *, patience_ms: int) -> None:
        """Have the file of a message stored and its message_received published then, after the patience at the latest.

        Both orders are in Redis when this returns: whatever happens to the file, the event goes out.
        """
        told: dict[str, Any] = {"identity": dataclasses.asdict(session), "event_id": event_id, "data": data}
        self.broker.enqueue_with_second(
            self.message(keys.MIRROR_QUEUE, "mirror", **told, attempt=1),
            self.message(keys.WEBHOOK_QUEUE, "report_without_file", **told),
            delay=patience_ms,
        )


def _check_noted(is_noted: Any) -> None:
    if not is_noted:
        raise DriverError("What has to be remembered of the session's chats is too much already: does no worker run?")


def answered(result: Any) -> dict[str, Any]:
    """What an actor returns to `order`."""
    return {"result": result}


def refused(error: WarestError) -> dict[str, Any]:
    """What an actor returns to `order` when it could not do what was asked."""
    return {"error": error.to_dict()}

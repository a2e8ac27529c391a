"""Runs the commands that are given to a session, in its process: each at most once."""

import contextlib
import dataclasses
import functools
import itertools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import dramatiq

from warest import commands, keys
from warest.bus import WITHDRAWN, answered, refused
from warest.config.house import House, open_spool, open_storage, pacing_of
from warest.errors import (
    CommandTimeout,
    DriverError,
    NeverBegun,
    NotConnected,
    RateLimited,
    WarestError,
    WhatsAppRefused,
)
from warest.leases import MINE, Lease
from warest.pacing import Pacing
from warest.spool import Spool
from warest.whatsapp import outbound
from warest.whatsapp.client import Client
from warest.whatsapp.outbound.sends import UPLOAD

log = logging.getLogger(__name__)

#: How long a command that died half-way is remembered, so that it is not run a second time, s.
STARTED_TTL = 24 * 3600

#: A turn that comes so soon is waited for in place, s.
IN_PLACE = 2.0

#: A send that can wait is tried again after this long, ms.
AGAIN_MS = 2_000

_BEGIN = (
    MINE
    + """
-- KEYS: lease, started. ARGV: number, ttl in s. 1: it is ours; else who has begun it.
if mine() and redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2])
"""
)

_OFFLINE = "The session is not online; the command waits for it."
_ITS_TURN = "The message waits for its turn (WAREST_PACING)."
_INTERRUPTED = "The session was interrupted at this command; it may have been carried out."


class CommandRunner:
    def __init__(
        self,
        house: House,
        session: str,
        lease: Lease,
        told: Callable[[dict[str, Any]], None],
        pause: Callable[[float], bool],
    ) -> None:
        """`told` makes notes durable: what has become of a send goes to its record (store.sends). `pause` waits so many
        seconds, or says that the process ends."""
        self._pause = pause
        self._running: set[str] = set()
        self._house = house
        self._session = session
        self._lease = lease
        self._told = told
        self._pacing = pacing_of(house.settings, house.redis, session)
        self._begin_once = house.redis.register_script(_BEGIN)
        self._spool: Callable[[], Spool] = functools.cache(
            lambda: open_spool(house.settings, open_storage(house.settings))
        )

    def declare(self, client: Client) -> str:
        """The actor that runs them; returns its queue."""
        queue = keys.command_queue(self._session)

        @dramatiq.actor(queue_name=queue, broker=self._house.broker, store_results=True)
        def execute(command_id: str, command: dict[str, Any], until: float | None = None) -> dict[str, Any]:
            """If it runs twice, or died half-way the first time, nothing is done again: a message that may have been
            sent is never sent a second time (trap 12), and the caller hears that the outcome is unknown."""
            return self.run(client, command_id, commands.decode(command), until)

        return queue

    def run(self, client: Client, command_id: str, command: commands.Command, until: float | None) -> dict[str, Any]:
        """`until` (epoch s): as long as the session is not online, the command waits so long; None: not at all."""
        if until and not client.is_open and time.time() < until:
            return self._put_off(command_id, command, until, AGAIN_MS, _OFFLINE)
        if self._pacing and isinstance(command, commands.SENDS):
            try:
                command, waits = self._paced(self._pacing, command)
            except (RateLimited, DriverError) as error:
                return self._failed(command_id, command, error)
            if waits > IN_PLACE:
                return self._put_off(command_id, command, until, int(waits * 1000) + 1, _ITS_TURN)
            time.sleep(waits)
        if (begun := self._begin(command_id)) == WITHDRAWN:
            return refused(NeverBegun("Nobody waits for it any more; it was not carried out."))
        if begun != 1:
            return self._failed(command_id, command, CommandTimeout(_INTERRUPTED))
        taken: list[str] = []
        self._running.add(command_id)
        try:
            result = self._done(client, command, taken, waits=until is not None)
        except NotConnected as error:
            if until and time.time() < until:
                return self._again(command_id, command, until)
            return self._failed(command_id, command, error, taken)
        except WarestError as error:
            if self._pacing and isinstance(error, WhatsAppRefused) and "463" in error.message:
                log.warning("WhatsApp refuses messages to strangers; none for %d s", self._pacing.refused())
            return self._failed(command_id, command, error, taken)
        finally:
            self._running.discard(command_id)
        self._drop(taken)
        if isinstance(command, commands.SENDS):
            self._told({"do": "send", "id": command_id, "state": "sent", "answer": result})
        return answered(result)

    def give_up(self) -> None:
        """Whoever waits for what runs now hears at once that its outcome is unknown, and not only when another process
        finds it. Its record learns from that one."""
        for command_id in list(self._running):
            with contextlib.suppress(WarestError):
                self._house.bus.refuse(self._session, command_id, CommandTimeout(_INTERRUPTED))

    def _done(self, client: Client, command: commands.Command, taken: list[str], *, waits: bool) -> Any:
        """The result, after another try (WAREST_QUEUE_MAX_RETRIES) where it is known that nothing was sent. One that
        `waits` for its session is put off instead when that is away. What stands behind it waits, and keeps its place.
        """
        for retry in itertools.count(1):
            taken.clear()
            try:
                return outbound.execute(client, command, functools.partial(self._take, taken))
            except (NotConnected, WhatsAppRefused, CommandTimeout, DriverError) as error:
                if retry > self._house.settings.queue_max_retries or not _is_safe(error):
                    raise
                if waits and isinstance(error, NotConnected):
                    raise
                log.info("nothing was sent, try %d follows: %s", retry + 1, error.message)
                if self._pause(self._house.settings.pause_before(retry)):
                    raise

    def _paced(self, pacing: Pacing, command: commands.Outgoing) -> tuple[commands.Outgoing, float]:
        """The command as it is sent, and how long to wait before that, s."""
        strangers = pacing.strangers(command.to)
        if not strangers:
            return command, 0.0
        waits = pacing.wait(strangers)
        if pacing.rules.types and not command.presence:
            command = dataclasses.replace(command, presence="composing")
        return command, waits

    def _again(self, command_id: str, command: commands.Command, until: float) -> dict[str, Any]:
        """We had begun, and nothing was sent. First the order, then the mark: whoever dies between them has the outcome
        unknown."""
        answer = self._put_off(command_id, command, until, AGAIN_MS, _OFFLINE)
        self._house.redis.delete(keys.started_command(command_id))
        return answer

    def _put_off(
        self, command_id: str, command: commands.Command, until: float | None, delay_ms: int, why: str
    ) -> dict[str, Any]:
        """Others need not wait behind it, and whoever asked for it hears that it waits. Its mark stays: one that died
        half-way may have been sent, whoever looks at it again."""
        order = self._house.bus.command(self._session, command_id, command, until)
        self._house.broker.enqueue(order, delay=delay_ms)
        return refused(CommandTimeout(why))

    def _failed(
        self, command_id: str, command: commands.Command, error: WarestError, taken: Iterable[str] = ()
    ) -> dict[str, Any]:
        self._drop(taken)
        if isinstance(command, commands.SENDS):
            state = "unknown" if isinstance(error, CommandTimeout) else "failed"
            self._told({"do": "send", "id": command_id, "state": state, "error": error.to_dict()})
        return refused(error)

    def _take(self, taken: list[str], file: str) -> bytes:
        """A file out of the spool, where it stays until it is known that nobody needs it again."""
        with self._spool().open(file) as opened:
            data = opened.read()
        taken.append(file)
        return data

    def _drop(self, taken: Iterable[str]) -> None:
        for file in taken:
            with contextlib.suppress(WarestError):  # it goes by itself when its time is over
                self._spool().delete(file)

    def _begin(self, command_id: str) -> Any:
        """1: the command is ours to run, now and for the first time."""
        held = [keys.lease(self._session), keys.started_command(command_id)]
        return self._begin_once(keys=held, args=[self._lease.number, STARTED_TTL])


def _is_safe(error: WarestError) -> bool:
    """It is known that nothing was sent (trap 12), and another try may go better. Of several files some may be out."""
    if isinstance(error, NotConnected):
        return error.retryable
    if "results" in error.details:
        return False
    return isinstance(error, DriverError) or error.details.get("step") == UPLOAD

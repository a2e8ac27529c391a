"""Does the single actions of a receiver's answer: gives their commands, and finds out what has become of them.

The commands have ids that follow from the delivery and the place in the answer: given again by whoever goes on after a
crash, each still runs once. Sends have records like all sends (store.sends).
"""

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import redis

from warest import commands, keys, own_annals, recalled
from warest.commands import Command, Outgoing, encode
from warest.config.house import House
from warest.config.kinds import split
from warest.contact_commands import BeSeen, ShowWriting
from warest.errors import CommandTimeout, DriverError, WarestError
from warest.ids import command_id_for, new_command_id
from warest.reactions.actions import SENDS, Action
from warest.reactions.deeds import Deeds
from warest.reactions.runner import DONE, PENDING, Outcome, failure
from warest.reactions.sends import FileRules, Sends
from warest.reactions.targets import Targets
from warest.reactions.templates import Template
from warest.sources import Sources
from warest.store import NewSend, Send, SessionRecord, Store

#: A session that is not online is waited for so long by an answer, all its actions together, and looked at so often, s.
PATIENCE, LOOK_PAUSE = 15.0, 0.25

_SENT = frozenset({"sent", "delivered", "read"})
_UNDERWAY = frozenset({"queued", "sending"})
_OVER = frozenset({"failed", "expired", "cancelled"})


class Performing:
    """The actions of one answer that hold no others."""

    def __init__(
        self,
        house: House,
        store: Store,
        sources: Callable[[], Sources],
        wait: Callable[[float], None],
        record: SessionRecord,
        delivery: str,
        template: Template,
    ) -> None:
        self._house = house
        self._store = store
        self._wait = wait
        self._record = record
        self._delivery = delivery
        self._template = template
        self._patience = PATIENCE
        told = house.settings
        files = FileRules(int(told.media_limit_mb * 1_000_000), tuple(split(told.file_types.lower())))
        self._targets = Targets(store, record, told.country_code)
        self._deeds = Deeds(self._targets, told.actions_delay_ms / 1000)
        self._sends = functools.cache(lambda: Sends(self._targets, sources(), files))

    def perform(self, action: Action) -> Outcome:
        """Raises what is wrong with the action, and DriverError."""
        return self._send(action) if action.name in SENDS else self._do(action)

    def _do(self, action: Action) -> Outcome:
        for number, step in enumerate(self._deeds.steps(action)):
            if isinstance(step, float):
                self._wait(step)
                continue
            try:
                self._order(step, command_id_for(self._delivery, f"{action.position}#{number}"))
            except CommandTimeout as error:
                return Outcome(PENDING, error=error.message)
        return Outcome(DONE)

    def _order(self, command: Command, id: str) -> None:
        if isinstance(command, ShowWriting | BeSeen):  # is soon over, and may be shown twice
            id = new_command_id()
        if not self._is_begun(id):
            self._house.bus.give(self._record.ulid, id, command, until=self._until())
        self._wait_for(id)
        if chat := _chat_of(command):
            own_annals.remember(self._store, self._record.ulid, self._targets.stored_chat(chat), command)

    def _wait_for(self, id: str) -> None:
        while True:
            try:
                self._house.bus.outcome(self._record.ulid, id, self._house.settings.command_timeout)
                return
            except CommandTimeout:
                if not self._looks_again():
                    raise

    def _send(self, action: Action) -> Outcome:
        id = command_id_for(self._delivery, action.position)
        send = self._store.sends.get(self._record.owner, id)
        if send is None:
            order = self._sends().order(action)
            if order is None:
                return Outcome(DONE)
            send = self._begun(id, order.command, order.compression)
        try:
            return self._sent(send) if send.state == "queued" else _known(send)
        except DriverError:
            raise
        except WarestError as error:
            return failure(error, id)

    def _begun(self, id: str, command: Outgoing, compression: dict[str, Any] | None) -> Send:
        """Its record, before it is ordered."""
        command = recalled.completed(self._store, self._record.owner, self._record, command)
        if command.reply_to and command.quoted is None:
            command = replace(command, quoted=self._quoted(command.reply_to))
        new = NewSend(
            id=id,
            session=self._record.ulid,
            kind=type(command).__name__,
            recipient=command.to[0],
            command={"command": encode(command), "compression": compression},
        )
        return self._store.sends.begin(self._record.owner, new)[0]

    def _quoted(self, id: str) -> dict[str, Any] | None:
        """The event's own message, which the database may not know yet."""
        key, content = self._template.at("message.key"), self._template.at("message.message")
        if not isinstance(key, dict) or key.get("id") != id or not isinstance(content, dict):
            return None
        chat = key.get("remoteJid", "")
        return {"chat": chat, "participant": key.get("participant") or chat, "message": content}

    def _sent(self, send: Send) -> Outcome:
        if not self._is_begun(send.id):
            command, compression = commands.decode(send.command["command"]), send.command["compression"]
            self._house.bus.give(send.session, send.id, command, compression=compression, until=self._until())
        while True:
            try:
                sent = self._house.bus.outcome(send.session, send.id, self._house.settings.command_timeout)
            except CommandTimeout as error:
                found = self._store.sends.get(self._record.owner, send.id)
                if found and found.state not in _UNDERWAY:
                    return _known(found)
                if not self._looks_again():
                    return Outcome(PENDING, job=send.id, error=error.message)
            else:
                return Outcome(DONE, message=sent[0].get("message_id") or "", job=send.id)

    def _looks_again(self) -> bool:
        """A session that is being restarted is waited for, so that what it sends stays in its order."""
        if self._patience <= 0:
            return False
        self._wait(LOOK_PAUSE)
        self._patience -= LOOK_PAUSE
        return True

    def _is_begun(self, id: str) -> bool:
        """Then it is not given again: it would only be refused, and who asked for it would hear nothing else."""
        try:
            return bool(self._house.redis.exists(keys.started_command(id)))
        except redis.RedisError as error:
            raise DriverError(f"Redis does not say whether {id} was begun: {error}") from error

    def _until(self) -> float:
        return time.time() + self._house.settings.actions_seconds


def _known(send: Send) -> Outcome:
    """What the record of a send says."""
    if send.state in _SENT:
        return Outcome(DONE, message=send.message, job=send.id)
    error = WarestError.from_dict(send.error) if send.error else WarestError(f"the send is {send.state}")
    if send.state in _OVER:
        return failure(error, send.id)
    return Outcome(PENDING, job=send.id, error=error.message)


def _chat_of(command: Command) -> str:
    """Which chat a command is about; empty: none."""
    key = getattr(command, "key", None)
    chat: str = key.chat if key else getattr(command, "chat", "")
    return chat

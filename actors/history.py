"""What sessions tell of their chats, into the database: in the order in which they tell it, and a hundred at a time.

A session's notes wait in a lane (lanes.py): an edit must not overtake its message.
"""

import contextlib
import logging
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import dramatiq
import orjson

from warest import annals, group_annals, keys
from warest.config.house import House
from warest.errors import Conflict, NotFound, WarestError
from warest.lanes import Entry, Lanes, Left
from warest.store import ChatNews, ContactNews, Store

log = logging.getLogger(__name__)

#: Longer than a hundred messages take, also when the database is busy, ms.
LOCK_MS = 60_000

#: So long what a session tells is gathered, once something has been written down, s.
LINGER = 0.02

#: When another process writes a session's notes down, look again after this long, ms.
LOOK_AGAIN_MS = 250

Note = dict[str, Any]


class History:
    def __init__(self, house: House, store: Store) -> None:
        self._house = house
        self._store = store
        self._lanes = Lanes(house.redis, lock_ms=LOCK_MS, linger=LINGER)

    def remember(self, session: str) -> None:
        """Write down what waits."""
        if self._lanes.empty(keys.notes(session), lambda entries: self._written(session, entries)) is Left.TAKEN:
            again = self._house.bus.message(keys.HISTORY_QUEUE, "remember", session=session)
            self._house.broker.enqueue(again, delay=LOOK_AGAIN_MS)

    def write(self, session: str, note: Note) -> None:
        self._write(session, note["do"], [note])

    def _written(self, session: str, entries: list[Entry]) -> Iterator[list[bytes]]:
        """What has become of sends concerns nothing else, so all of that is written together."""
        notes = [(entry, orjson.loads(fields[b"note"])) for entry, fields in entries]
        notes.sort(key=lambda each: bool(each[1]["do"] == "send"))
        for kind, together in groupby(notes, key=lambda each: each[1]["do"]):
            some = list(together)
            try:
                self._write(session, kind, [note for _, note in some])
            except NotFound:
                log.info("session %s was deleted; its notes are dropped", session)
            except WarestError:
                raise  # the database is away: it is worth waiting for
            except Exception:
                self._write_singly(session, [note for _, note in some])
            yield [entry for entry, _ in some]

    def _write_singly(self, session: str, notes: list[Note]) -> None:
        """One of them cannot be written, whatever the reason: it must hold up neither its neighbours nor the rest."""
        for note in notes:
            try:
                self._write(session, note["do"], [note])
            except WarestError:
                raise
            except Exception as error:
                log.exception("a note of session %s cannot be written; it is a dead letter now", session)
                lost = self._house.bus.message(keys.HISTORY_QUEUE, "write_note", session=session, note=note)
                self._house.broker.write_off(lost, f"{type(error).__name__}: {error}")

    def _write(self, session: str, kind: str, notes: list[Note]) -> None:
        match kind:
            case "message":
                self._messages(session, notes)
            case "chat":
                self._store.chats.put(session, [ChatNews(**note["news"]) for note in notes])
            case "contact":
                self._store.contacts.put(session, [ContactNews(**note["news"]) for note in notes])
            case "group":
                for note in notes:
                    group_annals.remember(self._store.groups, session, note)
            case "send":
                with self._store.together():
                    for note in notes:
                        self._sent(note)
            case _:
                for note in notes:
                    self._update(session, note)

    def _messages(self, session: str, notes: list[Note]) -> None:
        """The authors first: whoever sees a message sees who wrote it."""
        self._store.contacts.put(session, annals.authors(notes))
        for live, some in groupby(notes, key=lambda note: bool(note.get("live"))):
            self._store.messages.put(session, map(annals.message, some), live=live)

    def _sent(self, note: Note) -> None:
        """What has become of a send; one without a record was ordered by the house itself."""
        answer = {"results": note["answer"]} if "answer" in note else None
        message = next((one["message_id"] for one in note.get("answer", ()) if "message_id" in one), None)
        with contextlib.suppress(NotFound, Conflict):
            self._store.sends.advance(
                note["id"], note["state"], message=message, answer=answer, error=note.get("error")
            )

    def _update(self, session: str, note: Note) -> None:
        """A message that is about another one changes that one, if it is known."""
        changed = self._store.messages.change(
            session, note["chat"], note["id"], lambda message: annals.updated(message, note)
        )
        if changed is None:
            log.info("nothing is known of the message that a %s is about", note["do"])


def declare(house: House, store: Store) -> None:
    """The actor of the queue of what is to be remembered."""
    work = History(house, store)
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.HISTORY_QUEUE, broker=house.broker, max_retries=3)
    def write_note(session: str, note: dict[str, Any]) -> None:
        """One that was a dead letter, redriven when the reason is mended. Run twice, it is known the second time."""
        work.write(session, note)

    @dramatiq.actor(queue_name=keys.HISTORY_QUEUE, broker=house.broker, **patient)
    def remember(session: str) -> None:
        """Idempotent: what is written down is known the second time. Died half-way: the rest is still in the lane."""
        work.remember(session)

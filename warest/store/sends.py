"""The queries about sends: what was asked for, and what has become of it."""

import time
from typing import Any

from warest import entities
from warest.errors import Conflict, NotFound
from warest.store import fitting, sql
from warest.store.history_records import NewSend, Send
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction

#: State -> where it may go. A receipt may overtake the answer, and may tell what nobody knew.
NEXT = {
    "queued": {"sending", "sent", "delivered", "read", "failed", "expired", "cancelled", "unknown"},
    "sending": {"sent", "delivered", "read", "failed", "unknown"},
    "unknown": {"sent", "delivered", "read", "failed"},
    "sent": {"delivered", "read"},
    "delivered": {"read"},
    "read": set(),
    "failed": set(),
    "expired": set(),
    "cancelled": set(),
}

#: What WhatsApp reports, in any order and more than once.
_REPORTED = {"sent", "delivered", "read"}

#: Sends that one call moves.
_AT_ONCE = 100


class Sends(Noun):
    def begin(self, owner: Account, new: NewSend) -> tuple[Send, bool]:
        """Note a send before it goes out; whether it is new, or the one that has this idempotency key or id already.

        Raises NotFound when the session is not the owner's.
        """
        try:
            return self._add(owner, new), True
        except Conflict:
            if known := self._known(owner, new):
                return known, False
            raise

    def get(self, owner: Account, id: str) -> Send | None:
        with transaction():
            row = self._mine(self._entities.Send, owner, id)
            return _send(row) if row else None

    def by_message(self, session: str, message: str) -> Send | None:
        """The send that a receipt is about, by the id that WhatsApp gave its message."""
        with transaction():
            row = self._asked(self._entities.Send, session=session, message=message)
            return _send(row) if row else None

    def advance(
        self,
        id: str,
        state: str,
        *,
        message: str | None = None,
        answer: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Whether the send has moved to `state`, and has what is told with it.

        States only go forwards: a report that comes late or again is passed over (False). Raises Conflict when a send
        that is further is to go back, and NotFound when there is none.
        """
        told = {"answer": fitting.dump(answer), "error": fitting.dump(error)}
        changes = {name: value for name, value in told.items() if value}
        if message:
            changes["message"] = fitting.key(message)
        with transaction():
            row = self._entities.Send.get_for_update(id=id)
            if row is None:
                raise NotFound(f"There is no send {id}.")
            if state in NEXT[row.state]:
                row.set(state=state, updated_at=time.time(), **changes)
                return True
            if state in _REPORTED:
                return False
            raise Conflict(f"Send {id} is {row.state}, so it cannot be {state} any more.")

    def cancel(self, owner: Account, id: str) -> bool:
        """Whether it was still waiting for its time, and will not be sent."""
        with transaction():
            row = self._mine(self._entities.Send, owner, id, locked=True)
            if row is None or row.state != "queued" or row.send_at is None or row.claimed_at is not None:
                return False
            row.set(state="cancelled", updated_at=time.time())
            return True

    def claim(self, id: str, *, lease: float) -> Send | None:
        """One that is queued, for the caller alone for `lease` seconds; None: it is not, or somebody else has it."""
        now = time.time()
        return self._claim(id, now, now - lease)

    def claim_lost(self, age: float, *, lease: float) -> list[Send]:
        """Some that wait for no time and were queued `age` seconds ago, as `claim_due` gives them out."""
        now = time.time()
        before, stale = now - age, now - lease
        with transaction():
            lost = self._entities.Send.select(lambda row: row.state == "queued" and row.send_at is None)
            lost = lost.filter(lambda row: row.created_at < before)
            free = lost.filter(lambda row: row.claimed_at is None or row.claimed_at <= stale)
            ids = [row.id for row in free.order_by(lambda row: (row.created_at, row.id)).limit(_AT_ONCE)]
        return [send for id in ids if (send := self._claim(id, now, stale))]

    def claim_due(self, *, lease: float, limit: int = _AT_ONCE) -> list[Send]:
        """Scheduled sends whose time has come, for whoever calls first, and for nobody else for `lease` seconds.

        They are still queued. One whose claimer died is given out again: only `advance` to sending says who sends.
        """
        now = time.time()
        stale = now - lease
        with transaction():
            due = self._entities.Send.select(lambda row: row.state == "queued" and row.send_at <= now)
            free = due.filter(lambda row: row.claimed_at is None or row.claimed_at <= stale)
            ids = [row.id for row in free.order_by(lambda row: (row.send_at, row.id)).limit(limit)]
        return [send for id in ids if (send := self._claim(id, now, stale))]

    def expire(self, before: float, limit: int = _AT_ONCE) -> list[Send]:
        """End those that have waited since before then, and return them: `queued` ones expire.

        One that waits for its time begins to wait then.
        """
        with transaction():
            old = self._entities.Send.select(lambda row: row.state == "queued" and row.created_at < before)
            old = old.filter(lambda row: row.send_at is None or row.send_at < before)
            ids = [row.id for row in old.order_by(lambda row: (row.created_at, row.id)).limit(limit)]
        return self._end(ids, "expired")

    def give_up(self, before: float, limit: int = _AT_ONCE) -> list[Send]:
        """End those that have been `sending` since before then, and return them: nobody knows any more."""
        with transaction():
            stuck = self._entities.Send.select(lambda row: row.state == "sending" and row.updated_at < before)
            ids = [row.id for row in stuck.order_by(lambda row: (row.created_at, row.id)).limit(limit)]
        return self._end(ids, "unknown")

    def forget_keys(self, before: float) -> int:
        """Let go of the idempotency keys of sends from before then: they are worth something for a time only."""
        with transaction():
            return sql.execute(
                self._entities.db,
                "UPDATE sends SET idempotency_key = NULL WHERE created_at < ? AND idempotency_key IS NOT NULL",
                [before],
            )

    def prune(self, before: float) -> int:
        """Delete some of the sends from before then that do not wait for their time; 0: none are left."""
        where = "created_at < ? AND (send_at IS NULL OR send_at < ?)"
        return sql.erase(self._entities.db, "sends", where, [before, before])

    def _known(self, owner: Account, new: NewSend) -> Send | None:
        sends, registry, key = self._entities.Send, owner.registry, new.idempotency_key
        with transaction():
            row = self._asked(sends, registry=registry, idempotency_key=key) if key else None
            row = row or self._asked(sends, registry=registry, id=new.id)
            return _send(row) if row and owner.may(row.session) else None

    def _add(self, owner: Account, new: NewSend) -> Send:
        now = time.time()
        with transaction():
            if not self._owns(owner, new.session):
                raise NotFound("Session not found")
            row: dict[str, Any] = {
                "id": new.id,
                "registry": owner.registry,
                "session": new.session,
                "recipient": fitting.key(new.recipient),
                "kind": new.kind,
                "state": "queued",
                "message": "",
                "fingerprint": new.fingerprint,
                "idempotency_key": fitting.key(new.idempotency_key) if new.idempotency_key else None,
                "send_at": new.send_at,
                "created_at": now,
                "updated_at": now,
            }
            texts = {"command": fitting.dump(new.command), "answer": "", "error": ""}
            sql.insert(self._entities.db, "sends", [row | texts])
        return Send(**row, command=new.command, answer={}, error={})

    def _claim(self, id: str, now: float, stale: float) -> Send | None:
        """Look again with the row held: another one may have been quicker."""
        with transaction():
            row = self._entities.Send.get_for_update(id=id)
            if row is None or row.state != "queued" or (row.claimed_at is not None and row.claimed_at > stale):
                return None
            row.claimed_at = now
            return _send(row)

    def _end(self, ids: list[str], state: str) -> list[Send]:
        return [send for id in ids if (send := self._ended(id, state))]

    def _ended(self, id: str, state: str) -> Send | None:
        """Unless it has moved since somebody looked."""
        with transaction():
            row = self._entities.Send.get_for_update(id=id)
            if row is None or state not in NEXT[row.state]:
                return None
            row.set(state=state, updated_at=time.time())
            return _send(row)


def _send(row: entities.Row) -> Send:
    return Send(
        id=row.id,
        registry=row.registry,
        session=row.session,
        recipient=row.recipient,
        kind=row.kind,
        state=row.state,
        message=row.message,
        fingerprint=row.fingerprint,
        idempotency_key=row.idempotency_key,
        command=fitting.load(row.command),
        answer=fitting.load(row.answer),
        error=fitting.load(row.error),
        send_at=row.send_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

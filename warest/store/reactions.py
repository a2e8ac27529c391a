"""The queries about reactions: what has become of the actions that a receiver's answer asked for."""

from dataclasses import dataclass

from warest import entities
from warest.store import fitting, sql
from warest.store.noun import Noun
from warest.store.schema import transaction

#: How much of an error is kept, characters.
LONGEST_ERROR = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One action. `position` is its place in the answer: `2` is the third, `2.then.0` the first of its branch `then`.

    `state` is done, pending (`job` tells what becomes of it), failed, ignored (it was not complete) or skipped (it was
    not its turn). `message` is what WhatsApp calls the message that was sent, `job` the send's record (store.sends);
    both may be empty. `repeatable`: it failed, and surely nothing was done. `at` is in epoch seconds.
    """

    position: str
    action: str
    state: str
    message: str = ""
    job: str = ""
    error: str = ""
    repeatable: bool = False
    at: float


class Reactions(Noun):
    def note(self, session: str, delivery: str, reaction: Reaction) -> None:
        """Keep what has become of one. The last word counts, but what was done is done."""
        told = {
            "session": session,
            "action": fitting.short(reaction.action, 32),
            "state": reaction.state,
            "message": fitting.key(reaction.message),
            "job": reaction.job,
            "error": fitting.short(reaction.error, LONGEST_ERROR),
            "repeatable": reaction.repeatable,
            "at": reaction.at,
        }
        with transaction():
            row = self._entities.Reaction.get_for_update(delivery=delivery, position=reaction.position)
            if row is None:
                self._entities.Reaction(delivery=delivery, position=reaction.position, **told)
            elif row.state != "done":
                row.set(**told)

    def of(self, delivery: str) -> list[Reaction]:
        """Those of a delivery, in the order of the answer."""
        sought = fitting.key(delivery)
        with transaction():
            rows = self._entities.Reaction.select(lambda row: row.delivery == sought)
            return sorted((_reaction(row) for row in rows), key=lambda each: _place(each.position))

    def prune(self, before: float, at_most: int = sql.BATCH) -> int:
        """Delete some of those from before then; returns how many, 0: none are left."""
        return sql.erase(self._entities.db, "reactions", "at < ?", [before], at_most)


def _place(position: str) -> list[tuple[int, str]]:
    """By the numbers in it, 10 comes behind 9; an action comes before those within it."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in position.split(".")]


def _reaction(row: entities.Row) -> Reaction:
    return Reaction(
        position=row.position,
        action=row.action,
        state=row.state,
        message=row.message,
        job=row.job,
        error=row.error,
        repeatable=row.repeatable,
        at=row.at,
    )

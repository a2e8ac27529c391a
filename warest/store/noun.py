"""What the queries of every noun begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from warest import entities
from warest.entities import ID
from warest.errors import NotFound
from warest.store import fitting
from warest.store.records import Account
from warest.store.schema import transaction


class Noun:
    """The queries of one noun. Those that a user reaches take the owner, the others are the house's own."""

    def __init__(self, opened: entities.Entities) -> None:
        self._entities = opened

    def _owns(self, owner: Account, session: str) -> bool:
        """Within the transaction that goes on to read or write."""
        row = self._entities.Session.get(id=fitting.text(session)) if 0 < len(session) <= ID else None
        return row is not None and row.registry == owner.registry and owner.may(row.id)

    def _mine(self, entity: Any, owner: Account, id: str, *, locked: bool = False) -> entities.Row | None:
        """The row of this id, if it is the owner's, and of a session that the owner's key is for."""
        row = self._asked(entity, locked=locked, id=id, registry=owner.registry)
        return row if row and owner.may(row.session) else None

    def _asked(self, entity: Any, *, locked: bool = False, **wanted: str) -> entities.Row | None:
        """The row that a user asks for, by words of any length and kind: what no column can hold is nobody's."""
        query = entity.select()
        for name, value in wanted.items():
            query = where(query, name, value)
        return (query.for_update() if locked else query).first()

    @contextmanager
    def _writing(self, session: str) -> Iterator[None]:
        """A transaction that alone writes chats, contacts and messages of a session: what it looks up stays so.

        Raises NotFound when the session has been deleted.
        """
        with transaction():
            if self._entities.Session.get_for_update(id=session) is None:
                raise NotFound("Session not found")
            yield


def of_owner(query: Any, owner: Account) -> Any:
    """Only rows of the owner, and of the sessions that the owner's key is for."""
    registry = owner.registry
    mine = query.filter(lambda row: row.registry == registry)
    if owner.only is None:
        return mine
    only = sorted(owner.only) or [""]
    return mine.filter(lambda row: row.session in only)


def where(query: Any, name: str, value: str) -> Any:
    """Only rows with this word in the column. Pony's own keywords would raise for one that is too long for it."""
    sought = fitting.key(value)
    return query.filter(lambda row: getattr(row, name) == sought)

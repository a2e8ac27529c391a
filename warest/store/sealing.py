"""Encrypting again, with the newest key, what is kept in a column."""

from collections.abc import Callable
from typing import Any

from pony.orm import select

from warest.errors import DriverError
from warest.store import fitting
from warest.store.schema import transaction
from warest.vault import Vault

#: Rows that one transaction encrypts.
_PORTION = 100


def reseal(entity: Any, column: str, vault: Vault, place: Callable[[str], tuple[str, ...]]) -> tuple[int, int]:
    """Encrypt all that is there and is not; returns how many, and how many cannot be read.

    Whatever is done is done: it can be stopped and run again at any time. `place` is that of a row, by its id.
    """
    with transaction():
        ids = list(select(row.id for row in entity))
    done = [_resealed(entity, column, vault, place, portion) for portion in fitting.portions(ids, _PORTION)]
    return sum(count for count, _ in done), sum(locked for _, locked in done)


def _resealed(
    entity: Any, column: str, vault: Vault, place: Callable[[str], tuple[str, ...]], ids: list[str]
) -> tuple[int, int]:
    count = locked = 0
    with transaction():
        for row in entity.select(lambda row: row.id in ids).for_update():
            kept = getattr(row, column)
            if not kept or vault.is_current(kept):
                continue
            try:
                text = vault.open(kept, *place(row.id))
            except DriverError:
                locked += 1
            else:
                setattr(row, column, vault.seal(text, *place(row.id)))
                count += 1
    return count, locked

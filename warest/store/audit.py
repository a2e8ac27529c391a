"""The queries about the audit trail: who did what. It outlives users and sessions."""

import time
from typing import Any

from warest import entities
from warest.errors import NotAllowed
from warest.ids import new_ulid
from warest.store import fitting, sql
from warest.store.deliveries import log_of
from warest.store.noun import Noun
from warest.store.records import Account, AuditEntry, Log
from warest.store.schema import transaction


class Audit(Noun):
    def append(
        self,
        who: Account | None,
        action: str,
        *,
        key_name: str = "",
        target: str = "",
        address: str = "",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """`who` None: somebody without an account, a login that failed say."""
        with transaction():
            self._entities.Audit(
                id=new_ulid(),
                registry=who.registry if who else "",
                username=who.username if who else "",
                key_name=fitting.short(key_name),
                action=fitting.short(action, 64),
                target=fitting.short(target),
                address=fitting.short(address, 64),
                at=time.time(),
                detail=fitting.dump(detail),
            )

    def log(
        self,
        owner: Account,
        *,
        everybody: bool = False,
        action: str | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Log[AuditEntry]:
        """The newest first: what was done under the owner's registry, or by everybody, for admins only."""
        if everybody and not owner.is_admin:
            raise NotAllowed("Only admins see what others did.")
        with transaction():
            query = self._entities.Audit.select()
            if not everybody:
                query = query.filter(lambda row: row.registry == owner.registry)
            if action is not None:
                named = fitting.short(action, 64)
                query = query.filter(lambda row: row.action == named)
            return log_of(query, self._entities.Audit.id, cursor, limit, _entry)

    def prune(self, before: float, limit: int = sql.BATCH) -> int:
        """Delete some of the entries from before then; returns how many, fewer than `limit`: none are left."""
        return sql.erase(self._entities.db, "audit", "at < ?", [before], limit)


def _entry(row: entities.Row) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        registry=row.registry,
        username=row.username,
        key_name=row.key_name,
        action=row.action,
        target=row.target,
        address=row.address,
        at=row.at,
        detail=fitting.load(row.detail),
    )

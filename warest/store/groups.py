"""The queries about groups and who is in them (decision 38): a listing does not ask WhatsApp each time."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from warest import entities
from warest.group_commands import GroupFacts, Member
from warest.store import fitting
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction

#: What WhatsApp has told is good for so long, s: events keep it true, and a lost one is made up for once a day.
FRESH = 24 * 3600

#: Fields of GroupFacts -> what makes them fit into their columns.
_FITTED: dict[str, Callable[[Any], Any]] = {
    "name": fitting.short,
    "named_at": fitting.seconds,
    "named_by": fitting.key,
    "description": fitting.text,
    "description_id": fitting.key,
    "described_at": fitting.seconds,
    "described_by": fitting.key,
    "owner": fitting.key,
    "created": fitting.seconds,
    "locked": bool,
    "announcement": bool,
    "ephemeral": int,
    "is_community": bool,
    "is_community_announce": bool,
    "parent": fitting.key,
    "by_lid": bool,
    "size": int,
}

#: Fields that have a time beside them: an older value never replaces a newer one.
_DATED = {
    "name": "named_at",
    "named_by": "named_at",
    "named_at": "named_at",
    "description": "described_at",
    "description_id": "described_at",
    "described_by": "described_at",
    "described_at": "described_at",
}

#: Names of somebody, PN and LID; the empty text where one is not known.
Names = tuple[str, str]


class Groups(Noun):
    def learn(self, session: str, groups: Iterable[GroupFacts]) -> None:
        """What WhatsApp has told of groups, all of it; who is in one, only where that was asked."""
        for portion in fitting.portions(groups):
            with self._writing(session):
                self._learn(session, portion)

    def learn_all(self, session: str, groups: list[GroupFacts]) -> None:
        """The same of all that the account is in: it has left the others."""
        for portion in fitting.portions(groups):
            with self._writing(session):
                self._learn(session, portion)
        jids = {fitting.key(group.jid) for group in groups}
        with self._writing(session):
            for row in self._entities.Group.select(lambda row: row.session == session):
                if row.jid not in jids:
                    self._forget(row)
            self._entities.Session[session].groups_at = time.time()

    def change(self, session: str, jid: str, fields: dict[str, Any]) -> None:
        """Fields of GroupFacts that are new; of a group that is not known nothing is kept."""
        with self._writing(session):
            if row := self._row(session, jid):
                _set(row, fields)

    def move(self, session: str, jid: str, change: str, people: Iterable[Names]) -> None:
        """`change`: add, remove, promote or demote. The second time it changes nothing."""
        with self._writing(session):
            row = self._row(session, jid)
            if row is None:
                return
            if not row.members_at:  # who is in it is asked when somebody wants to know
                row.asked_at = 0.0
                return
            for pn, lid in people:
                self._move(row, change, fitting.key(pn), fitting.key(lid))
            row.size = self._members(row).count()

    def forget(self, session: str, jid: str) -> None:
        """The account is not in it any more."""
        with self._writing(session):
            if row := self._row(session, jid):
                self._forget(row)

    def listed(self, owner: Account, session: str) -> list[GroupFacts] | None:
        """All that the account is in, by name, without their members; None: WhatsApp has to be asked."""
        with transaction():
            if not self._owns(owner, session):
                return None
            if (self._entities.Session[session].groups_at or 0.0) < time.time() - FRESH:
                return None
            rows = self._entities.Group.select(lambda row: row.session == session)
            return [_facts(row, None) for row in sorted(rows, key=lambda row: (row.name, row.jid))]

    def stale(self, owner: Account, session: str) -> list[str]:
        """Those of the listing to which somebody has come, or from which he has gone, and nobody knows who was in."""
        with transaction():
            if not self._owns(owner, session):
                return []
            rows = self._entities.Group.select(lambda row: row.session == session and row.asked_at == 0.0)
            return [row.jid for row in rows]

    def get(self, owner: Account, session: str, jid: str) -> GroupFacts | None:
        """With its members, in the order of their addresses; None: WhatsApp has to be asked."""
        with transaction():
            row = self._owns(owner, session) and self._asked(self._entities.Group, session=session, jid=jid)
            if not row or min(row.asked_at, row.members_at) < time.time() - FRESH:
                return None
            members = sorted(self._members(row), key=lambda member: member.jid)
            return _facts(row, tuple(Member(pn=one.pn, lid=one.lid, role=one.role) for one in members))

    def _learn(self, session: str, groups: list[GroupFacts]) -> None:
        now = time.time()
        for group in groups:
            jid = fitting.key(group.jid)
            row = self._entities.Group.get(session=session, jid=jid)
            if row is None:
                row = self._entities.Group(session=session, jid=jid, **_blank(now))
            _set(row, {name: value for name, value in asdict(group).items() if name in _FITTED})
            row.asked_at = now
            if group.members is not None:
                self._replace_members(row, group.members)
                row.members_at = now
            elif group.size != self._members(row).count():
                row.members_at = 0.0

    def _replace_members(self, row: entities.Row, members: Iterable[Member]) -> None:
        """Those who stay keep their rows."""
        wanted = {fitting.key(one.lid or one.pn): one for one in members}
        known = {one.jid: one for one in self._members(row)}
        for jid in known.keys() - wanted.keys():
            known[jid].delete()
        for jid, one in wanted.items():
            names = {"pn": fitting.key(one.pn), "lid": fitting.key(one.lid), "role": one.role}
            if jid in known:
                known[jid].set(**names)
            else:
                self._entities.GroupMember(session=row.session, chat=row.jid, jid=jid, **names)

    def _move(self, row: entities.Row, change: str, pn: str, lid: str) -> None:
        found = next((one for one in self._members(row) if one.jid in (pn, lid) or (pn and one.pn == pn)), None)
        if change == "remove":
            if found:
                found.delete()
                self._entities.db.flush()
            return
        if found is None:
            found = self._entities.GroupMember(
                session=row.session, chat=row.jid, jid=lid or pn, pn=pn, lid=lid, role=""
            )
            self._entities.db.flush()
        if change in ("promote", "demote"):
            found.role = (found.role or "admin") if change == "promote" else ""

    def _members(self, row: entities.Row) -> Any:
        session, jid = row.session, row.jid
        return self._entities.GroupMember.select(lambda one: one.session == session and one.chat == jid)

    def _row(self, session: str, jid: str) -> entities.Row | None:
        return self._asked(self._entities.Group, session=session, jid=jid)

    def _forget(self, row: entities.Row) -> None:
        self._members(row).delete(bulk=True)
        row.delete()


def _set(row: entities.Row, fields: dict[str, Any]) -> None:
    """What is older than what is known is left out."""
    late = {date for date in _DATED.values() if date in fields and fields[date] < getattr(row, date)}
    row.set(
        **{name: _FITTED[name](value) for name, value in fields.items() if _DATED.get(name) not in late},
        updated_at=time.time(),
    )


def _blank(now: float) -> dict[str, Any]:
    texts = dict.fromkeys(("name", "named_by", "description", "description_id", "described_by", "owner", "parent"), "")
    flags = ("locked", "announcement", "is_community", "is_community_announce", "by_lid")
    numbers = ("named_at", "described_at", "created", "ephemeral", "size")
    return {
        **texts,
        **dict.fromkeys(flags, False),
        **dict.fromkeys(numbers, 0),
        "asked_at": 0.0,
        "members_at": 0.0,
        "updated_at": now,
    }


def _facts(row: entities.Row, members: tuple[Member, ...] | None) -> GroupFacts:
    return GroupFacts(jid=row.jid, members=members, **{name: getattr(row, name) for name in _FITTED})

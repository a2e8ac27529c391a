"""The queries about groups and who is in them (decision 38): a listing does not ask WhatsApp each time."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from warest import entities
from warest.group_commands import GroupFacts, Member
from warest.store import fitting, group_members
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

#: When and by whom something was set.
_CIRCUMSTANCES = frozenset({"named_at", "named_by", "description_id", "described_at", "described_by"})

#: What WhatsApp has answered just now may be newer than an event that is still on its way into the database: for so
#: long, s, an event that says something else leads to a question, not to a change.
SETTLING = 10.0


class Groups(Noun):
    """`heard`: it is an event that says so, not an answer of WhatsApp's that we have just got."""

    def learn(self, session: str, groups: Iterable[GroupFacts], *, heard: bool = False) -> None:
        """What WhatsApp has told of groups, all of it; who is in one, only where that was asked."""
        for portion in fitting.portions(groups):
            with self._writing(session):
                self._learn(session, portion, heard)

    def learn_all(self, session: str, groups: list[GroupFacts]) -> None:
        """The same of all that the account is in: it has left the others."""
        self.learn(session, groups)
        jids = {fitting.key(group.jid) for group in groups}
        with self._writing(session):
            for row in self._entities.Group.select(lambda row: row.session == session):
                if row.jid not in jids:
                    self._forget(row)
            self._entities.Session[session].groups_at = time.time()

    def change(self, session: str, jid: str, fields: dict[str, Any], *, heard: bool = False) -> None:
        """Fields of GroupFacts that are new; of a group that is not known nothing is kept."""
        with self._writing(session):
            if (row := self._row(session, jid)) and _counts(row, heard, _differ(row, fields)):
                _set(row, fields)

    def move(
        self, session: str, jid: str, change: str, people: Iterable[group_members.Names], *, heard: bool = False
    ) -> None:
        """`change`: add, remove, promote or demote. The second time it changes nothing."""
        who = list(people)
        with self._writing(session):
            row = self._row(session, jid)
            if row is None:
                return
            if not row.members_at:  # who is in it is asked when somebody wants to know
                row.asked_at = 0.0
            elif _counts(row, heard, group_members.moves(self._entities, row, change, who)):
                group_members.move(self._entities, row, change, who)

    def forget(self, session: str, jid: str, *, heard: bool = False) -> None:
        """The account is not in it any more."""
        with self._writing(session):
            if (row := self._row(session, jid)) and _counts(row, heard, True):
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
        """Those of the listing of which something is not known: WhatsApp has to be asked about them."""
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
            return _facts(row, group_members.told(self._entities, row))

    def _learn(self, session: str, groups: list[GroupFacts], heard: bool) -> None:
        for group in groups:
            row = self._row(session, group.jid)
            told = {name: value for name, value in asdict(group).items() if name in _FITTED}
            if row is None:
                jid = fitting.key(group.jid)
                row = self._entities.Group(session=session, jid=jid, **_blank(time.time()))
            if not _counts(row, heard, _differ(row, told) or self._others(row, group)):
                continue
            _set(row, told)
            row.asked_at = time.time()
            if group.members is not None:
                group_members.replace(self._entities, row, group.members)
                row.members_at = row.asked_at
            elif group.size != group_members.of(self._entities, row).count():
                row.members_at = 0.0

    def _others(self, row: entities.Row, group: GroupFacts) -> bool:
        return group.members is not None and group_members.differ(self._entities, row, group.members)

    def _row(self, session: str, jid: str) -> entities.Row | None:
        return self._asked(self._entities.Group, session=session, jid=jid)

    def _forget(self, row: entities.Row) -> None:
        group_members.of(self._entities, row).delete(bulk=True)
        row.delete()


def _counts(row: entities.Row, heard: bool, differs: bool) -> bool:
    """Whether it is to be written down. If not, WhatsApp is asked when somebody wants to know."""
    if not heard:
        row.settles_at = time.time() + SETTLING
    elif differs and time.time() < row.settles_at:
        row.asked_at = 0.0
        return False
    return True


def _differ(row: entities.Row, fields: dict[str, Any]) -> bool:
    """Apart from when and by whom it was set."""
    told = {name: _FITTED[name](value) for name, value in fields.items() if name not in _CIRCUMSTANCES}
    return any(getattr(row, name) != value for name, value in told.items())


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
        "settles_at": 0.0,
        "updated_at": now,
    }


def _facts(row: entities.Row, members: tuple[Member, ...] | None) -> GroupFacts:
    return GroupFacts(jid=row.jid, members=members, **{name: getattr(row, name) for name in _FITTED})

"""The queries about contacts."""

import time
from collections.abc import Iterable
from typing import Any

from warest import entities
from warest.store import fitting
from warest.store.history_records import Contact, ContactNews
from warest.store.noun import Noun
from warest.store.records import Account, Page
from warest.store.schema import transaction

#: Fields of ContactNews -> what makes them fit.
_TEXTS = {
    "pn": fitting.key,
    "lid": fitting.key,
    "name": fitting.short,
    "notify": fitting.short,
    "verified_name": fitting.short,
}


class Contacts(Noun):
    def put(self, session: str, news: Iterable[ContactNews]) -> None:
        """Learn about contacts, known ones and new; what the news do not say stays as it is known."""
        for portion in fitting.portions(news):
            with self._writing(session):
                self._learn(session, portion)

    def get(self, owner: Account, session: str, jid: str) -> Contact | None:
        jid = fitting.key(jid)
        with transaction():
            row = self._owns(owner, session) and self._entities.Contact.get(session=session, jid=jid)
            return _contact(row) if row else None

    def find(self, owner: Account, session: str, address: str) -> Contact | None:
        """By either of its addresses, PN or LID, whichever it is stored under."""
        with transaction():
            row = self._owns(owner, session) and self._found(session, address)
            return _contact(row) if row else None

    def find_many(self, owner: Account, session: str, addresses: Iterable[str]) -> dict[str, Contact]:
        """Of at most fitting.PORTION: address -> contact, of those that are known by it, be it PN or LID."""
        if not (keys := list(dict.fromkeys(map(fitting.key, addresses)))):
            return {}
        wanted, contacts = fitting.padded(keys), self._entities.Contact
        with transaction():
            if not self._owns(owner, session):
                return {}
            by_pn = contacts.select(lambda row: row.session == session and row.pn in wanted)
            by_jid = contacts.select(lambda row: row.session == session and row.jid in wanted)
            return {row.pn: _contact(row) for row in by_pn} | {row.jid: _contact(row) for row in by_jid}

    def page(
        self,
        owner: Account,
        session: str,
        *,
        search: str = "",
        is_my_contact: bool | None = None,
        limit: int,
        offset: int = 0,
    ) -> Page[Contact]:
        """In the order of their JIDs. `search` stands in a name or an address, in whatever case."""
        with transaction():
            if not self._owns(owner, session):
                return Page([], 0)
            query = self._entities.Contact.select(lambda row: row.session == session)
            if search:
                query = _searched(query, fitting.text(search).lower())
            if is_my_contact is not None:
                query = query.filter(lambda row: row.is_my_contact == is_my_contact)
            rows = query.order_by(self._entities.Contact.jid).limit(limit, offset=offset)
            return Page([_contact(row) for row in rows], query.count())

    def _learn(self, session: str, news: list[ContactNews]) -> None:
        """Whoever was known by number only goes by the LID as soon as that is known, too: one row a person."""
        now, contacts = time.time(), self._entities.Contact
        jids = fitting.padded(dict.fromkeys(fitting.key(one.jid) for one in news))
        known = {row.jid: row for row in contacts.select(lambda row: row.session == session and row.jid in jids)}
        numbers = [fitting.key(one.pn or one.jid) for one in news]
        wanted = fitting.padded(dict.fromkeys(numbers))
        known |= {row.jid: row for row in contacts.select(lambda row: row.session == session and row.jid in wanted)}
        homes = {row.pn: row for row in contacts.select(lambda row: row.session == session and row.pn in wanted)}
        for one, number in zip(news, numbers, strict=True):
            jid = fitting.key(one.jid)
            row = known.get(jid) or (homes.get(number) if jid == number else None)
            if row is None:
                row = known[jid] = contacts(session=session, jid=jid, **_blank(now))
            changes = _learned(one)
            if jid != number and (old := known.pop(number, None)):
                changes = _absorbed(row, old) | changes
                old.delete()
            if any(getattr(row, name) != value for name, value in changes.items()):
                row.set(**changes, updated_at=now)
            if row.pn:
                homes[row.pn] = row

    def _found(self, session: str, address: str) -> entities.Row | None:
        """One question for each index, the likeliest first."""
        contacts = self._entities.Contact
        return (
            self._asked(contacts, session=session, jid=address)
            or self._asked(contacts, session=session, pn=address)
            or self._asked(contacts, session=session, lid=address)
        )


def _searched(query: Any, sought: str) -> Any:
    return query.filter(
        lambda row: (
            sought in row.name.lower()
            or sought in row.notify.lower()
            or sought in row.verified_name.lower()
            or sought in row.jid.lower()
            or sought in row.pn.lower()
        )
    )


def _blank(now: float) -> dict[str, Any]:
    return {**dict.fromkeys(_TEXTS, ""), "is_me": False, "is_my_contact": False, "updated_at": now}


def _absorbed(row: entities.Row, old: entities.Row) -> dict[str, Any]:
    """What was known of somebody by another name, and is not by this one."""
    texts = {name: getattr(old, name) for name in _TEXTS if getattr(old, name) and not getattr(row, name)}
    return texts | {name: True for name in ("is_me", "is_my_contact") if getattr(old, name)}


def _learned(news: ContactNews) -> dict[str, Any]:
    """The columns that the news change."""
    texts = {name: fit(getattr(news, name)) for name, fit in _TEXTS.items() if getattr(news, name)}
    flags = {"is_me": news.is_me, "is_my_contact": news.is_my_contact}
    return {**texts, **{name: value for name, value in flags.items() if value is not None}}


def _contact(row: entities.Row) -> Contact:
    return Contact(
        jid=row.jid,
        pn=row.pn,
        lid=row.lid,
        name=row.name,
        notify=row.notify,
        verified_name=row.verified_name,
        is_me=row.is_me,
        is_my_contact=row.is_my_contact,
        updated_at=row.updated_at,
    )

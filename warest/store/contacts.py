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
        now = time.time()
        jids = fitting.padded(dict.fromkeys(fitting.key(one.jid) for one in news))
        found = self._entities.Contact.select(lambda row: row.session == session and row.jid in jids)
        known = {row.jid: row for row in found}
        for one in news:
            jid = fitting.key(one.jid)
            if jid not in known:
                known[jid] = self._entities.Contact(session=session, jid=jid, **_blank(now))
            changes = _learned(one)
            if any(getattr(known[jid], name) != value for name, value in changes.items()):
                known[jid].set(**changes, updated_at=now)

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

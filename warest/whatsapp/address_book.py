"""The phone's address book, as the engine keeps it, as notes for the database."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from warest.ids import LID_SERVER, PN_SERVER, Jid
from warest.whatsapp.inbound import jid as jid_of

Note = dict[str, Any]


def notes_of(contacts: Iterable[Any], other_name: Callable[[Jid], Jid | None]) -> Iterator[Note]:
    """Of Neonize.Contact. `other_name` is the LID of a number, or the number of a LID, where it is known.

    Whoever has a full name stands in the address book; the others have only written some time.
    """
    for contact in contacts:
        jid, known = jid_of(contact.JID).account, contact.Info
        if jid.server not in (PN_SERVER, LID_SERVER) or not known.Found:
            continue
        other = other_name(jid)
        pn, lid = (other, jid) if jid.is_lid else (jid, other)
        news = {
            "jid": str(lid or pn),
            "pn": str(pn or ""),
            "lid": str(lid or ""),
            "name": known.FullName or known.FirstName,
            "notify": known.PushName,
            "verified_name": known.BusinessName,
        }
        yield {"do": "contact", "news": news | ({"is_my_contact": True} if known.FullName else {})}

"""/api/v1/profile: whom the session's account knows, and who of some numbers is on WhatsApp.

Facts: contract, endpoints.md section 10; decision 38 (contacts and groups are in our tables) and 18 (both names).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field, WithJsonSchema

from warest import ids
from warest.errors import Unsupported
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.grouping import Grouping, Place
from warest.http.operation import Answer, Flag, Result, Word, operation
from warest.http.resources.profile import CODES, OfSession, Profile, pictures_of
from warest.http.sessions import phone_of
from warest.http.support import NO_BUSINESS
from warest.loose import words
from warest.store import Account, Contact, SessionRecord, Store

#: So many numbers, or contacts whose pictures are wanted, are looked at in one call.
_NUMBERS, _DEEP = 500, 50

#: So many groups are looked into.
_GROUPS = 50

#: As they look.
_NAMES = {
    "pn": "628123456789@s.whatsapp.net",
    "lid": "183746501928374@lid",
    "contactId": "183746501928374@lid",
}
_PERSON = {"jid": _NAMES["pn"], "phone": "628123456789", "name": "Budi", **_NAMES}
_CHECKED = {"jid": _NAMES["pn"], "phone": "628123456789", "isOnWhatsApp": True, **_NAMES}

#: How many contacts are shown.
_USUAL, _MOST = 15, 1000


def _within(least: int, usual: int, most: int) -> BeforeValidator:
    """A number that is out of range is taken to its end, a word is none."""

    def read(value: object) -> int:
        text = str(value).strip()
        return min(max(int(text), least), most) if text.lstrip("-").isdecimal() else usual

    return BeforeValidator(read)


#: A list, its JSON, or what stands between commas.
Words = Annotated[
    list[str],
    BeforeValidator(words),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Listing(OfSession):
    """`type`: contacts, or groups: the people in those of `groupIds`, or in all. `deep`: with pictures and abouts, of
    50 at most. `limit`: 1 to 1000."""

    type: Word = "contacts"
    deep: Flag = False
    groups: Words = Field([], alias="groupIds")
    limit: Annotated[int, _within(1, _USUAL, _MOST)] = _USUAL
    offset: Annotated[int, _within(0, 0, 10**9)] = 0


class Numbers(OfSession):
    """`checkNumbers`: some, or one. With a `sessionId`, `phone` and `number` are such, too."""

    numbers: Words = Field([], validation_alias=AliasChoices("checkNumbers", "checkNumber"))
    deep: Flag = False

    @property
    def asked(self) -> list[str]:
        return self.numbers or (words(self.phone) if self.phone and self.session_id else [])


class KnownPeople(Result):
    """Of each: `jid`, `phone`, `name`, and where they are known `verifiedName`, `pn`, `lid` and `contactId`; with
    `deep` also `picture` (`full`, `preview`) and `about`."""

    phone: str | None
    data: list[dict[str, Any]] = Field(examples=[[_PERSON]])


class FoundNumbers(Result):
    """Of one number an object, of several a list."""

    data: dict[str, Any] | list[dict[str, Any]] = Field(examples=[_CHECKED])


class ListContacts:
    """/api/v1/profile/list-contacts"""

    def __init__(self, profile: Profile, grouping: Grouping, store: Store) -> None:
        self._profile = profile
        self._grouping = grouping
        self._store = store

    @operation("Whom the account knows", family=Family.E1, parameters=Listing, result=KnownPeople, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: Listing) -> Answer:
        record, state = self._profile.session(request, parameters)
        account: Account = request.context.account
        kind = (parameters.type or "contacts").lower()
        if kind not in ("contacts", "groups"):
            raise Refusal(Code.INVALID_PARAMETER, "type must be contacts or groups")
        limit = min(parameters.limit, _DEEP) if parameters.deep else parameters.limit
        if kind == "contacts":
            rows = self._store.contacts.page(account, record.ulid, limit=limit, offset=parameters.offset).rows
            found = [_told_of(row.jid, row) for row in rows]
        else:
            found = self._members(account, record, parameters.groups)[parameters.offset :][:limit]
        if parameters.deep:
            self._look_closely(record, found)
        return Answer([{"phone": phone_of(state), "data": found}], "Contacts fetched")

    def _members(self, account: Account, record: SessionRecord, groups: list[str]) -> list[dict[str, Any]]:
        """Everybody once, in the order of the groups."""
        place = Place(account, record)
        wanted = [_group(name) for name in groups] or [one.jid for one in self._grouping.listed(place, refresh=False)]
        if len(groups) > _GROUPS:
            raise Refusal(Code.INVALID_PARAMETER, f"groupIds may be {_GROUPS} at most")
        names: dict[str, None] = {}
        for jid in wanted[:_GROUPS]:
            facts = self._grouping.shown(replace(place, group=jid))
            names |= dict.fromkeys(one.pn or one.lid for one in (facts.members if facts else None) or ())
        contacts = _by_name(self._store, account, record, names)
        return [_told_of(name, contacts.get(name)) for name in names]

    def _look_closely(self, record: SessionRecord, people: list[dict[str, Any]]) -> None:
        shown = self._profile.others.look_at(record, [each["jid"] for each in people])
        for each, seen in zip(people, shown, strict=True):
            named = {"verifiedName": seen["verified_name"]} if seen["verified_name"] else {}
            each |= {**named, "picture": pictures_of(seen), "about": seen["about"] or None}


class OnWhatsApp:
    """/api/v1/profile/on-whatsapp"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation("Which numbers are on WhatsApp", family=Family.E1, parameters=Numbers, result=FoundNumbers, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: Numbers) -> Answer:
        record, _ = self._profile.session(request, parameters)
        asked = [self._number(token) for token in _wanted(parameters)]
        found = self._profile.others.check(record, [number for _, number in asked])
        told = [_checked(typed, number, one) for (typed, number), one in zip(asked, found, strict=True)]
        if parameters.deep:
            there = [each for each in told if each["isOnWhatsApp"]]
            shown = self._profile.others.look_at(record, [one["jid"] for one in there])
            for each, seen in zip(there, shown, strict=True):
                each |= {"picture": pictures_of(seen), "about": seen["about"] or None}
        return Answer([{"data": told if len(told) > 1 else told[0]}], "Numbers checked")

    on_post = on_get  # not every client can send a body with a GET, nor 500 numbers in a query

    def _number(self, token: str) -> tuple[str, str]:
        """Its digits as they were typed, and the number as WhatsApp has it."""
        jid = ids.recipient(token, self._profile.settings.country_code)
        if jid is None or jid.server != ids.PN_SERVER or not 5 <= len(jid.user) <= 20:
            raise Refusal(Code.INVALID_PARAMETER, f"'{token[:64]}' is no number")
        return ids.digits_of(token.partition("@")[0]), jid.user


class BusinessProfile:
    """/api/v1/profile/business-profile"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation(
        "What businesses say of themselves: the engine cannot ask",
        family=Family.E1,
        parameters=Numbers,
        codes=(*CODES, Code.NOT_IMPLEMENTED),
        limit=NO_BUSINESS,
    )
    def on_get(self, request: falcon.Request, parameters: Numbers) -> Answer:
        self._profile.session(request, parameters)
        _wanted(parameters)
        raise Unsupported(NO_BUSINESS.reason)


def _group(name: str) -> str:
    jid = name if "@" in name else f"{name}@{ids.GROUP_SERVER}"
    if not re.fullmatch(r"[0-9-]{1,64}@g\.us", jid):
        raise Refusal(Code.INVALID_PARAMETER, f"'{name[:64]}' is no group")
    return jid


def _wanted(parameters: Numbers) -> list[str]:
    asked = parameters.asked
    if not asked:
        raise Refusal(Code.MISSING_PARAMETER, "checkNumbers is required")
    most = _DEEP if parameters.deep else _NUMBERS
    if len(asked) > most:
        raise Refusal(Code.INVALID_PARAMETER, f"checkNumbers may be {most} at most")
    return asked


def _checked(typed: str, number: str, found: dict[str, Any]) -> dict[str, Any]:
    jid = found["pn"] or f"{number}@{ids.PN_SERVER}"
    names = {"pn": found["pn"], "lid": found["lid"], "contactId": found["lid"] or found["pn"]}
    return {"jid": jid, "phone": typed, "isOnWhatsApp": found["exists"], **names}


def _told_of(jid: str, contact: Contact | None) -> dict[str, Any]:
    """By number, where it is known."""
    pn = contact.pn if contact else jid if jid.endswith(f"@{ids.PN_SERVER}") else ""
    lid = contact.lid if contact else jid if jid.endswith(f"@{ids.LID_SERVER}") else ""
    told: dict[str, Any] = {
        "jid": pn or jid,
        "phone": ids.Jid.parse(pn).user if pn else None,
        "name": (contact.name or contact.notify or contact.verified_name or None) if contact else None,
    }
    if contact and contact.verified_name:
        told["verifiedName"] = contact.verified_name
    return told | {"pn": pn or None, "lid": lid or None, "contactId": lid or pn or None}


def _by_name(store: Store, account: Account, record: SessionRecord, names: Iterable[str]) -> dict[str, Contact]:
    found: dict[str, Contact] = {}
    wanted = list(names)
    for begin in range(0, len(wanted), 100):
        found |= store.contacts.find_many(account, record.ulid, wanted[begin : begin + 100])
    return found


def routes(profile: Profile, grouping: Grouping, store: Store) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/profile/list-contacts", ListContacts(profile, grouping, store)
    yield "/api/v1/profile/on-whatsapp", OnWhatsApp(profile)
    yield "/api/v1/profile/business-profile", BusinessProfile(profile)

"""What all routes of groups have in common: whose session it is, which group, and what goes wrong.

Facts: contract, endpoints.md section 9 and 0.5 (S2). What is missing in a request comes before the session.
"""

import contextlib
import dataclasses
import re
from dataclasses import dataclass
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest import group_annals, ids
from warest.bus import Bus
from warest.config.settings import Settings
from warest.errors import InvalidInput, WhatsAppRefused
from warest.group_commands import AskGroup, GroupCommand, GroupFacts, ListGroups
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Flag, Parameters, Result, Word
from warest.http.sessions import SessionAccess, phone_of
from warest.loose import word
from warest.profile_commands import HidePicture
from warest.states import States
from warest.store import Account, SessionRecord, Store

_GROUP = re.compile(r"[0-9A-Za-z._-]{1,128}")

#: People in one request; WhatsApp's largest groups have so many.
PEOPLE_MAX = 1024

#: Of a listing; if there is more to know WhatsApp is asked for all of it.
ASKED_SINGLY = 5

#: What every route may answer besides.
CODES = (
    Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.SESSION_NOT_LOGGED_IN,
    Code.QUEUED, Code.INTERNAL_ERROR,
)  # fmt: skip


def listed(value: object) -> list[str]:
    """A list; anything else is as good as none."""
    found = [word(one) for one in value] if isinstance(value, list) else []
    return [one for one in found if one]


class OfSession(Parameters):
    """`sessionId`, or the number of an open session in `phone`."""

    session_id: Word = Field(None, validation_alias=AliasChoices("sessionId", "sessionid", "id", "session"))
    phone: Word = Field(None, validation_alias=AliasChoices("phone", "number", "user", "msisdn", "phonenumber"))


class OfGroup(OfSession):
    """`groupId`: `…@g.us`, or what stands before it."""

    group_id: Word = Field(None, validation_alias=AliasChoices("groupId", "gid", "group"))


class Asked(OfGroup):
    """`refresh`: ask WhatsApp, whatever is known here."""

    refresh: Flag = False


class People(OfGroup):
    """`participants`: numbers with their country code, or JIDs."""

    participants: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)


class OfSessionTold(Result):
    """`phone` is the session's number."""

    sessionId: str
    phone: str | None


class GroupTold(OfSessionTold):
    groupId: str


class GroupDone(GroupTold):
    status: str


@dataclass(frozen=True)
class Place:
    """A group (a JID) of a session, or the session alone."""

    account: Account
    record: SessionRecord
    group: str = ""


class Grouping:
    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, states: States, store: Store) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._states = states
        self.groups = store.groups

    def session(self, request: falcon.Request, given: OfSession) -> Place:
        account: Account = request.context.account
        return Place(account, self._access.online(account, given.session_id, given.phone))

    def place(self, request: falcon.Request, given: OfGroup, group: str) -> Place:
        return dataclasses.replace(self.session(request, given), group=group)

    def order(self, place: Place, command: GroupCommand | HidePicture, failed: Code = Code.INTERNAL_ERROR) -> Any:
        """Have the session do it. `failed` is the code for what WhatsApp refuses."""
        try:
            return self._bus.call(place.record.ulid, command, self._settings.command_timeout)
        except WhatsAppRefused as error:
            raise Refusal(failed, error.message) from error

    def listed(self, place: Place, *, refresh: bool) -> list[GroupFacts]:
        """All groups of the session, from the database as long as it knows them."""
        known = None if refresh else self.groups.listed(place.account, place.record.ulid)
        stale = self.groups.stale(place.account, place.record.ulid) if known else []
        if known is None or len(stale) > ASKED_SINGLY:
            known = [group_annals.facts_of(one) for one in self.order(place, ListGroups())]
            self.groups.learn_all(place.record.ulid, known)
        elif stale:
            for group in stale:
                self._ask_again(dataclasses.replace(place, group=group))
            known = self.groups.listed(place.account, place.record.ulid) or []
        return known

    def known(self, place: Place, *, refresh: bool) -> GroupFacts:
        """The group with its members, likewise."""
        found = None if refresh else self.groups.get(place.account, place.record.ulid, place.group)
        return found or self.learned(place, self.order(place, AskGroup(jid=place.group)))

    def shown(self, place: Place) -> GroupFacts | None:
        """The same of a group that need not be ours; None: WhatsApp does not show it."""
        if found := self.groups.get(place.account, place.record.ulid, place.group):
            return found
        told = self.unless_refused(place, AskGroup(jid=place.group))
        return self.learned(place, told) if told else None

    def _ask_again(self, place: Place) -> None:
        """A group of a listing, which may be ours no longer. Its members are known from now on."""
        if told := self.unless_refused(place, AskGroup(jid=place.group)):
            self.learned(place, told)
        else:
            self.groups.forget(place.record.ulid, place.group)

    def learned(self, place: Place, told: dict[str, Any]) -> GroupFacts:
        """What the session's process tells of a group, which is then known here."""
        facts = group_annals.facts_of(told)
        self.groups.learn(place.record.ulid, [facts])
        return facts

    def own_names(self, place: Place) -> list[str]:
        """Of the session's account, PN first."""
        me = self._states.get(place.record.ulid).me or {}
        return [str(ids.Jid.parse(me[name]).account) for name in ("id", "lid") if me.get(name)]

    def unless_refused(self, place: Place, command: GroupCommand) -> Any:
        """What the session answers; nothing when WhatsApp refuses it."""
        try:
            return self._bus.call(place.record.ulid, command, self._settings.command_timeout)
        except WhatsAppRefused:
            return None

    def is_done(self, place: Place, command: GroupCommand) -> bool:
        """Whether WhatsApp lets the session do it; for what has no other result."""
        try:
            self._bus.call(place.record.ulid, command, self._settings.command_timeout)
        except WhatsAppRefused:
            return False
        return True

    def told(self, place: Place, **more: Any) -> dict[str, Any]:
        """What every result begins with."""
        return {"sessionId": place.record.id, "phone": phone_of(self._states.get(place.record.ulid)), **more}

    def told_of_group(self, place: Place, **more: Any) -> dict[str, Any]:
        return self.told(place, groupId=place.group, **more)


def group_of(given: OfGroup, missing: str = "groupId is required") -> str:
    """The JID of the group. Raises Refusal."""
    user, at, server = (given.group_id or "").strip().partition("@")
    if not _GROUP.fullmatch(user) or (at and server != ids.GROUP_SERVER):
        raise Refusal(Code.MISSING_PARAMETER, missing)
    return f"{user}@{ids.GROUP_SERVER}"


def required(value: str | None, name: str) -> str:
    """A text that has to be there. Raises Refusal."""
    if not value or not value.strip():
        raise Refusal(Code.MISSING_PARAMETER, f"{name} is required")
    return value


def people_of(given: list[str]) -> tuple[str, ...]:
    """The JIDs of people; what is none is left out. Raises Refusal when nobody is left."""
    if not given:
        raise Refusal(Code.MISSING_PARAMETER, "participants is required")
    if len(given) > PEOPLE_MAX:
        raise Refusal(Code.INVALID_PARAMETER, f"participants are at most {PEOPLE_MAX}")
    found = anybody_of(given)
    if not found:
        raise Refusal(Code.INVALID_PARAMETER, "participants names nobody")
    return found


def anybody_of(given: list[str]) -> tuple[str, ...]:
    """The same, be there anybody or not."""
    return tuple(dict.fromkeys(str(jid) for one in given if (jid := _person(one))))


def _person(text: str) -> ids.Jid | None:
    """Numbers are taken as they stand, without a country code of ours."""
    if "@" not in text:
        digits = ids.digits_of(text)
        return ids.Jid(digits, ids.PN_SERVER) if digits else None
    with contextlib.suppress(InvalidInput):
        jid = ids.Jid.parse(text.strip()).account
        if jid.server in (ids.PN_SERVER, "c.us") and jid.user.isascii() and jid.user.isdigit():
            return ids.Jid(jid.user, ids.PN_SERVER)
        return jid if jid.is_lid and jid.user.isascii() and jid.user.isdigit() else None
    return None

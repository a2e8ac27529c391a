"""/api/v1/profile/blocklist: who may not write to the account, nor call it. Beyond the contract."""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids
from warest.contact_commands import AskBlocked, Block
from warest.errors import WhatsAppRefused
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.resources.profile import CODES, OfSession, Profile
from warest.http.sessions import phone_of
from warest.states import SessionState

_PERSON = {
    "jid": "628123456789@s.whatsapp.net", "phone": "628123456789", "pn": "628123456789@s.whatsapp.net",
    "lid": "183746501928374@lid", "contactId": "183746501928374@lid",
}  # fmt: skip


class Whom(OfSession):
    """`contact`: a number or a JID."""

    contact: Word = Field(None, validation_alias=AliasChoices("contact", "contactId", "to"), examples=["628123456789"])


class Blocked(Result):
    """`phone` is the session's number. Of each who is blocked: `jid`, `phone`, `pn`, `lid` and `contactId`, null where
    it is not known."""

    phone: str | None
    blocked: list[dict[str, Any]] = Field(examples=[[_PERSON]])


class Blocklist:
    """/api/v1/profile/blocklist"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation("Who is blocked", family=Family.E1, parameters=OfSession, result=Blocked, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfSession) -> Answer:
        record, state = self._profile.session(request, parameters)
        return Answer([_told(state, self._profile.ask(record, AskBlocked()))], "Blocklist fetched")

    @operation(
        "Block somebody",
        family=Family.E1,
        parameters=Whom,
        result=Blocked,
        codes=(*CODES, Code.BAD_REQUEST, Code.CONTACT_BLOCK_FAILED),
    )
    def on_post(self, request: falcon.Request, parameters: Whom) -> Answer:
        result = self._change(request, parameters, True, Code.CONTACT_BLOCK_FAILED)
        return Answer([result], "Contact blocked")

    @operation(
        "Let somebody write again",
        family=Family.E1,
        parameters=Whom,
        result=Blocked,
        codes=(*CODES, Code.BAD_REQUEST, Code.CONTACT_UNBLOCK_FAILED),
    )
    def on_delete(self, request: falcon.Request, parameters: Whom) -> Answer:
        result = self._change(request, parameters, False, Code.CONTACT_UNBLOCK_FAILED)
        return Answer([result], "Contact unblocked")

    def _change(self, request: falcon.Request, given: Whom, blocked: bool, failed: Code) -> dict[str, Any]:
        record, state = self._profile.session(request, given)
        if not given.contact:
            raise Refusal(Code.MISSING_PARAMETER, "contact is required")
        jid = ids.recipient(given.contact, self._profile.settings.country_code)
        if jid is None or jid.server not in (ids.PN_SERVER, ids.LID_SERVER):
            raise Refusal(Code.INVALID_PARAMETER, "contact is no person")
        try:
            return _told(state, self._profile.ask(record, Block(jid=str(jid.account), blocked=blocked)))
        except WhatsAppRefused as error:
            raise Refusal(failed, error.message) from error


def _told(state: SessionState, people: list[dict[str, str]]) -> dict[str, Any]:
    return {"phone": phone_of(state), "blocked": [_person(one["pn"], one["lid"]) for one in people]}


def _person(pn: str, lid: str) -> dict[str, Any]:
    names = {"pn": pn or None, "lid": lid or None, "contactId": lid or pn}
    return {"jid": pn or lid, "phone": ids.Jid.parse(pn).user if pn else None, **names}


def routes(profile: Profile) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/profile/blocklist", Blocklist(profile)

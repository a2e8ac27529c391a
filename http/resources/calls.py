"""/api/v1/calls: what can be done to a call that rings. Beyond the contract, but for the event `call`."""

import re
from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import Field

from warest import ids
from warest.contact_commands import RejectCall
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.resources.profile import CODES, OfSession, Profile
from warest.http.sessions import phone_of

#: What WhatsApp calls calls.
_CALL_ID = re.compile(r"[!-~]{1,128}")


class Rejection(OfSession):
    """`from`: who calls, a number or a JID; needed only of a call from before the session's last restart."""

    caller: Word = Field(None, alias="from", examples=["628123456789"])


class Rejected(Result):
    """`from` is who has called, by number where it is known."""

    phone: str | None
    id: str = Field(examples=["4F2A8C1D9E3B7A60"])
    caller: str = Field(alias="from", examples=["628123456789@s.whatsapp.net"])


class RejectTheCall:
    """/api/v1/calls/{callId}/reject"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation(
        "Reject a call",
        family=Family.E1,
        parameters=Rejection,
        result=Rejected,
        codes=(*CODES, Code.NOT_FOUND),
    )
    def on_post(self, request: falcon.Request, parameters: Rejection, callId: str) -> Answer:
        record, state = self._profile.session(request, parameters)
        if not _CALL_ID.fullmatch(callId):
            raise Refusal(Code.INVALID_PARAMETER, "This is no callId")
        caller = self._caller(parameters.caller) if parameters.caller else ""
        who = self._profile.ask(record, RejectCall(call_id=callId, caller=caller))
        return Answer([{"phone": phone_of(state), "id": callId, "from": who}], "Call rejected")

    def _caller(self, given: str) -> str:
        jid = ids.recipient(given, self._profile.settings.country_code)
        if jid is None or jid.server not in (ids.PN_SERVER, ids.LID_SERVER):
            raise Refusal(Code.INVALID_PARAMETER, "from is no person")
        return str(jid.account)


def routes(profile: Profile) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/calls/{callId}/reject", RejectTheCall(profile)

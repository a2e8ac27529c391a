"""/api/v1/misc/whatsapp: who is on WhatsApp, and under which names.

Facts: contract, endpoints.md section 11; quirk Q16 (groups are groups).
"""

from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids, numbers
from warest.bus import Bus
from warest.commands import GroupExists, ResolveName
from warest.config.settings import Settings
from warest.http.asking import Asker
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.session_choice import Choosing, SessionChoice

SESSION_CODES = (
    Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SESSION_NOT_FOUND, Code.SESSION_NOT_LOGGED_IN,
    Code.DOWNSTREAM_ERROR, Code.QUEUED,
)  # fmt: skip


class PhoneAsked(Choosing):
    """`country`: what a number without a country code belongs to, as ISO code or digits."""

    phone: Word = Field(None, validation_alias=AliasChoices("phone", "number"))
    country: Word = Field(None, validation_alias=AliasChoices("country", "region"))


class JidAsked(Choosing):
    jid: Word = Field(None, validation_alias=AliasChoices("jid", "id", "target"))


class NameAsked(Choosing):
    input: Word = Field(None, validation_alias=AliasChoices("input", "value", "id"))


class Data(Result):
    data: dict[str, Any]


class _Tool:
    def __init__(self, bus: Bus, choice: SessionChoice, settings: Settings, others: Asker) -> None:
        self._bus = bus
        self._others = others
        self._choice = choice
        self._settings = settings


class ValidatePhone(_Tool):
    """/api/v1/misc/whatsapp/validate/phone"""

    @operation("Is a number on WhatsApp?", family=Family.E1, parameters=PhoneAsked, result=Data, codes=SESSION_CODES)
    def on_post(self, request: falcon.Request, parameters: PhoneAsked) -> Answer:
        if not parameters.phone:
            raise Refusal(Code.MISSING_PARAMETER, "phone is required")
        record = self._choice.of(request, parameters, picks=True)
        digits = numbers.digits(parameters.phone, parameters.country or self._settings.country_code)
        if not digits:
            raise Refusal(Code.INVALID_PARAMETER, "phone is invalid")
        (found,) = self._others.check(record, [digits])
        data = {
            "exists": found["exists"],
            "e164": f"+{digits}",
            "jid": found["pn"] or f"{digits}@{ids.PN_SERVER}",
            "lid": found["lid"],
            "country": numbers.country_of(digits),
        }
        return Answer([{"data": data}], "Phone validated")


class ValidateJid(_Tool):
    """/api/v1/misc/whatsapp/validate/jid"""

    @operation(
        "Does an account or a group exist?", family=Family.E1, parameters=JidAsked, result=Data, codes=SESSION_CODES
    )
    def on_post(self, request: falcon.Request, parameters: JidAsked) -> Answer:
        if not parameters.jid:
            raise Refusal(Code.MISSING_PARAMETER, "jid is required")
        record = self._choice.of(request, parameters, picks=True)
        jid = ids.recipient(parameters.jid, self._settings.country_code)
        if jid is None:
            return Answer([{"data": {"exists": False, "type": "invalid"}}], "JID validated")
        if jid.is_group:
            exists = self._bus.call(record.ulid, GroupExists(jid=str(jid)), self._settings.command_timeout)
            return Answer([{"data": {"exists": exists, "type": "group"}}], "JID validated")
        if jid.is_lid:
            known = self._bus.call(record.ulid, ResolveName(jid=str(jid)), self._settings.command_timeout)
            return Answer([{"data": {"exists": known["pn"] is not None, "type": "lid"}}], "JID validated")
        (found,) = self._others.check(record, [jid.user])
        return Answer([{"data": {"exists": found["exists"], "type": "user"}}], "JID validated")


class Resolve(_Tool):
    """/api/v1/misc/whatsapp/resolve/jid-or-lid"""

    @operation(
        "Both names of an account: by number and hidden",
        family=Family.E1,
        parameters=NameAsked,
        result=Data,
        codes=SESSION_CODES,
    )
    def on_post(self, request: falcon.Request, parameters: NameAsked) -> Answer:
        if not parameters.input:
            raise Refusal(Code.MISSING_PARAMETER, "input is required")
        record = self._choice.of(request, parameters, picks=True)
        jid = ids.recipient(parameters.input, self._settings.country_code)
        if jid is None or jid.is_group:
            nothing = {"isValid": False, "type": "invalid", "lid": None, "jid": None, "country": None}
            return Answer([{"data": nothing}], "Identifier resolved")
        names = self._bus.call(record.ulid, ResolveName(jid=str(jid)), self._settings.command_timeout)
        if not jid.is_lid and names["lid"] is None:
            (found,) = self._others.check(record, [jid.user])
            names = {"pn": found["pn"] if found["exists"] else None, "lid": found["lid"]}
        pn = names["pn"]
        data = {
            "isValid": pn is not None or names["lid"] is not None,
            "type": "lid" if jid.is_lid else "jid",
            "lid": names["lid"],
            "jid": pn,
            "country": numbers.country_of(ids.Jid.parse(pn).user) if pn else None,
        }
        return Answer([{"data": data}], "Identifier resolved")

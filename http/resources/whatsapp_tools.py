"""/api/v1/misc/whatsapp: who is on WhatsApp and under which names, and what is encrypted in messages.

Facts: contract, endpoints.md section 11; quirk Q16 (groups are groups, votes are mapped to their options).
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids, numbers, polls
from warest.bus import Bus
from warest.commands import CheckNumbers, GroupExists, ResolveName
from warest.config.settings import Settings
from warest.encrypted_media import EncryptedFile
from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import Options
from warest.http.inputs import Content, Inputs
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.outputs import Meta, Outputs, mode_of
from warest.http.session_choice import Choosing, SessionChoice
from warest.store import Account, Message, Store

_SESSION_CODES = (
    Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SESSION_NOT_FOUND, Code.SESSION_NOT_LOGGED_IN,
    Code.DOWNSTREAM_ERROR, Code.QUEUED,
)  # fmt: skip


class Sealed(Parameters):
    """`file`: what lies on WhatsApp's media host. `mimeType` says which kind of file it is."""

    media_key: Word = Field(None, validation_alias=AliasChoices("mediaKey", "media_key"))
    file: Content = Field(None, validation_alias=AliasChoices("file", "data", "encrypted", "blob"))
    mime_type: Word = Field(None, alias="mimeType")
    sha256: Word = Field(None, validation_alias=AliasChoices("fileSha256", "sha256"))
    output: Word = None


class Opened(Result):
    data: str
    meta: Meta


class PhoneAsked(Choosing):
    """`country`: what a number without a country code belongs to, as ISO code or digits."""

    phone: Word = Field(None, validation_alias=AliasChoices("phone", "number"))
    country: Word = Field(None, validation_alias=AliasChoices("country", "region"))


class JidAsked(Choosing):
    jid: Word = Field(None, validation_alias=AliasChoices("jid", "id", "target"))


class NameAsked(Choosing):
    input: Word = Field(None, validation_alias=AliasChoices("input", "value", "id"))


class Vote(Choosing):
    """`pollUpdateVote`: `vote` (`encPayload`, `encIv`) and `pollCreationMessageKey`, as events have it. `pollEncKey` is
    only needed of a poll that is not stored here."""

    vote: Options = Field({}, alias="pollUpdateVote")
    secret: Word = Field(None, alias="pollEncKey")
    poll: Word = Field(None, alias="pollMsgId")
    author: Word = Field(None, alias="pollCreatorJid")
    voter: Word = Field(None, alias="voterJid")


class Data(Result):
    data: dict[str, Any]


class DecryptFile:
    """/api/v1/misc/whatsapp/file-decrypt"""

    def __init__(self, inputs: Inputs, outputs: Outputs) -> None:
        self._inputs = inputs
        self._outputs = outputs

    @operation(
        "Decrypt a file of WhatsApp's media host",
        family=Family.E1,
        parameters=Sealed,
        result=Opened,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: Sealed) -> Answer:
        for name, value in (("mediaKey", parameters.media_key), ("file", parameters.file)):
            if not value:
                raise Refusal(Code.MISSING_PARAMETER, f"{name} is required")
        mime_type = (parameters.mime_type or "application/octet-stream").lower()
        file = EncryptedFile(
            kind=_kind_of(mime_type), media_key=_key(parameters.media_key), sha256=_bytes(parameters.sha256 or "")
        )
        mode = mode_of(parameters.output, "base64")
        try:
            with self._inputs.opened(parameters.file, hint="base64") as sealed:
                data, meta = self._outputs.give(file.decrypted(sealed.pieces), mime_type, mode)
        except InvalidInput as error:
            message = "MAC verification failed" if error.details.get("fault") == "mac" else error.message
            raise Refusal(Code.INVALID_PARAMETER, message) from None
        return Answer([{"data": data, "meta": meta}], "File decrypted")


class _Tool:
    def __init__(self, bus: Bus, choice: SessionChoice, settings: Settings, store: Store) -> None:
        self._bus = bus
        self._choice = choice
        self._settings = settings
        self._store = store


class ValidatePhone(_Tool):
    """/api/v1/misc/whatsapp/validate/phone"""

    @operation("Is a number on WhatsApp?", family=Family.E1, parameters=PhoneAsked, result=Data, codes=_SESSION_CODES)
    def on_post(self, request: falcon.Request, parameters: PhoneAsked) -> Answer:
        if not parameters.phone:
            raise Refusal(Code.MISSING_PARAMETER, "phone is required")
        record = self._choice.of(request, parameters, picks=True)
        digits = numbers.digits(parameters.phone, parameters.country or self._settings.country_code)
        if not digits:
            raise Refusal(Code.INVALID_PARAMETER, "phone is invalid")
        (found,) = self._bus.call(record.ulid, CheckNumbers(numbers=(digits,)), self._settings.command_timeout)
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
        "Does an account or a group exist?", family=Family.E1, parameters=JidAsked, result=Data, codes=_SESSION_CODES
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
        (found,) = self._bus.call(record.ulid, CheckNumbers(numbers=(jid.user,)), self._settings.command_timeout)
        return Answer([{"data": {"exists": found["exists"], "type": "user"}}], "JID validated")


class Resolve(_Tool):
    """/api/v1/misc/whatsapp/resolve/jid-or-lid"""

    @operation(
        "Both names of an account: by number and hidden",
        family=Family.E1,
        parameters=NameAsked,
        result=Data,
        codes=_SESSION_CODES,
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
            (found,) = self._bus.call(record.ulid, CheckNumbers(numbers=(jid.user,)), self._settings.command_timeout)
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


class OpenVote(_Tool):
    """/api/v1/misc/whatsapp/poll-update-vote"""

    @operation("What a vote is for", family=Family.E1, parameters=Vote, result=Data, codes=_SESSION_CODES)
    def on_post(self, request: falcon.Request, parameters: Vote) -> Answer:
        if not parameters.vote:
            raise Refusal(Code.MISSING_PARAMETER, "pollUpdateVote is required")
        record = self._choice.of(request, parameters, picks=False)
        account: Account = request.context.account
        key = parameters.vote.get("pollCreationMessageKey") or parameters.vote.get("pollMessageKey") or {}
        poll_id = parameters.poll or str(key.get("id", ""))
        stored = next(iter(self._store.messages.find(account, record.ulid, poll_id)), None)
        return Answer([self._opened(parameters, key, poll_id, stored)], "Poll vote decrypted")

    def _opened(self, given: Vote, key: dict[str, Any], poll_id: str, stored: Message | None) -> dict[str, Any]:
        question = polls.question_of(stored.raw.get("message", {}) if stored else {})
        vote = given.vote.get("vote") or {}
        author = given.author or (
            stored.sender if stored else str(key.get("participant") or key.get("remoteJid") or "")
        )
        voter = given.voter or str(given.vote.get("voterJid") or "")
        secret = _bytes(given.secret or "") or question.secret
        if not secret:
            raise Refusal(Code.MISSING_PARAMETER, "pollEncKey is required of a poll that is not stored here")
        names = polls.chosen(
            question.options,
            secret=secret,
            poll=poll_id,
            authors=[author],
            voters=[voter],
            payload=_bytes(str(vote.get("encPayload", ""))),
            iv=_bytes(str(vote.get("encIv", ""))),
        )
        if names is None:
            raise Refusal(Code.INVALID_PARAMETER, "The vote cannot be decrypted with this key, creator and voter")
        at = given.vote.get("senderTimestampMs")
        return {
            "messageKey": key,
            "pollCreatorJid": author,
            "voterJid": voter,
            "votedOptionIndexes": [question.options.index(name) for name in names],
            "votedOptionNames": names,
            **({"pollTitle": question.title} if question.title else {}),
            **(
                {"selectableOptionsCount": question.selectable, "pollOptions": question.options}
                if question.options
                else {}
            ),
            **({"timestampMs": at} if at else {}),
        }


def _kind_of(mime_type: str) -> str:
    kinds = {"image": "imageMessage", "video": "videoMessage", "audio": "audioMessage"}
    return kinds.get(mime_type.partition("/")[0], "documentMessage")


def _key(text: str | None) -> bytes:
    key = _bytes(text or "")
    if len(key) != 32:
        raise Refusal(Code.INVALID_PARAMETER, "mediaKey is invalid")
    return key


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def routes(
    tools: tuple[Bus, SessionChoice, Settings, Store], inputs: Inputs, outputs: Outputs
) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/misc/whatsapp/file-decrypt", DecryptFile(inputs, outputs)
    yield "/api/v1/misc/whatsapp/poll-update-vote", OpenVote(*tools)
    yield "/api/v1/misc/whatsapp/validate/phone", ValidatePhone(*tools)
    yield "/api/v1/misc/whatsapp/validate/jid", ValidateJid(*tools)
    yield "/api/v1/misc/whatsapp/resolve/jid-or-lid", Resolve(*tools)

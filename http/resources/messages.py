"""/api/v1/messages: send."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest import ids, texts
from warest.bus import Bus
from warest.commands import SendText
from warest.config.settings import Settings
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Flag, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess

_MENTION = re.compile(r"@([0-9]{6,20})")


def _tokens(value: object) -> list[str]:
    """Whatever stands for one or more recipients, in lists of lists if need be."""
    if isinstance(value, list | tuple):
        return [token for item in value for token in _tokens(item)]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON of other languages may write a number so
    return [str(value)] if isinstance(value, str | int) and not isinstance(value, bool) else []


Tokens = Annotated[list[str] | str, BeforeValidator(_tokens)]


class TextToSend(Parameters):
    """`to`: a number, a JID, several of them separated by commas, or a list. `mentions` adds to the `@number`s that
    stand in the text."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None
    to: Tokens = Field((), validation_alias=AliasChoices("to", "jid", "target", "number"))  # type: ignore[assignment]
    message: Word = Field(None, validation_alias=AliasChoices("message", "text"))
    mentions: Tokens = ()  # type: ignore[assignment]
    reply_message_id: Word = Field(None, validation_alias=AliasChoices("replyMessageId", "quotedMessageId", "replyId"))
    is_forwarded: Flag = Field(False, validation_alias=AliasChoices("isForwarded", "forwarded"))


class AdvancedInfo(Result):
    isForwarded: bool
    quotedMessageId: str | None


class SentEntry(Result):
    """`phone` is the sender's number. The recipient's number and hidden identity are both given where known."""

    phone: str | None
    to: str
    toJid: str
    toPn: str | None
    toLid: str | None
    contactId: str
    messageId: str
    status: str
    timestamp: int
    advancedInfo: AdvancedInfo


class SendTextResource:
    """/api/v1/messages/send/text"""

    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings

    @operation(
        "Send a text",
        family=Family.E2,
        parameters=TextToSend,
        result=SentEntry,
        codes=(Code.SESSION_NOT_FOUND, Code.SESSION_REQUIRED, Code.SEND_FAILED, Code.QUEUED),
    )
    def on_post(self, request: falcon.Request, parameters: TextToSend) -> Answer:
        record = self._access.open(request.context.account, parameters.session_id, parameters.phone)
        command = self._command(parameters)
        sent = self._bus.call(record.ulid, command, self._settings.command_timeout)
        many = f" ({len(sent)} recipients)" if len(sent) > 1 else ""
        return Answer([_entry(one, command) for one in sent], f"Text message sent{many}")

    on_get = on_post  # undocumented in the original, and used (contract, endpoints.md section 6)

    def _command(self, parameters: TextToSend) -> SendText:
        if not any(parameters.to):
            raise Refusal(Code.SESSION_REQUIRED, "Parameter 'to' is required")
        if not parameters.message:
            raise Refusal(Code.SESSION_REQUIRED, "Parameter 'message' is required")
        to = self._jids(parameters.to)
        if not to:
            raise Refusal(Code.SESSION_REQUIRED, "Invalid 'to' value")
        text = texts.as_whatsapp(parameters.message)
        return SendText(
            to=to,
            text=text,
            mentions=self._jids([*mentioned_in(text), *parameters.mentions]),
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )

    def _jids(self, tokens: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(str, ids.recipients(tokens, self._settings.country_code)))


def mentioned_in(text: str) -> list[str]:
    """Numbers, as they stand there."""
    found: list[str] = _MENTION.findall(text)
    return found


def message_id(value: str | None) -> str | None:
    """Form tools send the words for nothing."""
    return None if value in (None, "", "null", "undefined") else value


def _entry(sent: dict[str, Any], command: SendText) -> dict[str, Any]:
    extras = {"mentions": list(command.mentions)} if command.mentions else {}
    return sent_entry(sent, "text", forwarded=command.forwarded, quoted=command.reply_to, extras=extras)


def sent_entry(
    sent: dict[str, Any], kind: str, *, forwarded: bool, quoted: str | None, extras: dict[str, Any]
) -> dict[str, Any]:
    """What each recipient of a send got (contract, endpoints.md 0.9)."""
    return {
        "phone": sent["sender"],
        "to": ids.Jid.parse(sent["to"]).user,
        "toJid": sent["to"],
        "toPn": sent["to_pn"],
        "toLid": sent["to_lid"],
        "contactId": sent["to_lid"] or sent["to"],
        "messageId": sent["message_id"],
        "status": f"{kind} success",
        "timestamp": sent["timestamp"],
        "advancedInfo": {"isForwarded": forwarded, "quotedMessageId": quoted, **extras},
    }

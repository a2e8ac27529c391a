"""/api/v1/messages/send/text.

Facts: contract, endpoints.md section 6.
"""

import re
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import SendText
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Flag, Word, operation
from warest.http.sending import CODES, Sending, SendParameters, SentEntry, Shown, Tokens, message_id

#: What WhatsApp takes, characters.
LONGEST = 65_536

_MENTION = re.compile(r"@([0-9]{6,20})")


class TextToSend(SendParameters):
    """`to`: a number, a JID, several of them separated by commas, or a list. `mentions` adds to the `@number`s that
    stand in the text, `all` names everybody in a group. `linkPreview`: show what the first link in it leads to."""

    to: Tokens = Field((), validation_alias=AliasChoices("to", "jid", "target", "number"))  # type: ignore[assignment]
    message: Word = Field(None, validation_alias=AliasChoices("message", "text"))
    mentions: Tokens = ()  # type: ignore[assignment]
    mention_all: Flag = Field(False, alias="mentionAll")
    link_preview: Flag = Field(False, alias="linkPreview")
    reply_message_id: Word = Field(None, validation_alias=AliasChoices("replyMessageId", "quotedMessageId", "replyId"))
    is_forwarded: Flag = Field(False, validation_alias=AliasChoices("isForwarded", "forwarded"))


class SendTextResource:
    """/api/v1/messages/send/text"""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    @operation(
        "Send a text",
        family=Family.E2,
        parameters=TextToSend,
        result=SentEntry,
        codes=(*CODES, Code.SESSION_REQUIRED, Code.MESSAGE_TOO_LONG),
    )
    def on_post(self, request: falcon.Request, parameters: TextToSend) -> Answer:
        record = self._sending.session(request, parameters)
        command = self._command(parameters)
        shown = Shown("Text message", "text", {"mentions": list(command.mentions), "mentionAll": command.mention_all})
        preview: dict[str, Any] | None = {} if command.link else None  # a worker fetches the page
        return self._sending.send(request, parameters, record, command, shown, compression=preview)

    on_get = on_post  # undocumented in the original, and used (contract, endpoints.md section 6)

    def _command(self, parameters: TextToSend) -> SendText:
        if not any(parameters.to):
            raise Refusal(Code.SESSION_REQUIRED, "Parameter 'to' is required")
        if not parameters.message:
            raise Refusal(Code.SESSION_REQUIRED, "Parameter 'message' is required")
        to = self._sending.recipients(parameters.to)
        if not to:
            raise Refusal(Code.SESSION_REQUIRED, "Invalid 'to' value")
        text = texts.as_whatsapp(parameters.message)
        if len(text) > LONGEST:
            raise Refusal(Code.MESSAGE_TOO_LONG, f"A text can be {LONGEST} characters long")
        named = [name for name in parameters.mentions if name.strip().lower() != "all"]
        return SendText(
            to=to,
            text=text,
            mentions=self._sending.recipients([*mentioned_in(text), *named]),
            mention_all=parameters.mention_all or len(named) < len(parameters.mentions),
            link=texts.first_url(text) if parameters.link_preview else "",
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )


def mentioned_in(text: str) -> list[str]:
    """Numbers, as they stand there."""
    found: list[str] = _MENTION.findall(text)
    return found

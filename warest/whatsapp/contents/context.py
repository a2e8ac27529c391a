"""What a message says of others: the one that it answers, whom it names, whether it was forwarded."""

from collections.abc import Iterable
from typing import Any

from warest import commands, ids
from warest.errors import InvalidInput
from warest.whatsapp import protos
from warest.whatsapp.inbound import unwrapped
from warest.whatsapp.payload import from_json

Content = Any  #: waE2E.Message; neonize's protobufs publish no types


def message(name: str, part: Any, command: commands.Outgoing, to: str, mentions: Iterable[str] = ()) -> Content:
    """A message of this content, with its context if there is anything to say."""
    context = of(command, to, mentions)
    if context.ListFields():
        part.contextInfo.CopyFrom(context)
    return protos.e2e.Message(**{name: part})


def of(command: commands.Outgoing, to: str, mentions: Iterable[str] = ()) -> Any:
    context = protos.e2e.ContextInfo(mentionedJID=mentions)
    if command.forwarded:
        context.isForwarded, context.forwardingScore = True, 1
    if expiration := command.expirations.get(to):
        context.expiration = expiration
    if command.reply_to:
        context.stanzaID = command.reply_to
        _quote(context, command.quoted, to)
    return context


def _quote(context: Any, quoted: dict[str, Any] | None, to: str) -> None:
    """Of a message that nobody knows the quote is empty, as in the original (contract, endpoints.md 0.7)."""
    told = quoted or {}
    context.participant = told.get("participant") or to
    if _is_elsewhere(told.get("chat", to), to):
        context.remoteJID = told["chat"]
    try:
        context.quotedMessage.CopyFrom(_quotable(told.get("message", {})))
    except InvalidInput:  # what somebody once put into the database must not keep the answer from going out
        context.quotedMessage.conversation = ""


def _is_elsewhere(chat: str, to: str) -> bool:
    """Whether it was said in another chat; that of a person may be known by a number here and by a LID there."""
    return chat != to and not (ids.Jid.parse(chat).is_lid or ids.Jid.parse(to).is_lid)


def _quotable(message: dict[str, Any]) -> Content:
    """What is shown of it: the content alone, without what wraps it, what it quotes itself, and its secrets."""
    content = unwrapped(from_json(protos.e2e.Message, message))
    for companion in ("messageContextInfo", "senderKeyDistributionMessage"):
        content.ClearField(companion)
    for field, part in content.ListFields():
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            part.ClearField("contextInfo")
    if not content.ListFields():
        content.conversation = ""
    return content

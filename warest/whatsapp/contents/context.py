"""What a message says of others: the one that it answers, whom it names, whether it was forwarded."""

from collections.abc import Iterable
from typing import Any

from warest import commands
from warest.whatsapp import protos

Content = Any  #: waE2E.Message; neonize's protobufs publish no types


def message(name: str, part: Any, command: commands.Outgoing, to: str, mentions: Iterable[str] = ()) -> Content:
    """A message of this content, with its context if there is anything to say."""
    add(part, command, to, mentions)
    return protos.e2e.Message(**{name: part})


def add(part: Any, command: commands.Outgoing, to: str, mentions: Iterable[str] = ()) -> None:
    context = of(command, to, mentions)
    if context.ListFields():
        part.contextInfo.CopyFrom(context)


def of(command: commands.Outgoing, to: str, mentions: Iterable[str] = ()) -> Any:
    context = protos.e2e.ContextInfo(mentionedJID=mentions)
    if command.forwarded:
        context.isForwarded, context.forwardingScore = True, 1
    if command.reply_to:
        # Without a stored copy of the message the quote is empty, as in the original (contract, endpoints.md 0.7).
        context.stanzaID, context.participant = command.reply_to, to
        context.quotedMessage.conversation = ""
    return context

"""Commands -> the engine's calls, one table.

Messages are built as protobufs here: neonize's helpers read any path or URL, guess mentions and always send a text as
an extended one (traps 38, 43).
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import jid as jid_of

#: What the engine says when nothing has left this machine, so that sending again is safe (trap 12).
_NOT_SENT = ("websocket not connected", "client is nil")

#: What it says when the message may have arrived.
_MAYBE_SENT = ("timed out", "disconnected before", "context canceled")


#: Takes a file out of the spool, whole: the engine wants it so (trap 34).
Take = Callable[[str], bytes]


def execute(client: Client, command: commands.Command, take: Take) -> Any:
    """Run a command. Raises NotConnected when nothing was sent, CommandTimeout when that is not known."""
    if not isinstance(command, commands.PairPhone):
        client.require_open()
    return _HANDLERS[type(command)](client, command, take)


def send_text(client: Client, command: commands.SendText, _: Take) -> list[dict[str, Any]]:
    return [dataclasses.asdict(_send(client, Jid.parse(to), _text(command, to))) for to in command.to]


def send_document(client: Client, command: commands.SendDocument, take: Take) -> list[dict[str, Any]]:
    """One upload for all recipients."""
    document = _uploaded(client, take(command.file))
    return [dataclasses.asdict(_send(client, Jid.parse(to), _document(command, document, to))) for to in command.to]


def pair_phone(client: Client, command: commands.PairPhone, _: Take) -> str:
    return client.pair_phone(command.phone)


def logout(client: Client, _: commands.Logout, __: Take) -> None:
    try:
        client.engine.logout()
    except protos.errors.LogoutError as error:
        raise _refusal(error) from error


_HANDLERS: dict[type, Callable[[Client, Any, Take], Any]] = {
    commands.SendText: send_text,
    commands.SendDocument: send_document,
    commands.PairPhone: pair_phone,
    commands.Logout: logout,
}


def _text(command: commands.SendText, to: str) -> Any:
    """A plain text is `conversation`, as phones send it; anything about it makes it an extended text."""
    if not (command.mentions or command.reply_to or command.forwarded):
        return protos.e2e.Message(conversation=command.text)
    context = _context(to, command.reply_to, command.forwarded)
    context.mentionedJID.extend(command.mentions)
    return protos.e2e.Message(
        extendedTextMessage=protos.e2e.ExtendedTextMessage(text=command.text, contextInfo=context)
    )


def _document(command: commands.SendDocument, uploaded: dict[str, Any], to: str) -> Any:
    """With a caption it travels in a wrapper, as phones send it."""
    document = protos.e2e.DocumentMessage(
        **uploaded, mimetype=command.mimetype, fileName=command.name, title=command.name
    )
    if command.reply_to or command.forwarded:
        document.contextInfo.CopyFrom(_context(to, command.reply_to, command.forwarded))
    if not command.caption:
        return protos.e2e.Message(documentMessage=document)
    document.caption = command.caption
    inner = protos.e2e.Message(documentMessage=document)
    return protos.e2e.Message(documentWithCaptionMessage=protos.e2e.FutureProofMessage(message=inner))


def _context(to: str, reply_to: str | None, forwarded: bool) -> Any:
    context = protos.e2e.ContextInfo()
    if forwarded:
        context.isForwarded, context.forwardingScore = True, 1
    if reply_to:
        # Without a stored copy of the message the quote is empty, as in the original (contract, endpoints.md 0.7).
        context.stanzaID, context.participant = reply_to, to
        context.quotedMessage.conversation = ""
    return context


def _uploaded(client: Client, data: bytes) -> dict[str, Any]:
    """Where WhatsApp has a file now, and the keys to it: the fields that every message with a file has."""
    from neonize.utils.enum import MediaType

    try:
        file = client.engine.upload(data, MediaType.MediaDocument)
    except protos.errors.UploadError as error:
        raise _refusal(error) from error
    return {
        "URL": file.url,
        "directPath": file.DirectPath,
        "mediaKey": file.MediaKey,
        "fileEncSHA256": file.FileEncSHA256,
        "fileSHA256": file.FileSHA256,
        "fileLength": file.FileLength,
        "mediaKeyTimestamp": int(time.time()),
    }


def _send(client: Client, to: Jid, message: Any) -> commands.Sent:
    try:
        answer = client.engine.send_message(_engine_jid(to), message)
    except protos.errors.SendMessageError as error:
        raise _refusal(error) from error
    number, lid = _both_identities(client, to)
    return commands.Sent(
        to=str(to),
        to_pn=str(number) if number else None,
        to_lid=str(lid) if lid else None,
        message_id=answer.ID,
        timestamp=answer.Timestamp,
        sender=Jid.parse((client.me or {})["id"]).user,
    )


def _both_identities(client: Client, account: Jid) -> tuple[Jid | None, Jid | None]:
    """Number and LID of a person; the engine has just learned the pair in order to send. None where unknown."""
    if account.is_group:
        return None, None
    ask = client.engine.get_pn_from_lid if account.is_lid else client.engine.get_lid_from_pn
    try:
        other = jid_of(ask(_engine_jid(account)))
    except protos.errors.GetJIDFromStoreError:
        other = None
    return (other, account) if account.is_lid else (account, other)


def _engine_jid(jid: Jid) -> Any:
    """All fields must be set, or the engine's protobuf refuses."""
    return protos.engine.JID(
        User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0, IsEmpty=False
    )


def _refusal(error: Exception) -> Exception:
    """The engine's errors are sentences; what they mean for the caller is in their words."""
    text = str(error)
    if any(words in text for words in _NOT_SENT):
        return NotConnected("The session is reconnecting; nothing was sent.")
    if any(words in text for words in _MAYBE_SENT):
        return CommandTimeout("WhatsApp has not confirmed the message; it may have been sent.")
    if "no LID found" in text:
        return InvalidInput("The recipient is not on WhatsApp.", reason="not_on_whatsapp")
    return WhatsAppRefused(f"WhatsApp refused: {text}")

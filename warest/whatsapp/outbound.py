"""Commands -> the engine's calls, one table."""

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import contents, presence, protos
from warest.whatsapp.client import Client
from warest.whatsapp.contents import files, interactive
from warest.whatsapp.inbound import jid as jid_of

#: What the engine says when nothing has left this machine, so that sending again is safe (trap 12).
_NOT_SENT = ("websocket not connected", "client is nil")

#: What it says when the message may have arrived.
_MAYBE_SENT = ("timed out", "disconnected before", "context canceled")


#: The kinds of files that WhatsApp's media host knows.
_UPLOADED_AS = {
    "image": "MediaImage",
    "sticker": "MediaImage",
    "video": "MediaVideo",
    "gif": "MediaVideo",
    "audio": "MediaAudio",
    "voice": "MediaAudio",
    "document": "MediaDocument",
}

#: Takes a file out of the spool, whole: the engine wants it so (trap 34).
Take = Callable[[str], bytes]


def execute(client: Client, command: commands.Command, take: Take) -> Any:
    """Run a command. Raises NotConnected when nothing was sent, CommandTimeout when that is not known."""
    if not isinstance(command, commands.PairPhone):
        client.require_open()
    return _HANDLERS[type(command)](client, command, take)


def send_text(client: Client, command: commands.SendText, _: Take) -> list[dict[str, Any]]:
    return _send_all(client, command, lambda to: contents.text(command, to, _everybody(client, command, Jid.parse(to))))


def _everybody(client: Client, command: commands.SendText, chat: Jid) -> list[str]:
    """The participants of a group who are to be named, all of them; nobody elsewhere."""
    if not command.mention_all or not chat.is_group:
        return []
    try:
        group = client.engine.get_group_info(_engine_jid(chat))
    except protos.errors.GetGroupInfoError as error:
        raise _refusal(error) from error
    return [str(jid_of(participant.JID).account) for participant in group.Participants]


def send_file(client: Client, command: commands.SendFile, take: Take) -> list[dict[str, Any]]:
    """One upload for all recipients."""
    uploaded = _uploaded(client, take(command.file), command)
    return _send_all(client, command, lambda to: files.file(command, uploaded, to))


def send_files(client: Client, command: commands.SendFiles, take: Take) -> list[dict[str, Any]]:
    """One file after the other, to everybody; one that fails does not stop the rest.

    Raises when nobody got anything, with what would have been the result in `details["results"]`.
    """
    told: dict[str, list[dict[str, Any]]] = {to: [] for to in command.to}
    errors: list[WarestError] = []
    for file in command.files:
        sent = _one_of_many(client, command, file, take, errors)
        command = dataclasses.replace(command, presence="")  # it was shown before the first
        for one in sent:
            about = {name: file.get(name) for name in ("name", "mimetype", "size", "reply_to")}
            told[one["to"]].append({**one, **about})
        if all(isinstance(error, NotConnected) for error in errors) and len(errors) == len(command.to):
            raise errors[0]  # at the very first file: nothing was sent, so that the command may be tried again
    results = [_of_recipient(to, files) for to, files in told.items()]
    if not any("timestamp" in result for result in results):
        worst = _worst(errors)
        worst.details["results"] = results
        raise worst
    return results


def _one_of_many(
    client: Client, command: commands.SendFiles, file: dict[str, Any], take: Take, errors: list[WarestError]
) -> list[dict[str, Any]]:
    single = commands.SendFile(
        kind="document",
        to=command.to,
        file=file["file"],
        name=file["name"],
        mimetype=file["mimetype"],
        caption=file["caption"],
        reply_to=file["reply_to"],
        quoted=file.get("quoted"),
        forwarded=command.forwarded,
        expirations=command.expirations,
        presence=command.presence,
    )
    try:
        sent = send_file(client, single, take)
    except WarestError as error:
        sent = [{"to": to, "error": error.to_dict()} for to in command.to]
    errors += [WarestError.from_dict(one["error"]) for one in sent if "error" in one]
    return sent


def _of_recipient(to: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """What he got of many files; `error` is the first of those that he did not get."""
    sent = [file for file in files if "error" not in file]
    failed = [file["error"] for file in files if "error" in file]
    shared = {name: sent[-1][name] for name in ("to_pn", "to_lid", "timestamp", "sender")} if sent else {}
    of_each = ("name", "mimetype", "size", "reply_to", "message_id", "timestamp", "error")
    told = [{name: file[name] for name in of_each if name in file} for file in files]
    return {"to": to, **shared, "files": told, **({"error": failed[0]} if failed else {})}


def send_interactive(client: Client, command: commands.SendInteractive, take: Take) -> list[dict[str, Any]]:
    uploaded = _uploaded(client, take(command.file), command) if command.file else None
    return _send_all(client, command, lambda to: interactive.build(command, uploaded, to))


def send_contacts(client: Client, command: commands.SendContacts, _: Take) -> list[dict[str, Any]]:
    return _send_all(client, command, lambda to: contents.contacts(command, to))


def send_location(client: Client, command: commands.SendLocation, _: Take) -> list[dict[str, Any]]:
    return _send_all(client, command, lambda to: contents.location(command, to))


def send_poll(client: Client, command: commands.SendPoll, _: Take) -> list[dict[str, Any]]:
    """Each recipient's poll has its own secret, which is stored with the message."""
    return _send_all(client, command, lambda to: contents.poll(command, to, os.urandom(contents.POLL_SECRET)))


def pair_phone(client: Client, command: commands.PairPhone, _: Take) -> str:
    return client.pair_phone(command.phone)


def logout(client: Client, _: commands.Logout, __: Take) -> None:
    try:
        client.engine.logout()
    except protos.errors.LogoutError as error:
        raise _refusal(error) from error


_HANDLERS: dict[type, Callable[[Client, Any, Take], Any]] = {
    commands.SendText: send_text,
    commands.SendFile: send_file,
    commands.SendFiles: send_files,
    commands.SendInteractive: send_interactive,
    commands.SendContacts: send_contacts,
    commands.SendLocation: send_location,
    commands.SendPoll: send_poll,
    commands.PairPhone: pair_phone,
    commands.Logout: logout,
}


def _uploaded(client: Client, data: bytes, command: commands.WithFile) -> files.File:
    from neonize.utils.enum import MediaType

    try:
        file = client.engine.upload(data, MediaType[_UPLOADED_AS[command.kind]])
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
        "mimetype": command.mimetype,
    }


def _send_all(client: Client, command: commands.Outgoing, build: Callable[[str], Any]) -> list[dict[str, Any]]:
    """To each of them; for one who does not get it there is `to` and `error`. Raises the worst error if nobody does."""
    results: list[dict[str, Any]] = []
    errors: list[WarestError] = []
    for to in command.to:
        recipient = Jid.parse(to)
        try:
            content = build(to)
            if command.presence:
                presence.show(client, recipient, _engine_jid(recipient), command.presence)
            results.append(dataclasses.asdict(_send(client, recipient, content)))
        except WarestError as error:
            errors.append(error)
            results.append({"to": to, "error": error.to_dict()})
    if len(errors) == len(results):
        raise _worst(errors)
    return results


def _worst(errors: list[WarestError]) -> WarestError:
    """One after which something may have been sent, if there is one: whoever hears another might send again."""
    return next((error for error in errors if isinstance(error, CommandTimeout)), errors[0])


def _send(client: Client, to: Jid, message: Any) -> commands.Sent:
    try:
        answer = client.engine.send_message(_engine_jid(to), message)
    except protos.errors.SendMessageError as error:
        raise _refusal(error) from error
    number, lid = _both_identities(client, to)
    client.tell_sent(number or to, answer.ID, answer.Timestamp, message)
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


def _refusal(error: Exception) -> WarestError:
    """The engine's errors are sentences; what they mean for the caller is in their words."""
    text = str(error)
    if any(words in text for words in _NOT_SENT):
        return NotConnected("The session is reconnecting; nothing was sent.")
    if any(words in text for words in _MAYBE_SENT):
        return CommandTimeout("WhatsApp has not confirmed the message; it may have been sent.")
    if "no LID found" in text:
        return InvalidInput("The recipient is not on WhatsApp.", reason="not_on_whatsapp")
    return WhatsAppRefused(f"WhatsApp refused: {text}")

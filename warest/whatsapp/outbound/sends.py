"""Messages of ours: one for each recipient, who may get it or not."""

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.errors import CommandTimeout, Unsupported, WarestError
from warest.ids import CHANNEL_SERVER, Jid
from warest.whatsapp import contents, presence, protos
from warest.whatsapp.client import Client
from warest.whatsapp.contents import files, interactive
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.outbound.engine import engine_jid, refusal, require_somebody, send

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

Results = list[dict[str, Any]]


def text(client: Client, command: commands.SendText, _: Take) -> Results:
    return to_all(client, command, lambda to: contents.text(command, to, everybody(client, command, Jid.parse(to))))


def status(client: Client, command: commands.ShowStatus, _: Take) -> Results:
    return to_all(client, command, lambda _: contents.status(command))


def everybody(client: Client, command: commands.SendText, chat: Jid) -> list[str]:
    """The participants of a group who are to be named, all of them; nobody elsewhere."""
    if not command.mention_all or not chat.is_group:
        return []
    try:
        group = client.engine.get_group_info(engine_jid(chat))
    except protos.errors.GetGroupInfoError as error:
        raise refusal(error) from error
    return [str(jid_of(participant.JID).account) for participant in group.Participants]


def file(client: Client, command: commands.SendFile, take: Take) -> Results:
    """One upload for all recipients."""
    file_there = uploaded(client, take(command.file), command)
    return to_all(client, command, lambda to: files.file(command, file_there, to))


def buttons(client: Client, command: commands.SendInteractive, take: Take) -> Results:
    file_there = uploaded(client, take(command.file), command) if command.file else None
    return to_all(client, command, lambda to: interactive.build(command, file_there, to))


def contacts(client: Client, command: commands.SendContacts, _: Take) -> Results:
    return to_all(client, command, lambda to: contents.contacts(command, to))


def location(client: Client, command: commands.SendLocation, _: Take) -> Results:
    return to_all(client, command, lambda to: contents.location(command, to))


def live_location(client: Client, command: commands.SendLiveLocation, _: Take) -> Results:
    return to_all(client, command, lambda to: contents.live_location(command, to, time.time_ns()))


def poll(client: Client, command: commands.SendPoll, _: Take) -> Results:
    """Each recipient's poll has its own secret, which is stored with the message."""
    return to_all(client, command, lambda to: contents.poll(command, to, os.urandom(contents.POLL_SECRET)))


def content(client: Client, command: commands.SendContent, _: Take) -> Results:
    return to_all(client, command, lambda to: contents.as_written(command, to))


#: Where a send was when it failed, in its details: nothing had been sent.
UPLOAD = "upload"


def uploaded(client: Client, data: bytes, command: commands.WithFile) -> files.File:
    try:
        file = client.engine.upload(data, protos.enums.MediaType[_UPLOADED_AS[command.kind]])
    except protos.errors.UploadError as error:
        refused = refusal(error)
        refused.details["step"] = UPLOAD
        raise refused from error
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


def to_all(client: Client, command: commands.Outgoing, build: Callable[[str], Any]) -> Results:
    """To each of them; for one who does not get it there is `to` and `error`. Raises the worst error if nobody does."""
    results: Results = []
    errors: list[WarestError] = []
    for to in command.to:
        recipient = Jid.parse(to)
        try:
            if recipient.server == CHANNEL_SERVER and not isinstance(command, commands.SendText):
                raise Unsupported("In channels only texts can be posted: files there are not encrypted, here they are.")
            content = build(to)
            if command.presence or recipient.is_lid:
                require_somebody(client, recipient)
            if command.presence:
                presence.show(client, recipient, engine_jid(recipient), command.presence)
            results.append(dataclasses.asdict(send(client, recipient, content)))
        except WarestError as error:
            errors.append(error)
            results.append({"to": to, "error": error.to_dict()})
    if len(errors) == len(results):
        raise worst_of(errors)
    return results


def worst_of(errors: list[WarestError]) -> WarestError:
    """One after which something may have been sent, if there is one: whoever hears another might send again."""
    return next((error for error in errors if isinstance(error, CommandTimeout)), errors[0])

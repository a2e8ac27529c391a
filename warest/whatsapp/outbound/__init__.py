"""Commands -> the engine's calls, one table."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from warest import commands
from warest.ids import Jid
from warest.whatsapp import contents, protos
from warest.whatsapp.client import Client
from warest.whatsapp.outbound import actions, app_state
from warest.whatsapp.outbound.engine import refusal, send

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
    return [dataclasses.asdict(send(client, Jid.parse(to), contents.text(command, to))) for to in command.to]


def send_file(client: Client, command: commands.SendFile, take: Take) -> list[dict[str, Any]]:
    """One upload for all recipients."""
    uploaded = _uploaded(client, take(command.file), command) | {"mimetype": command.mimetype}
    return [dataclasses.asdict(send(client, Jid.parse(to), contents.file(command, uploaded, to))) for to in command.to]


def pair_phone(client: Client, command: commands.PairPhone, _: Take) -> str:
    return client.pair_phone(command.phone)


def logout(client: Client, _: commands.Logout, __: Take) -> None:
    try:
        client.engine.logout()
    except protos.errors.LogoutError as error:
        raise refusal(error) from error


_HANDLERS: dict[type, Callable[[Client, Any, Take], Any]] = {
    commands.SendText: send_text,
    commands.SendFile: send_file,
    commands.React: actions.react,
    commands.Edit: actions.edit,
    commands.Revoke: actions.revoke,
    commands.PinMessage: actions.pin_message,
    commands.MarkRead: actions.mark_read,
    commands.Star: app_state.star,
    commands.DeleteForMe: app_state.delete_for_me,
    commands.MuteChat: app_state.mute_chat,
    commands.ArchiveChat: app_state.archive_chat,
    commands.PinChat: app_state.pin_chat,
    commands.ClearChat: app_state.clear_chat,
    commands.MarkChatRead: app_state.mark_chat_read,
    commands.PairPhone: pair_phone,
    commands.Logout: logout,
}


def _uploaded(client: Client, data: bytes, command: commands.SendFile) -> contents.File:
    from neonize.utils.enum import MediaType

    try:
        file = client.engine.upload(data, MediaType[_UPLOADED_AS[command.kind]])
    except protos.errors.UploadError as error:
        raise refusal(error) from error
    return {
        "URL": file.url,
        "directPath": file.DirectPath,
        "mediaKey": file.MediaKey,
        "fileEncSHA256": file.FileEncSHA256,
        "fileSHA256": file.FileSHA256,
        "fileLength": file.FileLength,
        "mediaKeyTimestamp": int(time.time()),
    }

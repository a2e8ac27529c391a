"""What concerns our own devices only: set in the app state of the account, which they share (docs/engine.md).

Names of collections, indexes and versions are WhatsApp's. Without the fix of trap 4 nothing is said at all.
"""

import dataclasses
import logging
import time
from typing import Any

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.contents.actions import key_of
from warest.whatsapp.outbound.engine import refusal

log = logging.getLogger(__name__)

#: What the engine says as long as the phone has not handed over the keys.
NO_KEYS = "no app state keys"

Result = dict[str, Any]


def star(client: Client, command: commands.Star, _: Any) -> Result:
    mutation = _mutation(2, "star", *_place(command.key), starAction={"starred": command.starred})
    return _set(client, "REGULAR_HIGH", mutation)


def delete_for_me(client: Client, command: commands.DeleteForMe, _: Any) -> Result:
    told = {"deleteMedia": command.with_media, "messageTimestamp": command.key.timestamp or int(time.time())}
    return _set(
        client,
        "REGULAR_HIGH",
        _mutation(3, "deleteMessageForMe", *_place(command.key), deleteMessageForMeAction=told),
    )


def mute_chat(client: Client, command: commands.MuteChat, _: Any) -> Result:
    told = {"muted": True, "muteEndTimestamp": command.until * 1000} if command.until else {"muted": False}
    return _set(client, "REGULAR_HIGH", _mutation(2, "mute", command.chat, muteAction=told))


def archive_chat(client: Client, command: commands.ArchiveChat, _: Any) -> Result:
    """A chat in the archive is not pinned."""
    told = {"archived": command.archived, "messageRange": _range(command.last)}
    mutations = [_mutation(3, "archive", command.chat, archiveChatAction=told)]
    if command.archived:
        mutations.append(_pinned(command.chat, False))
    return _set(client, "REGULAR_LOW", *mutations)


def pin_chat(client: Client, command: commands.PinChat, _: Any) -> Result:
    return _set(client, "REGULAR_LOW", _pinned(command.chat, command.pinned))


def clear_chat(client: Client, command: commands.ClearChat, _: Any) -> Result:
    """The starred messages, too."""
    told = {"messageRange": _range(command.last)}
    return _set(client, "REGULAR_HIGH", _mutation(6, "clearChat", command.chat, "1", "0", clearChatAction=told))


def mark_chat_read(client: Client, command: commands.MarkChatRead, _: Any) -> Result:
    told = {"read": command.read, "messageRange": _range(command.last)}
    return _set(client, "REGULAR_LOW", _mutation(3, "markChatAsRead", command.chat, markChatAsReadAction=told))


def _pinned(chat: str, pinned: bool) -> Any:
    return _mutation(5, "pin_v1", chat, pinAction={"pinned": pinned})


def _place(key: commands.Key) -> tuple[str, ...]:
    """How an index names a message."""
    return key.chat, key.id, "1" if key.from_me else "0", key.participant or "0"


def _range(last: commands.Key | None) -> dict[str, Any]:
    """The messages that are meant: all up to the newest that is known here."""
    if last is None:
        return {"lastMessageTimestamp": int(time.time())}
    newest = {"key": key_of(last), "timestamp": last.timestamp}
    return {"lastMessageTimestamp": last.timestamp, "messages": [newest]}


def _mutation(version: int, *index: str, **value: Any) -> Any:
    action = protos.sync_action.SyncActionValue(**value)
    return protos.engine.MutationInfo(Index=index, Version=version, Value=action)


def _set(client: Client, collection: str, *mutations: Any) -> Result:
    return dataclasses.asdict(commands.Done(synced=client.syncs_app_state and _sent(client, collection, mutations)))


def _sent(client: Client, collection: str, mutations: tuple[Any, ...]) -> bool:
    kinds = protos.engine.PatchInfo
    patch = kinds(Timestamp=time.time_ns(), Type=kinds.WAPatchName.Value(collection), Mutations=mutations)
    try:
        client.engine.send_app_state(patch)
    except protos.errors.SendAppStateError as error:
        if NO_KEYS not in str(error):
            raise refusal(error) from error
        log.warning("the phone has not handed over the keys of the app state yet: %s is not set there", collection)
        return False
    return True

"""Who is seen to be there: ourselves, by everybody or in one chat, and others, by us."""

import dataclasses
from typing import Any

from warest import commands
from warest.contact_commands import BeSeen, ShowWriting, WatchPresence
from warest.errors import WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import presence, protos
from warest.whatsapp.client import Client
from warest.whatsapp.outbound.engine import engine_jid, refusal, require_somebody

#: What the engine says as long as the phone has not told it what the account is called.
_NO_NAME = "without PushName"

_DONE = dataclasses.asdict(commands.Done(synced=True))


def be_seen(client: Client, command: BeSeen, _: Any) -> None:
    _tell(client, None, "available" if command.available else "unavailable")


def show_writing(client: Client, command: ShowWriting, _: Any) -> dict[str, Any]:
    """Nobody confirms it."""
    chat = Jid.parse(command.chat)
    require_somebody(client, chat)
    _tell(client, engine_jid(chat), command.presence)
    return _DONE


def watch(client: Client, command: WatchPresence, _: Any) -> dict[str, Any]:
    """Nobody confirms it either; of somebody who hides it nothing comes."""
    jid = Jid.parse(command.jid)
    require_somebody(client, jid)
    try:
        client.engine.subscribe_presence(engine_jid(jid))
    except protos.errors.SubscribePresenceError as error:
        raise refusal(error) from error
    return _DONE


def _tell(client: Client, address: Any, step: str) -> None:
    try:
        presence.tell(client.engine, address, step)
    except protos.errors.SendPresenceError as error:
        if _NO_NAME in str(error):
            raise WhatsAppRefused("The phone has not told the account's name yet; try again in a moment.") from error
        raise refusal(error) from error

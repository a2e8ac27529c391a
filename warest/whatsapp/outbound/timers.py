"""How long messages stay."""

import dataclasses
from typing import Any

from warest import commands
from warest.contact_commands import SetDefaultTimer, SetTimer
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.contents import actions as contents
from warest.whatsapp.outbound.engine import engine_jid, refusal, require_somebody, send

#: The engine wants nanoseconds, whatever it says (trap 40).
_SECOND = 10**9


def set_timer(client: Client, command: SetTimer, _: Any) -> dict[str, Any]:
    """Of a group it is a setting; in a chat of two a message, which the engine would date 1970."""
    chat = Jid.parse(command.chat)
    if chat.is_group:
        try:
            client.engine.set_disappearing_timer(engine_jid(chat), command.seconds * _SECOND)
        except protos.errors.SetDisappearingTimerError as error:
            raise refusal(error) from error
    else:
        require_somebody(client, chat)
        send(client, chat, contents.timer(command.seconds))
    return dataclasses.asdict(commands.Done(synced=True))


def set_default(client: Client, command: SetDefaultTimer, _: Any) -> None:
    try:
        client.engine.set_default_disappearing_timer(command.seconds * _SECOND)
    except protos.errors.SetDefaultDisappearingTimerError as error:
        raise refusal(error) from error

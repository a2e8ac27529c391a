"""What is done to a message and said to those who have it: as messages about that one, and as receipts."""

import dataclasses
from typing import Any

from warest import commands
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.contents import actions as contents
from warest.whatsapp.outbound.engine import engine_jid, refusal, require_somebody, send

_DONE = dataclasses.asdict(commands.Done(synced=True))


def react(client: Client, command: commands.React, _: Any) -> dict[str, Any]:
    return _say(client, command.key, contents.reaction(command.key, command.emoji))


def edit(client: Client, command: commands.Edit, _: Any) -> dict[str, Any]:
    return _say(client, command.key, contents.edit(command))


def revoke(client: Client, command: commands.Revoke, _: Any) -> dict[str, Any]:
    return _say(client, command.key, contents.revoke(command.key))


def pin_message(client: Client, command: commands.PinMessage, _: Any) -> dict[str, Any]:
    return _say(client, command.key, contents.pin(command))


def mark_read(client: Client, command: commands.MarkRead, _: Any) -> dict[str, Any]:
    """Nobody confirms receipts, and nobody wants one from a stranger who does not exist."""
    require_somebody(client, Jid.parse(command.chat))
    chat, sender = engine_jid(Jid.parse(command.chat)), engine_jid(Jid.parse(command.sender))
    try:
        client.engine.mark_read(*command.ids, chat=chat, sender=sender, receipt=protos.enums.ReceiptType.READ)
    except protos.errors.MarkReadError as error:
        raise refusal(error) from error
    return _DONE


def follow_channel(client: Client, command: commands.FollowChannel, _: Any) -> dict[str, Any]:
    do = client.engine.follow_newsletter if command.follows else client.engine.unfollow_newsletter
    try:
        do(engine_jid(Jid.parse(command.jid)))
    except (protos.errors.FollowNewsletterError, protos.errors.UnfollowNewsletterError) as error:
        raise refusal(error) from error
    return _DONE


def _say(client: Client, key: commands.Key, content: Any) -> dict[str, Any]:
    send(client, Jid.parse(key.chat), content)
    return _DONE

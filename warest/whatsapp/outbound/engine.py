"""What all handlers need of the engine: to send, its addresses, and what its errors mean."""

from typing import Any

from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import UNSEEN_CHATS
from warest.whatsapp.inbound import jid as jid_of

#: What the engine says when nothing has left this machine, so that sending again is safe (trap 12).
_NOT_SENT = ("websocket not connected", "client is nil")

#: What it says when the message may have arrived.
_MAYBE_SENT = ("timed out", "disconnected before", "context canceled")

_NOBODY = "The recipient is not on WhatsApp."


def send(client: Client, to: Jid, message: Any) -> commands.Sent:
    try:
        answer = client.engine.send_message(engine_jid(to), message)
    except protos.errors.SendMessageError as error:
        raise refusal(error) from error
    number, lid = names_of(client, to)
    if to.server not in UNSEEN_CHATS:
        client.tell_sent(number or to, answer.ID, answer.Timestamp, message)
    return commands.Sent(
        to=str(to),
        to_pn=str(number) if number else None,
        to_lid=str(lid) if lid else None,
        message_id=answer.ID,
        timestamp=answer.Timestamp,
        sender=Jid.parse((client.me or {})["id"]).user,
    )


def names_of(client: Client, account: Jid) -> tuple[Jid | None, Jid | None]:
    """Number and LID of a person; the engine has just learned the pair in order to send. None where unknown."""
    if account.is_group or account.server in UNSEEN_CHATS:
        return None, None
    other = other_name(client, account)
    return (other, account) if account.is_lid else (account, other)


def other_name(client: Client, account: Jid) -> Jid | None:
    """The LID of a number, or the number of a LID, from the engine's own book; None where it does not know it."""
    ask = client.engine.get_pn_from_lid if account.is_lid else client.engine.get_lid_from_pn
    try:
        found = ask(engine_jid(account))  # an empty address when it is not known
    except protos.errors.GetJIDFromStoreError:
        return None
    return jid_of(found) if found.User else None


def require_somebody(client: Client, account: Jid) -> None:
    """Raises InvalidInput when nobody is there: to write to nobody is what WhatsApp knows spammers by.

    The engine itself asks about numbers before it sends, and about LIDs never.
    """
    if account.is_group or other_name(client, account):
        return
    errors = protos.errors
    try:
        if account.is_lid:
            found = any(one.UserInfo.Devices for one in client.engine.get_user_info(engine_jid(account)))
        else:
            found = any(one.IsIn for one in client.engine.is_on_whatsapp(f"+{account.user}"))
    except (errors.GetUserInfoError, errors.IsOnWhatsAppError) as error:
        raise refusal(error) from error
    if not found:
        raise InvalidInput(_NOBODY, reason="not_on_whatsapp")


def engine_jid(jid: Jid) -> Any:
    """All fields must be set, or the engine's protobuf refuses."""
    return protos.engine.JID(
        User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0, IsEmpty=False
    )


def whole(text: str) -> str:
    """The engine would cut it off at a zero byte (trap 44)."""
    if "\0" in text:
        raise InvalidInput("A zero byte is no character of a text")
    return text


def refusal(error: Exception) -> WarestError:
    """The engine's errors are sentences; what they mean for the caller is in their words."""
    text = str(error)
    if any(words in text for words in _NOT_SENT):
        return NotConnected("The session is reconnecting; nothing was sent.")
    if any(words in text for words in _MAYBE_SENT):
        return CommandTimeout("WhatsApp has not confirmed the message; it may have been sent.")
    if "no LID found" in text:
        return InvalidInput(_NOBODY, reason="not_on_whatsapp")
    return WhatsAppRefused(f"WhatsApp refused: {text}")

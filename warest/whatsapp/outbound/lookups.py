"""Questions about accounts, to WhatsApp and to what the engine knows."""

import dataclasses
from typing import Any

from warest import commands
from warest.errors import InvalidInput
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.outbound.engine import engine_jid, names_of, refusal


def check_numbers(client: Client, command: commands.CheckNumbers, _: Any) -> list[dict[str, Any]]:
    """The engine wants a `+`, and joins the numbers with blanks (trap 44)."""
    if not all(number.isdecimal() and number.isascii() for number in command.numbers):
        raise InvalidInput("A number consists of digits")
    try:
        found = client.engine.is_on_whatsapp(*(f"+{number}" for number in command.numbers))
    except protos.errors.IsOnWhatsAppError as error:
        raise refusal(error) from error
    known = {one.Query.lstrip("+"): one for one in found}
    return [_account(client, number, known.get(number)) for number in command.numbers]


def _account(client: Client, number: str, found: Any) -> dict[str, Any]:
    if found is None or not found.IsIn:
        return dataclasses.asdict(commands.OnWhatsApp(number=number, exists=False, pn=None, lid=None))
    pn, lid = names_of(client, jid_of(found.JID).account)
    told = commands.OnWhatsApp(number=number, exists=True, pn=_text(pn), lid=_text(lid))
    return dataclasses.asdict(told)


def resolve(client: Client, command: commands.ResolveName, _: Any) -> dict[str, Any]:
    """Nothing is asked of WhatsApp: it does not tell whose LID it is."""
    pn, lid = names_of(client, Jid.parse(command.jid))
    return {"pn": _text(pn), "lid": _text(lid)}


def group_exists(client: Client, command: commands.GroupExists, _: Any) -> bool:
    """As far as this account may know."""
    try:
        client.engine.get_group_info(engine_jid(Jid.parse(command.jid)))
    except protos.errors.GetGroupInfoError:
        return False
    return True


def _text(jid: Jid | None) -> str | None:
    return str(jid) if jid else None

"""Calls can be rejected; the engine cannot answer one, nor make one."""

from typing import Any

from warest.contact_commands import RejectCall
from warest.errors import NotFound
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.outbound.engine import engine_jid, names_of, refusal, whole


def reject(client: Client, command: RejectCall, _: Any) -> str:
    """WhatsApp wants the caller by the name under which the call came. Nobody confirms it."""
    caller = client.callers.get(command.call_id) or _named(client, command.caller)
    try:
        client.engine.reject_call(engine_jid(caller), whole(command.call_id))
    except protos.errors.RejectCallError as error:
        raise refusal(error) from error
    pn, lid = names_of(client, caller)
    return str(pn or lid)


def _named(client: Client, caller: str) -> Jid:
    if not caller:
        raise NotFound("No such call is known here; say in `from` who calls.")
    number, lid = names_of(client, Jid.parse(caller).account)
    return lid or number or Jid.parse(caller).account

"""Who may not write or call."""

from typing import Any

from warest.contact_commands import AskBlocked, Block
from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.outbound.engine import engine_jid, names_of, refusal, require_somebody

Names = list[dict[str, str]]


def ask(client: Client, _: AskBlocked, __: Any) -> Names:
    try:
        return _names(client, client.engine.get_blocklist())
    except protos.errors.GetBlocklistError as error:
        raise refusal(error) from error


def change(client: Client, command: Block, _: Any) -> Names:
    """WhatsApp knows those who are blocked by LID, which the engine looks up in its book."""
    jid = Jid.parse(command.jid).account
    require_somebody(client, jid)
    action = protos.enums.BlocklistAction.BLOCK if command.blocked else protos.enums.BlocklistAction.UNBLOCK
    try:
        return _names(client, client.engine.update_blocklist(engine_jid(jid), action))
    except protos.errors.UpdateBlocklistError as error:
        raise refusal(error) from error


def _names(client: Client, blocklist: Any) -> Names:
    both = [names_of(client, jid_of(one).account) for one in blocklist.JIDs]
    return [{"pn": str(pn or ""), "lid": str(lid or "")} for pn, lid in both]

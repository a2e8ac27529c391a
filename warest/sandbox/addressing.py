"""Under which of an account's two names a client hears of others.

whatsmeow says `lidDbMigrated` and hears of LIDs, with the phone number beside it. Baileys 6 does not, and keeps the
Signal session under whatever name the stanza has: were it to hear of one device under both names, it would have two
sessions with it and soon none that fits. So such a client hears of phone numbers only, with the LID beside them.
"""

from warest.ids import LID_SERVER, PN_SERVER, Jid
from warest.sandbox.accounts import Accounts
from warest.sandbox.nodes import Node, Value

#: Stanzas that come from other accounts; answers repeat the names that the client itself has used.
_FROM_OTHERS = frozenset({"message", "receipt", "notification", "presence", "chatstate"})

#: The attributes that name somebody, and where the other name of the same one stands.
_NAMES = {
    "from": ("sender_pn", "sender_lid"),
    "participant": ("participant_pn", "participant_lid"),
    "recipient": ("peer_recipient_pn", "recipient_lid"),
}


def by_phone_number(stanza: Node, accounts: Accounts) -> Node:
    """The stanza for a client that knows others by their phone numbers."""
    if stanza.tag not in _FROM_OTHERS:
        return stanza
    attrs: dict[str, Value] = dict(stanza.attrs)
    for name, (pn_name, lid_name) in _NAMES.items():
        lid = attrs.get(name)
        if isinstance(lid, Jid) and lid.server == LID_SERVER and (account := accounts.find(lid)):
            attrs.pop(pn_name, None)
            attrs[name] = Jid(account.phone, PN_SERVER, lid.device)
            if stanza.tag == "message":
                attrs[lid_name] = lid
    return Node(stanza.tag, attrs, stanza.content)

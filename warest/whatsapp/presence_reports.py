"""What a session's process reports of who is there: presence_update (contract, webhooks.md section 4).

WhatsApp tells only of those whom the session has asked for, which it does when a send shows a presence.
"""

from typing import Any

from warest import events, ids
from warest.whatsapp import groups
from warest.whatsapp.groups import OtherName
from warest.whatsapp.reports import Report

#: neonize's protobufs publish no types: Neonize.Presence.
Presence = Any


def of(event: Presence, other_name: OtherName) -> Report:
    """By number, where it is known; `lastSeen` is in epoch seconds."""
    pn, lid = groups.both_names([event.From], other_name)
    seen: dict[str, Any] = {"lastKnownPresence": "unavailable" if event.Unavailable else "available"}
    if event.LastSeen > 0:  # without one the engine tells Go's beginning of time
        seen["lastSeen"] = int(event.LastSeen)
    name = pn or lid
    data = {
        "presence": {"id": name, "presences": {name: seen}},
        "contacts": [{"pn": pn or None, "lid": lid or None, "contactId": lid or pn}],
    }
    return Report(events.PRESENCE_UPDATE, ids.new_event_id(), data, ())

"""What a session's process reports of calls: call (contract, webhooks.md section 4).

The engine tells of calls that others make, and of their ends; not of our own.
"""

from datetime import UTC, datetime
from typing import Any

from warest import events, ids
from warest.ids import Jid
from warest.whatsapp import groups
from warest.whatsapp.groups import OtherName
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.payload import text
from warest.whatsapp.reports import Report

#: neonize's protobufs publish no types: Neonize.CallOffer, CallOfferNotice, CallAccept or CallTerminate.
CallEvent = Any

#: So many calls are remembered.
_KEPT = 100

#: What is told so much later, s, was kept by WhatsApp while the session was away.
_LATE = 30


class CallReports:
    def __init__(self, session_ulid: str, callers: dict[str, Jid], other_name: OtherName) -> None:
        """`callers` learns who calls, by the id of the call."""
        self._session = session_ulid
        self._callers = callers
        self._other_name = other_name
        self._offers: dict[str, dict[str, Any]] = {}

    def of(self, status: str, event: CallEvent, now: float) -> Report:
        """`now` in epoch seconds. How a call began is remembered: its end does not say it again."""
        meta = event.basicCallMeta
        id, at = text(meta.callID), int(meta.timestamp)
        if status == "offer":
            self._learn(id, jid_of(meta.callCreator).account, _offer(event))
        reason = text(getattr(event, "reason", ""))
        status = "timeout" if reason == "timeout" else status
        pn, lid = groups.both_names([meta.callCreator, meta.callCreatorAlt], self._other_name)
        caller, known = pn or lid, self._offers.get(id, _UNKNOWN)
        call = {
            "id": id,
            "from": caller,
            "chatId": known["group"] or caller,
            "status": status,
            "date": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "isVideo": known["video"],
            "isGroup": bool(known["group"]),
            "offline": now - at > _LATE,
            **({"reason": reason} if reason else {}),
            "pn": pn or None,
            "lid": lid or None,
            "contactId": lid or pn,
        }
        event_id = ids.event_id_for(at * 1000, "call", self._session, id, status)
        return Report(events.CALL, event_id, {"calls": [call]}, ())

    def _learn(self, id: str, caller: Jid, offer: dict[str, Any]) -> None:
        for kept, value in ((self._callers, caller), (self._offers, offer)):
            kept[id] = value  # type: ignore[assignment]
            while len(kept) > _KEPT:
                del kept[next(iter(kept))]


_UNKNOWN: dict[str, Any] = {"video": False, "group": ""}


def _offer(event: CallEvent) -> dict[str, Any]:
    """A notice is of a call in a group, and says of what kind it is; an offer has a <video> for that."""
    attrs = {attr.name: attr for attr in event.data.Attrs}
    group = attrs.get("group-jid")
    name = "" if group is None else group.text or str(jid_of(group.jid).account)
    is_video = getattr(event, "media", "") == "video" or any(node.Tag == "video" for node in event.data.Nodes)
    return {"video": is_video, "group": name}

"""What a session's process reports of groups: events, and what the database learns (contract, webhooks.md section 4).

Whoever comes or goes is reported twice, as group_participants and then as group_join or group_leave. Names of people
are numbers where they are known; `contacts` has both names of each.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from warest import events, ids
from warest.whatsapp import groups
from warest.whatsapp.groups import OtherName
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.payload import text
from warest.whatsapp.reports import Report

# neonize's protobufs publish no types.
GroupInfoEvent = Any
JoinedGroup = Any
Picture = Any

#: Field of a GroupInfoEvent -> what has been done to those whom it names, in the words of the contract.
_MOVES = {"Join": "add", "Leave": "remove", "Promote": "promote", "Demote": "demote"}

_MORE = {"add": events.GROUP_JOIN, "remove": events.GROUP_LEAVE}

#: Field of GroupFacts -> its name in group_update.
_NAMES = {
    "name": "subject",
    "description": "desc",
    "locked": "restrict",
    "announcement": "announce",
    "ephemeral": "ephemeralDuration",
}


class GroupReports:
    """Of one session, in the order in which its engine tells of groups."""

    def __init__(self, session: str, other_name: OtherName) -> None:
        self._session = session
        self._other_name = other_name
        #: Of each group: the second in which something was set last, and what was in it, in order.
        self._set: dict[str, tuple[int, list[str]]] = {}

    def of(self, kind: str, me: Iterable[str], event: Any) -> Iterator[Report]:
        """`kind` is change, joining or picture; `me` are the names of the session's account, PN first, as JIDs."""
        match kind:
            case "change":
                yield from self._of_change(set(me), event)
            case "joining":
                yield from _of_joining(self._session, list(me), event, self._other_name)
            case _:
                yield from self._of_picture(event)

    def _of_change(self, ours: set[str], event: GroupInfoEvent) -> Iterator[Report]:
        """Something in a group is not as it was. Of what the engine does not tell more, nothing is said."""
        group, author = str(jid_of(event.JID).account), _author(event, self._other_name)
        for field, action in _MOVES.items():
            if people := [groups.both_names([one], self._other_name) for one in getattr(event, field)]:
                gone = action == "remove" and any(ours & set(names) for names in people)
                note = {"do": "group", "jid": group, "what": "gone" if gone else action, "people": people}
                version = text(event.ParticipantVersionID)
                yield from _moved(self._session, group, action, people, author, event.Timestamp, note, version)
        changed = groups.changes(event, self._other_name)
        update = {_NAMES[name]: value for name, value in changed.items() if name in _NAMES}
        if event.HasField("NewInviteLink"):
            update["inviteCode"] = text(event.NewInviteLink).rpartition("/")[2]
        if event.HasField("Delete"):
            yield Report("", "", {}, ({"do": "group", "jid": group, "what": "gone"},))
        if update:
            notes = [{"do": "group", "jid": group, "what": "changed", "fields": changed}] if changed else []
            if "ephemeral" in changed:  # what is sent there goes as the rest does
                notes.append({"do": "chat", "news": {"jid": group, "ephemeral": changed["ephemeral"]}})
            yield self._updated(group, update, author, event.Timestamp, *notes)

    def _of_picture(self, event: Picture) -> Iterator[Report]:
        """A picture is another one; of people nothing is said."""
        jid = jid_of(event.JID).account
        if jid.is_group:
            pn, lid = groups.both_names([event.Author], self._other_name)
            update = {"imgUrl": "removed" if event.Remove else "changed"}
            yield self._updated(str(jid), update, pn or lid, event.Timestamp)

    def _updated(self, group: str, update: dict[str, Any], author: str, at: int, *notes: dict[str, Any]) -> Report:
        """group_update is emitted when what is set in a group changes."""
        words = [author, *(f"{name}={value}" for name, value in update.items())]
        number = self._number(group, at, "\0".join(words))
        event_id = ids.event_id_for(at * 1000, events.GROUP_UPDATE, self._session, group, *words, number)
        return Report(events.GROUP_UPDATE, event_id, {"update": {"id": group, **update, "author": author}}, notes)

    def _number(self, group: str, at: int, said: str) -> str:
        """Which time this is said within a second, for a switch that goes on, off and on again: WhatsApp's clock has
        no more. What is said twice in a row is the same, told again."""
        second, before = self._set.get(group, (at, []))
        if second != at:
            before = []
        if before[-1:] != [said]:
            before = [*before, said]
        self._set[group] = at, before
        return str(before.count(said))


def _of_joining(session: str, me: list[str], event: JoinedGroup, other_name: OtherName) -> Iterator[Report]:
    """The account is in a group in which it was not, perhaps since it has made it."""
    told = groups.facts(event.GroupInfo, other_name)
    note = {"do": "group", "jid": told["jid"], "what": "known", "facts": told}
    names = (*me, "", "")
    author, at = _author(event, other_name), int(time.time())
    yield from _moved(session, told["jid"], "add", [(names[0], names[1])], author, at, note)


def _moved(
    session: str,
    group: str,
    action: str,
    people: list[tuple[str, str]],
    author: str,
    at: int,
    note: dict[str, Any],
    version: str = "",
) -> Iterator[Report]:
    """group_participants is emitted when people come, go, or become admins or not; group_join and group_leave follow
    when they come and go. WhatsApp tells times in seconds, but has a `version` for each change."""
    named = [pn or lid for pn, lid in people]
    data = {
        "groupId": group,
        "participants": named,
        "action": action,
        "author": author,
        "contacts": [{"pn": pn or None, "lid": lid or None, "contactId": lid or pn} for pn, lid in people],
    }
    told = (session, group, action, author, version, *named)
    for number, name in enumerate(filter(None, (events.GROUP_PARTICIPANTS, _MORE.get(action)))):
        yield Report(name, ids.event_id_for(at * 1000, name, *told), data, () if number else (note,))


def _author(event: Any, other_name: OtherName) -> str:
    """By number where it is known; nothing where WhatsApp does not say who it was."""
    if not event.HasField("Sender"):
        return ""
    pn, lid = groups.both_names([event.Sender], other_name)
    return pn or lid

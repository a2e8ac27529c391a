"""How notes of whatsapp/group_reports.py change what the database holds of groups."""

from typing import Any

from warest.group_commands import GroupFacts, Member
from warest.store.groups import Groups

Note = dict[str, Any]


def remember(groups: Groups, session: str, note: Note) -> None:
    """Written down twice, a note changes nothing the second time."""
    jid = note["jid"]
    match note["what"]:
        case "known":
            groups.learn(session, [facts_of(note["facts"])], heard=True)
        case "changed":
            groups.change(session, jid, note["fields"], heard=True)
        case "gone":
            groups.forget(session, jid, heard=True)
        case change:
            groups.move(session, jid, change, note["people"], heard=True)


def facts_of(told: dict[str, Any]) -> GroupFacts:
    """As a session's process tells them."""
    members = told["members"]
    people = None if members is None else tuple(Member(**one) for one in members)
    return GroupFacts(**{**told, "members": people})

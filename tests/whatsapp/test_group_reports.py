"""What the engine tells of groups as receivers get it; the protobufs are real ones."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.group_reports import GroupReports
from warest.whatsapp.reports import Report

ANI, BUDI = ("628111@s.whatsapp.net", "1@lid"), ("628222@s.whatsapp.net", "2@lid")
GROUP = "120363@g.us"

BOOK = {lid: pn for pn, lid in (ANI, BUDI)} | dict((ANI, BUDI))


def other_name(jid: Jid) -> Jid | None:
    found = BOOK.get(str(jid))
    return Jid.parse(found) if found else None


def jid(text: str) -> dict[str, Any]:
    user, _, server = text.partition("@")
    return {"User": user, "Server": server, "Device": 0, "RawAgent": 0, "Integrator": 0, "IsEmpty": not text}


def change(**fields: Any) -> Any:
    """A GroupInfoEvent, as the engine fills it."""
    told = {
        "JID": jid(GROUP), "Notify": "Ani", "Timestamp": 1_700_000_000, "PrevParticipantsVersionID": "1",
        "ParticipantVersionID": "2", "JoinReason": "", "Sender": jid(ANI[1]),
    }  # fmt: skip
    given = {name: value for name, value in {**told, **fields}.items() if value is not None}
    return ParseDict(given, protos.engine.GroupInfoEvent())


def reports(event: Any, kind: str = "change") -> list[Report]:
    return list(GroupReports("01ULID", other_name).of(kind, ANI, event))


def test_somebody_comes() -> None:
    """By number where it is known, else by LID; both names beside them."""
    first, second = reports(change(Join=[jid(BUDI[1]), jid("9@lid")]))
    assert (first.event, second.event) == ("group_participants", "group_join") and first.data == second.data
    assert first.data == {
        "groupId": GROUP, "participants": [BUDI[0], "9@lid"], "action": "add", "author": ANI[0],
        "contacts": [
            {"pn": BUDI[0], "lid": BUDI[1], "contactId": BUDI[1]}, {"pn": None, "lid": "9@lid", "contactId": "9@lid"},
        ],
    }  # fmt: skip
    people = [BUDI, ("", "9@lid")]
    assert first.notes == ({"do": "group", "jid": GROUP, "what": "add", "people": people},) and second.notes == ()
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    ("field", "action", "more"),
    [("Leave", "remove", ["group_leave"]), ("Promote", "promote", []), ("Demote", "demote", [])],
)
def test_others(field: str, action: str, more: list[str]) -> None:
    told = reports(change(**{field: [jid(BUDI[0])]}))
    assert [each.event for each in told] == ["group_participants", *more]
    assert (told[0].data["action"], told[0].notes[0]["what"]) == (action, action)


def test_a_business_in_the_cloud_comes() -> None:
    """It has a name of another kind."""
    (first, _) = reports(change(Join=[jid("628333@hosted")]))
    assert first.data["participants"] == ["628333@hosted"] and first.data["contacts"][0]["contactId"] == "628333@hosted"


def test_we_are_gone() -> None:
    """By either of our names; of a group that is deleted nobody is told."""
    for name in ANI:
        assert reports(change(Leave=[jid(name)]))[0].notes[0]["what"] == "gone"
    (deleted,) = reports(change(Delete={"Deleted": True, "DeletedReason": ""}))
    assert deleted.event == "" and deleted.notes[0]["what"] == "gone"


def test_the_same_change_has_the_same_id() -> None:
    """However often it is told; another one of the same second has another."""
    told = [each.event_id for each in reports(change(Join=[jid(BUDI[1])]))]
    assert told == [each.event_id for each in reports(change(Join=[jid(BUDI[1])]))]
    for other in (
        change(Join=[jid(BUDI[1])], ParticipantVersionID="3"),
        change(Leave=[jid(BUDI[1])]),
        change(Join=[jid("9@lid")]),
        change(Join=[jid(BUDI[1])], Sender=jid(BUDI[1])),
    ):
        assert told[0] not in {each.event_id for each in reports(other)}


def test_a_switch_that_is_played_with() -> None:
    """On, off and on again within a second are three; told twice in a row it is the same."""
    session = GroupReports("01ULID", other_name)
    on, off = change(Locked={"isLocked": True}), change(Locked={"isLocked": False})
    told = [next(session.of("change", ANI, event)).event_id for event in (on, on, off, on)]
    assert told[0] == told[1] and len(set(told)) == 3
    later = change(Locked={"isLocked": True}, Timestamp=1_700_000_001)
    assert next(session.of("change", ANI, later)).event_id not in told
    assert next(GroupReports("01ULID", other_name).of("change", ANI, on)).event_id == told[0]


NAME = {"Name": "New", "NameSetAt": 1_700_000_000, "NameSetBy": jid(ANI[1])}
TOPIC = {"Topic": "about", "TopicID": "T", "TopicSetAt": 5, "TopicSetBy": jid("9@lid"), "TopicDeleted": False}


@pytest.mark.parametrize(
    ("told", "update", "fields"),
    [
        (
            {"Name": NAME},
            {"subject": "New"},
            {"name": "New", "named_at": 1_700_000_000, "named_by": ANI[0]},
        ),
        (
            {"Topic": TOPIC},
            {"desc": "about"},
            {"description": "about", "description_id": "T", "described_at": 5, "described_by": "9@lid"},
        ),
        ({"Locked": {"isLocked": True}}, {"restrict": True}, {"locked": True}),
        ({"Announce": {"IsAnnounce": False, "AnnounceVersionID": "1"}}, {"announce": False}, {"announcement": False}),
        ({"NewInviteLink": "https://chat.whatsapp.com/abc"}, {"inviteCode": "abc"}, None),
        ({"Ephemeral": {"IsEphemeral": True, "DisappearingTimer": 60}}, {"ephemeralDuration": 60}, {"ephemeral": 60}),
        ({"Ephemeral": {"IsEphemeral": False, "DisappearingTimer": 60}}, {"ephemeralDuration": 0}, {"ephemeral": 0}),
    ],
    ids=str,
)
def test_what_is_set(told: dict[str, Any], update: dict[str, Any], fields: dict[str, Any] | None) -> None:
    (report,) = reports(change(**told))
    assert report.event == "group_update" and report.data == {"update": {"id": GROUP, **update, "author": ANI[0]}}
    notes = [{"do": "group", "jid": GROUP, "what": "changed", "fields": fields}] if fields else []
    if fields and "ephemeral" in fields:
        notes.append({"do": "chat", "news": {"jid": GROUP, **fields}})
    assert list(report.notes) == notes


def test_what_says_nothing() -> None:
    """An approval mode comes empty, a request to join as something unknown."""
    request = {"Tag": "created_membership_requests", "Attrs": [], "Nodes": [], "Nil": False}
    assert reports(change()) == [] and reports(change(UnknownChanges=[request])) == []


def test_nobody_did_it() -> None:
    """WhatsApp does not always say who."""
    (report,) = reports(change(Sender=None, Locked={"isLocked": True}))
    assert report.data["update"] == {"id": GROUP, "restrict": True, "author": ""}


def test_a_picture() -> None:
    """Of a group; of people nothing is told."""
    told = {"Author": jid(""), "Timestamp": 5, "Remove": True}
    (report,) = reports(ParseDict({"JID": jid(GROUP), **told}, protos.engine.Picture()), "picture")
    assert report.data == {"update": {"id": GROUP, "imgUrl": "removed", "author": ""}} and report.notes == ()
    assert reports(ParseDict({"JID": jid(ANI[0]), **told}, protos.engine.Picture()), "picture") == []

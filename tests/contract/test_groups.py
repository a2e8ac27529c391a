"""Groups and their members, the same on every database."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from support.threads import at_once
from warest import group_annals
from warest.errors import NotFound
from warest.group_commands import GroupFacts, Member
from warest.store import Account, Store, fitting
from warest.store import groups as groups_module

GROUP, OTHER = "120363000000000001@g.us", "120363000000000002@g.us"

ANI = Member(pn="628111@s.whatsapp.net", lid="1@lid", role="superadmin")
BUDI = Member(pn="628222@s.whatsapp.net", lid="2@lid")
CICI = Member(pn="", lid="3@lid", role="admin")

BUDI_NAMES = (BUDI.pn, BUDI.lid)

FACTS = GroupFacts(
    jid=GROUP,
    name="Friends",
    named_at=100,
    named_by=ANI.pn,
    description="about us",
    description_id="D1",
    described_at=100,
    described_by=ANI.pn,
    owner=ANI.pn,
    created=90,
    locked=False,
    announcement=True,
    ephemeral=86_400,
    is_community=False,
    is_community_announce=False,
    parent="",
    by_lid=True,
    size=3,
    members=(ANI, BUDI, CICI),
)


def people(opened: Store, owner: Account, session: str) -> dict[str, str]:
    """Everybody in the group -> his role."""
    found = opened.groups.get(owner, session, GROUP)
    assert found and found.members is not None and found.size == len(found.members)
    return {one.lid: one.role for one in found.members}


def test_what_is_told_of_a_group(opened: Store, admin: Account, other: Account, session: str) -> None:
    """All of it comes back, to its owner; told again it is what was told last."""
    assert opened.groups.get(admin, session, GROUP) is None
    opened.groups.learn(session, [FACTS])
    assert opened.groups.get(admin, session, GROUP) == FACTS
    assert opened.groups.get(other, session, GROUP) is None
    assert opened.groups.get(admin, session, "x" * 5000) is None
    again = replace(FACTS, name="Best friends", named_at=101, size=2, members=(replace(BUDI, role="admin"), CICI))
    opened.groups.learn(session, [again])
    assert opened.groups.get(admin, session, GROUP) == again


def test_what_no_column_can_hold(opened: Store, admin: Account, session: str) -> None:
    """Is cut, and costs nobody anything."""
    wild = replace(FACTS, name="\0\U0001f600" * 200, description="x" * 100_000, created=-5, members=())
    opened.groups.learn(session, [replace(wild, size=0)])
    got = opened.groups.get(admin, session, GROUP)
    assert got and (len(got.name), len(got.description), got.created) == (255, 100_000, 0)


def test_a_listing(
    opened: Store, admin: Account, other: Account, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is known when WhatsApp was asked for it, for a day; what is not in it was left."""
    opened.groups.learn(session, [FACTS])
    assert opened.groups.listed(admin, session) is None
    listed = [replace(FACTS, jid=OTHER, name="Work", members=None), replace(FACTS, members=None)]
    opened.groups.learn_all(session, listed)
    assert opened.groups.listed(admin, session) == listed[::-1] and opened.groups.listed(other, session) is None
    assert people(opened, admin, session)  # a listing says nothing of members, and takes none
    assert opened.groups.get(admin, session, OTHER) is None  # nobody has asked who is in it
    opened.groups.learn_all(session, listed[:1])
    assert opened.groups.listed(admin, session) == listed[:1] and opened.groups.get(admin, session, GROUP) is None
    monkeypatch.setattr(groups_module, "FRESH", -1)
    assert opened.groups.listed(admin, session) is None


def test_changes(opened: Store, admin: Account, session: str) -> None:
    """An older name is not taken for a newer one; of a group that is not known nothing is kept."""
    opened.groups.change(session, GROUP, {"locked": True})
    assert opened.groups.get(admin, session, GROUP) is None
    opened.groups.learn(session, [FACTS])
    opened.groups.change(session, GROUP, {"name": "New", "named_at": 200, "named_by": BUDI.pn, "locked": True})
    opened.groups.change(session, GROUP, {"name": "Old", "named_at": 150, "named_by": ANI.pn, "ephemeral": 0})
    expected = replace(FACTS, name="New", named_at=200, named_by=BUDI.pn, locked=True, ephemeral=0)
    assert opened.groups.get(admin, session, GROUP) == expected


def test_late_events(opened: Store, admin: Account, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """May be older than what WhatsApp has answered: if they say something else, it is asked, for a while."""
    opened.groups.learn_all(session, [FACTS])
    opened.groups.change(session, GROUP, {"locked": True})
    changes: list[Callable[[], None]] = [
        lambda: opened.groups.change(session, GROUP, {"locked": False}, heard=True),
        lambda: opened.groups.move(session, GROUP, "add", [("", "9@lid")], heard=True),
        lambda: opened.groups.move(session, GROUP, "promote", [BUDI_NAMES], heard=True),
        lambda: opened.groups.move(session, GROUP, "demote", [("", CICI.lid)], heard=True),
        lambda: opened.groups.move(session, GROUP, "remove", [BUDI_NAMES], heard=True),
        lambda: opened.groups.forget(session, GROUP, heard=True),
        lambda: opened.groups.learn(session, [replace(FACTS, members=(ANI,), size=1)], heard=True),
    ]
    known = replace(FACTS, locked=True)
    for change in changes:
        opened.groups.learn(session, [known])
        change()
        assert opened.groups.get(admin, session, GROUP) is None and opened.groups.stale(admin, session) == [GROUP]
    opened.groups.learn(session, [known])
    opened.groups.change(session, GROUP, {"locked": True, "name": FACTS.name, "named_at": 300}, heard=True)
    opened.groups.move(session, GROUP, "add", [BUDI_NAMES], heard=True)
    opened.groups.move(session, GROUP, "remove", [("", "9@lid")], heard=True)
    assert opened.groups.get(admin, session, GROUP) == replace(known, named_at=300)
    monkeypatch.setattr(groups_module, "SETTLING", 0.0)
    for change in changes[:5]:
        opened.groups.learn(session, [known])
        change()
        now = opened.groups.get(admin, session, GROUP)
        assert now and now != known


def test_people_come_and_go(opened: Store, admin: Account, session: str) -> None:
    """However often it is told, and by whichever of their names."""
    opened.groups.learn(session, [FACTS])
    moves: list[tuple[str, Any, dict[str, str]]] = [
        ("add", ("628444@s.whatsapp.net", "4@lid"), {"4@lid": ""}),
        ("promote", (BUDI.pn, ""), {"2@lid": "admin"}),
        ("promote", ("", ANI.lid), {"1@lid": "superadmin"}),
        ("demote", ("", CICI.lid), {"3@lid": ""}),
    ]
    known = people(opened, admin, session)
    for change, who, changed in moves:
        for _ in range(2):
            opened.groups.move(session, GROUP, change, [who])
        known |= changed
        assert people(opened, admin, session) == known
    for _ in range(2):
        opened.groups.move(session, GROUP, "remove", [(BUDI.pn, ""), ("", "9@lid"), ("628444@s.whatsapp.net", "4@lid")])
    assert people(opened, admin, session) == {"1@lid": "superadmin", "3@lid": ""}


def test_members_that_are_not_known_are_asked(opened: Store, admin: Account, other: Account, session: str) -> None:
    opened.groups.learn_all(session, [replace(FACTS, members=None)])
    assert opened.groups.stale(admin, session) == []
    opened.groups.move(session, GROUP, "add", [("", "5@lid")])
    assert opened.groups.get(admin, session, GROUP) is None
    assert opened.groups.stale(admin, session) == [GROUP] and opened.groups.stale(other, session) == []
    opened.groups.learn(session, [FACTS])
    assert opened.groups.stale(admin, session) == []
    opened.groups.learn(session, [replace(FACTS, members=None, size=9)])  # somebody has come whom we have missed
    assert opened.groups.get(admin, session, GROUP) is None


def test_notes(opened: Store, admin: Account, session: str) -> None:
    """As session processes write them, in JSON."""
    told = fitting.load(fitting.dump(asdict(FACTS)))
    group_annals.remember(opened.groups, session, {"jid": GROUP, "what": "known", "facts": told})
    assert opened.groups.get(admin, session, GROUP) == FACTS
    group_annals.remember(opened.groups, session, {"jid": GROUP, "what": "changed", "fields": {"locked": True}})
    group_annals.remember(opened.groups, session, {"jid": GROUP, "what": "remove", "people": [["", BUDI.lid]]})
    assert opened.groups.get(admin, session, GROUP) == replace(FACTS, locked=True, size=2, members=(ANI, CICI))
    for _ in range(2):
        group_annals.remember(opened.groups, session, {"jid": GROUP, "what": "gone"})
    assert opened.groups.get(admin, session, GROUP) is None


def test_many_at_once(opened: Store, admin: Account, session: str) -> None:
    """Writers take turns."""
    assert at_once(lambda: opened.groups.learn(session, [FACTS])) == [None] * 8
    number = iter(range(10, 18))
    at_once(lambda: opened.groups.move(session, GROUP, "add", [("", f"{next(number)}@lid")]))
    assert len(people(opened, admin, session)) == 3 + 8


def test_a_deleted_session_leaves_none(opened: Store, admin: Account, session: str) -> None:
    opened.groups.learn_all(session, [FACTS])
    opened.delete_session(admin, session)
    assert opened.groups.listed(admin, session) is None
    with pytest.raises(NotFound):
        opened.groups.learn(session, [FACTS])

"""What is done to groups: by the real engine, by phones and by other clients; who may, and who hears of it."""

import base64
from typing import Any

import pytest

from sandbox.harness import Client, SandboxProcess, Start
from sandbox.world import World
from support.waiting import eventually
from warest.ids import Jid
from warest.sandbox.groups import Groups
from warest.sandbox.nodes import Node
from warest.sandbox.refusal import Refusal

ANI, BUDI, CICI, NOBODY = "628110000001", "628110000002", "628110000003", "628119999999"
PEOPLE = {ANI: "Ani", BUDI: "Budi", CICI: "Cici"}

JPEG = base64.b64encode(b"\xff\xd8\xff" + b"x" * 100).decode()


@pytest.fixture
def phones(sandbox: SandboxProcess) -> dict[str, str]:
    """Number -> LID."""
    for phone, name in PEOPLE.items():
        sandbox.phone(phone, name)
    return {each["phone"]: each["lid"].partition("@")[0] for each in sandbox.get("/phones")}


def shown(sandbox: SandboxProcess, group: str) -> dict[str, Any]:
    return next(dict(each) for each in sandbox.get("/groups") if each["id"] == group)


def users(told: list[dict[str, Any]]) -> list[str]:
    return [each["User"] for each in told]


def failure(session: Client, order: str, **arguments: Any) -> str:
    session.order(order, **arguments)
    return str(session.wait("failed")["error"])


def test_the_engine_changes_a_group(sandbox: SandboxProcess, client: Start, phones: dict[str, str]) -> None:
    """Each change reaches the network, and the sessions of all members, its author's too."""
    ani, budi = client("ani", receipts=False).link(ANI), client("budi", receipts=False).link(BUDI)
    made = ani.call("create_group", name="Friends", members=[BUDI, NOBODY])
    group = f"{made['JID']['User']}@g.us"
    assert [(each["JID"]["User"], each["Error"]) for each in made["Participants"]] == [
        (phones[ANI], 0), (phones[BUDI], 0), (NOBODY, 404),
    ]  # fmt: skip
    for session in (ani, budi):
        assert session.wait("joined")["GroupInfo"]["GroupName"]["Name"] == "Friends"

    added = ani.call("members", jid=group, change="add", members=[CICI, NOBODY, BUDI])
    assert [each["Error"] for each in added] == [0, 404, 409]
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("members", {"change": "promote", "members": [CICI]}, "Promote"),
        ("members", {"change": "demote", "members": [CICI]}, "Demote"),
        ("members", {"change": "remove", "members": [CICI]}, "Leave"),
    ]
    told = budi.wait("group")
    assert (users(told["Join"]), told["Sender"]["User"]) == ([phones[CICI]], phones[ANI])
    assert (told["ParticipantVersionID"], told["PrevParticipantsVersionID"]) == ("2", "1")
    for order, arguments, field in changes:
        ani.call(order, jid=group, **arguments)
        assert users(budi.wait("group")[field]) == [phones[CICI]]
    assert [each["Error"] for each in ani.call("members", jid=group, change="remove", members=[CICI])] == [404]

    ani.call("rename", jid=group, name="New")
    assert budi.wait("group")["Name"]["Name"] == "New"
    for text in ("about us", ""):
        ani.call("describe", jid=group, text=text)
        topic = budi.wait("group")["Topic"]
        assert (topic["Topic"], topic["TopicDeleted"]) == (text, not text)
    ani.call("lock", jid=group, locked=True)
    assert budi.wait("group")["Locked"]["isLocked"]
    ani.call("announce", jid=group, announce=True)
    assert budi.wait("group")["Announce"]["IsAnnounce"]
    link = ani.call("invite", jid=group, revoke=True)
    assert budi.wait("group")["NewInviteLink"] == link == f"https://chat.whatsapp.com/{shown(sandbox, group)['invite']}"
    number = ani.call("set_group_photo", jid=group, data=JPEG)
    assert budi.wait("picture")["JID"]["User"] == made["JID"]["User"]
    assert budi.call("group_photo", jid=group)["ID"] == number and shown(sandbox, group)["picture"] == 103

    assert "403" in failure(budi, "send", to=group, text="only admins write here")
    assert "403" in failure(budi, "rename", jid=group, name="x")
    assert "permission" in failure(budi, "invite", jid=group)
    budi.call("leave", jid=group)
    assert users(budi.wait("group")["Leave"]) == [phones[BUDI]] and shown(sandbox, group)["members"] == [ANI]
    assert "participating" in failure(budi, "group", jid=group)
    known = ani.call("group", jid=group)
    assert (known["GroupName"]["Name"], known["GroupLocked"]["isLocked"], len(known["Participants"])) == (
        "New",
        True,
        1,
    )


def test_phones_change_a_group(sandbox: SandboxProcess, client: Start, phones: dict[str, str]) -> None:
    """Links, requests, and whatever the engine only hears of."""
    ani = client("ani", receipts=False).link(ANI)
    group = sandbox.post("/groups", name="Theirs", by=BUDI, members=[CICI])["id"]

    def does(phone: str, deed: str, **told: Any) -> dict[str, Any]:
        answer = sandbox.http.post(f"/phones/{phone}/groups/{deed}", json={"group": group, **told})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    does(BUDI, "settings", approval=True)
    code = shown(sandbox, group)["invite"]
    assert ani.call("preview", code=code)["GroupName"]["Name"] == "Theirs"
    assert f"{ani.call('join', code=code)}@g.us" == group and shown(sandbox, group)["requests"] == [ANI]
    assert does(BUDI, "reject", members=[ANI])["requests"] == []
    ani.call("join", code=code)
    does(BUDI, "approve", members=[ANI])
    assert ani.wait("joined")["GroupInfo"]["JID"]["User"] == group.partition("@")[0]
    assert "409" in failure(ani, "join", code=code)

    does(BUDI, "promote", members=[ANI, CICI])
    assert users(ani.wait("group")["Promote"]) == [phones[ANI], phones[CICI]]
    does(BUDI, "expire", seconds=86_400)
    assert ani.wait("group")["Ephemeral"] == {"IsEphemeral": True, "DisappearingTimer": 86_400}
    does(BUDI, "describe", text="by phone")
    assert ani.wait("group")["Topic"]["Topic"] == "by phone"
    does(BUDI, "picture", data=JPEG)
    assert does(BUDI, "picture")["picture"] == 0
    assert [ani.wait("picture")["Remove"] for _ in range(2)] == [False, True]
    assert "does not have" in failure(ani, "group_photo", jid=group)

    does(CICI, "leave")
    sandbox.post(f"/phones/{CICI}/group-privacy", addable=False)
    (refused,) = ani.call("members", jid=group, change="add", members=[CICI])
    assert refused["Error"] == 403 and len(refused["AddRequest"]["Code"]) == 22
    does(CICI, "join", code=does(BUDI, "revoke-invite")["invite"])
    eventually(lambda: ani.call("requests", jid=group), what="the request")
    assert ani.call("requests", jid=group)[0]["Participant"]["User"] == phones[CICI]
    assert [each["Error"] for each in ani.call("members", jid=group, change="add", members=[CICI])] == [0]
    assert ani.call("requests", jid=group) == [] and shown(sandbox, group)["members"] == [BUDI, ANI, CICI]
    assert "revoked" in failure(ani, "preview", code=code)
    assert "revoked" in failure(ani, "join", code=code)

    for deed, told, status in (
        ("rename", {"name": ""}, 400),
        ("rename", {"name": "x" * 101}, 409),
        ("dance", {}, 400),
        ("expire", {"seconds": -1}, 400),
        ("picture", {"data": "?"}, 400),
        ("join", {"code": code}, 409),
        ("demote", {"members": [NOBODY]}, 404),
        ("leave", {"group": "1@g.us"}, 404),
    ):
        answer = sandbox.http.post(f"/phones/{BUDI}/groups/{deed}", json={"group": group, **told})
        assert answer.status_code == status, (deed, answer.text)


def ask(world: World, kind: str, child: Node, to: Jid) -> Node:
    """An <iq> of the session; what it is answered."""
    return next(each for each in world.say("iq", [child], id="1", type=kind, xmlns="w:g2", to=to) if each.tag == "iq")


async def test_what_other_clients_ask(world: World) -> None:
    """Approving, rejecting and the like, which the engine has no call for."""
    group = world.network.deeds.create(world.ani, "Ours", [])
    switch = Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})])
    assert ask(world, "set", switch, group.jid).attrs["type"] == "result" and group.facts.approval
    for decision, members in (("reject", [world.ani]), ("approve", [world.ani, world.budi])):
        world.network.deeds.join(world.budi, group.facts.invite)
        people = [Node("participant", {"jid": world.budi.lid})]
        action = Node("membership_requests_action", {}, [Node(decision, {}, people)])
        told = ask(world, "set", action, group.jid).child("membership_requests_action", decision, "participant")
        assert "error" not in told.attrs and group.members == members and not group.requests
    told = ask(world, "set", action, group.jid).child("membership_requests_action", "approve", "participant")
    assert told.attrs["error"] == "404"
    ask(world, "set", Node("ephemeral", {"expiration": "60"}), group.jid)
    assert group.facts.expiration == 60
    ask(world, "set", Node("not_ephemeral"), group.jid)
    assert group.facts.expiration == 0 and world.violations() == []


async def test_what_makes_no_sense(world: World) -> None:
    """Is refused and noted, and changes nothing."""
    group = world.network.deeds.create(world.ani, "Ours", [world.budi])
    nobody = Jid("1", "lid")
    wrong = [
        Node("add"),
        Node("remove", {}, [Node("participant", {"jid": "text"})]),
        Node("description", {"id": "1"}),
        Node("description", {"id": "1", "delete": "true"}, [Node("body", {}, b"x")]),
        Node("membership_requests_action", {}, [Node("approve", {}, [Node("participant", {"jid": nobody})])]),
        Node("membership_requests_action", {}, [Node("dance")]),
        Node("subject"),
        Node("dance"),
    ]
    for child in wrong:
        assert ask(world, "set", child, group.jid).attrs["type"] == "error", child
    assert len(world.violations()) == len(wrong)
    conflict = Node("description", {"id": "2", "prev": "unknown"}, [Node("body", {}, b"x")])
    assert ask(world, "set", conflict, group.jid).child("error").attrs["code"] == "409"
    empty = world.say(
        "iq", [Node("picture", {"type": "image"}, b"")], id="1", type="set", xmlns="w:profile:picture", target=group.jid
    )
    assert empty[-1].attrs["type"] == "error" and group.members == [world.ani, world.budi]


async def test_groups_outlive_a_restart(world: World) -> None:
    deeds = world.network.deeds
    group = deeds.create(world.ani, "Ours", [world.budi])
    deeds.change(world.ani, group, "promote", [world.budi])
    deeds.set(world.ani, group, "approval", True)
    deeds.picture(world.ani, group, b"\xff\xd8\xff")
    cici = world.network.add_phone("628110000009", "Cici")
    deeds.join(cici, group.facts.invite)
    again = Groups(world.store, world.network.accounts)
    (known,) = again
    assert (known.name, known.roles, known.facts, known.requests) == (
        "Ours", {world.ani: "superadmin", world.budi: "admin"}, group.facts, group.requests,
    )  # fmt: skip
    assert again.picture(known) == b"\xff\xd8\xff" and known.requests
    with pytest.raises(Refusal):
        deeds.change(cici, group, "add", [cici])

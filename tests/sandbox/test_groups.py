"""Groups: messages of phones and sessions reach all members, under sender keys that the engine understands, too."""

import json
from typing import Any

import pytest

from sandbox.harness import SandboxProcess, Start
from sandbox.world import World
from support.waiting import eventually
from warest.ids import Jid
from warest.sandbox.nodes import Node
from warest.sandbox.sender_keys import SenderKey
from warest.sandbox.signal import Undecryptable
from warest.whatsapp import protos

ANI, BUDI, CICI = "628110000001", "628110000002", "628110000003"
PEOPLE = {ANI: "Ani", BUDI: "Budi", CICI: "Cici"}


@pytest.fixture
def group(sandbox: SandboxProcess) -> str:
    for phone, name in PEOPLE.items():
        sandbox.phone(phone, name)
    made = sandbox.post("/groups", name="Friends", by=ANI, members=[BUDI, CICI])
    assert (made["name"], made["by"], made["members"], made["admins"]) == ("Friends", ANI, [*PEOPLE], [ANI])
    assert sandbox.get("/groups") == [made]
    return str(made["id"])


def lid_of(sandbox: SandboxProcess, phone: str) -> str:
    return next(str(each["lid"]) for each in sandbox.get("/phones") if each["phone"] == phone)


def test_sessions_write_to_a_group(sandbox: SandboxProcess, client: Start, group: str) -> None:
    """To each other, to all phones, and their receipts come back."""
    ani, budi = client("ani").link(ANI), client("budi").link(BUDI)
    for number in range(3):
        sent = ani.send(group, f"ping {number}")
        told = budi.wait("message", id=sent)
        assert (told["text"], told["group"], told["chat"]) == (f"ping {number}", True, group.partition("@")[0])
        ani.wait("receipt", ids=[sent])
        sent = budi.send(group, f"pong {number}")
        assert ani.wait("message", id=sent)["text"] == f"pong {number}"
    for phone in PEOPLE:
        eventually(lambda: len(sandbox.get(f"/phones/{CICI}/messages")) == 6, what="all to arrive")
        shown = sandbox.get(f"/phones/{phone}/messages")
        assert [each["text"] for each in shown] == ["ping 0", "pong 0", "ping 1", "pong 1", "ping 2", "pong 2"]
        assert not [each for each in shown if "retries" in each]
        assert {each["to"] for each in shown} == {group} and [each["from"] for each in shown] == [ANI, BUDI] * 3


def test_a_phone_writes_to_a_group(sandbox: SandboxProcess, client: Start, group: str) -> None:
    """Texts in order, a file, and a session that was linked later; its own sessions get it, too."""
    sandbox.send(CICI, group, "before anybody was linked")
    ani, cici = client("ani").link(ANI), client("cici").link(CICI)
    texts = [f"text {number}" for number in range(20)]
    for text in texts:
        sandbox.send(CICI, group, text)
    assert [ani.wait("message", group=True)["text"] for _ in texts] == texts
    assert cici.wait("message", text="text 0")["fromMe"]
    picture = sandbox.send_media(CICI, group, "image", b"not really a picture")
    assert ani.wait("message", id=picture)["mediaType"] == "image"
    assert ani.call("download", id=picture)
    budi = client("budi").link(BUDI)
    told = budi.wait("message", id=sandbox.send(CICI, group, "and now Budi"))
    assert (told["text"], told["group"], told["name"]) == ("and now Budi", True, "Cici")
    for session in (ani, budi, cici):
        assert not [fact for fact in session.facts if fact["kind"] == "undecryptable"]


def test_what_is_done_to_messages_of_a_group(sandbox: SandboxProcess, client: Start, group: str) -> None:
    """Keys name who wrote the message; votes are counted; receipts reach the author only."""
    ani, budi = client("ani").link(ANI), client("budi").link(BUDI)
    sent = ani.send(group, "hello")
    sandbox.shown(CICI, sent)
    reaction = sandbox.write(CICI, "reactions", to=group, id=sent, emoji="🎉")
    key = ani.wait("message", id=reaction)["content"]["reactionMessage"]["key"]
    assert key == {"remoteJID": group, "fromMe": False, "ID": sent, "participant": lid_of(sandbox, ANI)}
    assert all(sandbox.shown(phone, sent)["reactions"] == {CICI: "🎉"} for phone in PEOPLE)
    sandbox.post(f"/phones/{CICI}/receipts", to=group, ids=[sent])
    ani.wait("receipt", ids=[sent], type=4)
    assert sandbox.shown(ANI, sent)["status"] == "read"

    poll = sandbox.write(CICI, "polls", to=group, name="When?", options=["now", "later"])
    budi.wait("message", id=poll)
    sandbox.shown(CICI, budi.call("vote", poll=poll, options=["later"]))
    sandbox.write(ANI, "votes", to=group, id=poll, options=["now"])
    votes = {"now": [ANI], "later": [BUDI]}
    eventually(
        lambda: all(sandbox.shown(phone, poll)["poll"]["votes"] == votes for phone in PEOPLE), what="the votes"
    )  # fmt: skip
    budi.call("read", id=poll, chat=group, sender=lid_of(sandbox, CICI))
    eventually(lambda: sandbox.shown(CICI, poll)["status"] == "read", what="the read mark")


def test_what_a_session_asks_of_groups(sandbox: SandboxProcess, client: Start, group: str) -> None:
    session = client("ani").link(ANI)
    assert session.call("groups") == ["Friends"]
    eventually(lambda: bool(session.call("me") == "Ani"), what="the session has its name")
    other = client("budi").link(BUDI)
    eventually(lambda: bool(other.call("me") == "Budi"), what="the other one, too")
    session.call("available")
    other.call("available")
    other.call("type", to=group)
    session.wait("typing")


def test_a_newly_linked_session_is_told_of_the_group(sandbox: SandboxProcess, client: Start, group: str) -> None:
    sent = sandbox.send(CICI, group, "before")
    assert client("ani").link(ANI).wait("history")["chats"] == {group: [sent]}


def test_a_session_that_cannot_open_a_message_gets_it_again(sandbox: SandboxProcess, client: Start, group: str) -> None:
    """Its keys were put back to an earlier state, as from a backup: it asks for a retry, and has the message."""
    session = client("ani").link(ANI)
    session.wait("message", id=sandbox.send(BUDI, group, "one"))
    session.call("forget_keys")
    again = sandbox.send(BUDI, group, "two")
    session.wait("undecryptable")
    assert session.wait("message", id=again)["text"] == "two"
    session.wait("message", id=sandbox.send(BUDI, group, "three"), text="three")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "", "by": ANI, "members": [BUDI]}, 400),
        ({"name": "x", "by": ANI, "members": "all"}, 400),
        ({"name": "x", "by": "628119999999", "members": []}, 404),
        ({"name": "x", "by": ANI, "members": ["628119999999"]}, 404),
    ],
)
def test_what_is_no_group(sandbox: SandboxProcess, group: str, body: dict[str, Any], status: int) -> None:
    assert sandbox.http.post("/groups", json=body).status_code == status


def test_who_may_write(sandbox: SandboxProcess, group: str) -> None:
    stranger = sandbox.phone("628110000009")
    assert sandbox.http.post(f"/phones/{stranger}/messages", json={"to": group, "text": "x"}).status_code == 400
    assert sandbox.http.post(f"/phones/{ANI}/messages", json={"to": "1@g.us", "text": "x"}).status_code == 404


async def test_a_stranger_hears_nothing_of_a_group(world: World) -> None:
    group = world.network.groups.create("Others", world.budi, [])
    (answer,) = world.say("iq", [Node("query")], id="1", type="get", xmlns="w:g2", to=group.jid)
    assert answer.attrs["type"] == "error" and answer.child("error").attrs["code"] == "403"
    (answer,) = world.say("iq", [Node("query")], id="1", type="get", xmlns="w:g2", to=Jid("1", "g.us"))
    assert answer.child("error").attrs["code"] == "404"
    (answer,) = world.say("iq", [Node("participating")], id="2", type="get", xmlns="w:g2", to=Jid("", "g.us"))
    assert answer.child("groups").children == []


async def test_a_phone_asks_again_in_a_group(world: World) -> None:
    """What it cannot open, of the device that wrote it."""
    group = world.network.groups.create("Both", world.ani, [world.budi])
    enc = Node("enc", {"v": "2", "type": "skmsg"}, b"\x33nonsense")
    stanzas = world.say("message", [Node("participants", {}, []), enc], id="G1", type="text", to=group.jid)
    retries = [each for each in stanzas if each.tag == "receipt"]
    assert {(each.attrs["from"], each.attrs["participant"]) for each in retries} == {
        (group.jid, world.ani.lid), (group.jid, world.budi.lid),
    }  # fmt: skip
    assert all(each.attrs["type"] == "retry" and each.child("keys") for each in retries)
    assert not [each for each in stanzas if each.tag == "message"]  # nobody hears himself
    assert world.violations() == [] and world.network.history.page(world.budi, 0) == []


def test_sender_keys_out_of_order() -> None:
    """And never twice; a signature that is wrong changes nothing."""
    mine = SenderKey.generate()
    theirs = SenderKey.received(mine.distribution())
    first, second, third = (mine.encrypt(text) for text in (b"1", b"2", b"3"))
    assert theirs.decrypt(third) == b"3"
    theirs = SenderKey.from_bytes(json.dumps(json.loads(theirs.to_bytes())).encode())
    assert (theirs.decrypt(first), theirs.decrypt(second)) == (b"1", b"2")
    before = theirs.to_bytes()
    fourth = mine.encrypt(b"4")
    forged = fourth[:-1] + bytes([fourth[-1] ^ 1])
    for wrong in (first, third, forged, SenderKey.generate().encrypt(b"5"), b"", b"\x33"):
        with pytest.raises(Undecryptable):
            theirs.decrypt(wrong)
    assert theirs.to_bytes() == before


def test_the_key_message_is_of_the_engines_schema() -> None:
    assert "axolotlSenderKeyDistributionMessage" in protos.e2e.SenderKeyDistributionMessage.DESCRIPTOR.fields_by_name

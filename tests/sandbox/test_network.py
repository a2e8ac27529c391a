"""The network's answers to what a client says, without a client: strictness, the offline queue, prekeys."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from sandbox.world import ANI, BUDI, Recorder, World
from warest.ids import Jid
from warest.sandbox.accounts import Accounts, Device
from warest.sandbox.crypto import KeyPair
from warest.sandbox.network import Network
from warest.sandbox.nodes import NO_TOKENS, SERVER, Node, Value
from warest.sandbox.store import FILE, Store
from warest.whatsapp import protos


async def test_an_unknown_question_is_refused_at_once(world: World) -> None:
    (answer,) = world.say("iq", [Node("what")], id="1", xmlns="w:new", type="get", to=SERVER)
    assert (answer.text("type"), answer.text("id"), answer.child("error").text("code")) == ("error", "1", "501")
    (violation,) = world.network.violations.list()
    assert violation["device"] == f"{ANI}:1@s.whatsapp.net"
    assert violation["node"].startswith('<iq id="1" xmlns="w:new"')


async def test_a_malformed_question_is_refused(world: World) -> None:
    (answer,) = world.say("iq", [Node("usync")], id="2", xmlns="usync", type="get", to=SERVER)
    assert answer.child("error").text("code") == "400"
    assert world.violations() == ["<usync> has no <query>"]


@pytest.mark.parametrize(
    ("to", "copies"),
    [
        (Jid("628119999999", "s.whatsapp.net"), []),
        (Jid("1203", "g.us"), []),
        (Jid(BUDI, "s.whatsapp.net"), [Jid("628110000003", "s.whatsapp.net")]),
        (Jid(BUDI, "s.whatsapp.net"), ["no JID"]),
        (Jid(BUDI, "s.whatsapp.net"), None),
    ],
)
async def test_a_message_that_cannot_be_carried_is_refused(world: World, to: Jid, copies: list[Value] | None) -> None:
    world.network.add_phone("628110000003", "Not in this chat")
    participants = [Node("to", {"jid": jid}, [Node("enc", {"type": "msg"}, b"")]) for jid in copies or []]
    content = None if copies is None else [Node("participants", {}, participants)]
    (ack,) = world.say("message", content, id="3", type="text", to=to)
    assert (ack.tag, ack.text("class"), ack.text("error")) == ("ack", "message", "400")
    assert len(world.violations()) == 1


@pytest.mark.parametrize(
    "stanza",
    [
        Node("nothing", {"id": "4"}),
        Node("receipt", {"id": "4", "to": Jid(BUDI, "s.whatsapp.net"), "type": "new"}),
        Node("receipt", {"id": "4", "to": Jid("628119999999", "s.whatsapp.net")}),
        Node("presence", {"type": "new"}),
        Node("chatstate", {"to": Jid("628119999999", "s.whatsapp.net")}),
        Node("ib", {}, [Node("new")]),
        Node("iq", {"id": "4"}),
    ],
)
async def test_other_wrong_stanzas_are_noted(world: World, stanza: Node) -> None:
    world.network.handle(world.connection, stanza)
    assert len(world.violations()) == 1


async def test_only_a_linked_session_may_ask(world: World) -> None:
    stranger = Recorder(world.network, None)
    world.network.handle(stranger, Node("iq", {"id": "5", "xmlns": "w:p", "type": "get"}))
    assert stranger.sent.pop().text("type") == "result"
    world.network.handle(stranger, Node("message", {"id": "6", "to": Jid(BUDI, "s.whatsapp.net")}))
    assert stranger.sent.pop().text("error") == "400"
    assert world.violations() == ["only a linked session may send this"]


async def test_a_fault_of_the_sandbox_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: Device) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr(world.network.prekeys, "count", fail)
    (answer,) = world.say("iq", [Node("count")], id="7", xmlns="encrypt", type="get", to=SERVER)
    assert answer.child("error").text("code") == "500"
    assert "RuntimeError" in world.violations()[0]


async def test_prekeys_must_be_signed_by_their_owner(world: World) -> None:
    def key(tag: str, *more: Node) -> Node:
        return Node(tag, {}, [Node("id", {}, bytes(3)), Node("value", {}, KeyPair.generate().public), *more])

    content = [
        Node("registration", {}, bytes(4)),
        Node("type", {}, b"\x05"),
        Node("identity", {}, world.device.identity),
        Node("list", {}, [key("key")]),
        key("skey", Node("signature", {}, bytes(64))),
    ]
    (answer,) = world.say("iq", content, id="8", xmlns="encrypt", type="set", to=SERVER)
    assert answer.text("type") == "error"
    assert world.violations() == ["the signed prekey has a wrong signature"]


async def test_prekeys_are_given_away_once_and_few_are_told(world: World) -> None:
    keys = [(number, KeyPair.generate().public) for number in range(6)]
    signed = (1, world.device.signed_public, world.device.signature)
    world.network.prekeys.upload(world.device, signed, keys)
    given: list[bytes] = []
    for _ in range(7):
        asked = [Node("key", {}, [Node("user", {"jid": world.device.lid})])]
        *notices, answer = world.say("iq", asked, id="9", xmlns="encrypt", type="get", to=SERVER)
        one_time = answer.child("list", "user").find("key")
        given.append(one_time.child("value").data if one_time else b"")
        assert [notice.text("type") for notice in notices] == (["encrypt"] if len(given) == 2 else [])
    assert given == [*(public for _, public in keys), b""]


async def test_the_queue_is_sent_between_two_marks_and_kept_until_answered(world: World) -> None:
    world.connection.active = False
    device, network = world.device, world.network
    for number in range(450):
        network.delivery.post(device, Node("notification", {"id": str(number), "type": "x"}))
    assert world.connection.sent == []
    network.delivery.catch_up(device)
    network.delivery.post(device, Node("notification", {"id": "meanwhile", "type": "x"}))
    while not world.connection.active:
        await asyncio.sleep(0)
    first, *queued, last = world.connection.sent
    assert first.child("offline_preview").text("notification") == "450"
    assert [node.text("id") for node in queued] == [*map(str, range(450)), "meanwhile"]
    assert {node.text("offline") for node in queued} == {"0"}
    assert last.child("offline").text("count") == "450"

    world.say("ack", id="7", class_="notification", to=SERVER)
    world.say("ack", id="meanwhile", class_="notification", to=SERVER)
    network.delivery.catch_up(device)
    assert world.connection.sent[0].child("offline_preview").text("count") == "449"
    assert world.violations() == []


async def test_a_message_that_is_sent_again_is_queued_once(world: World) -> None:
    for text in (b"first", b"again"):
        world.network.delivery.post(world.device, Node("message", {"id": "10"}, text))
    world.connection.sent.clear()
    world.network.delivery.catch_up(world.device)
    assert [node.content for node in world.connection.sent if node.tag == "message"] == [b"again"]


async def test_what_a_phone_shows_of_other_messages(world: World) -> None:
    e2e, phones, history = protos.e2e, world.network.phones, world.network.history
    world.network.unlink(world.device)
    quote = e2e.ContextInfo(
        stanzaID="Q1",
        participant=str(world.ani.lid),
        quotedMessage=e2e.Message(conversation="before"),
        mentionedJID=[str(world.budi.pn), "628119999999@s.whatsapp.net"],
    )
    phones.send(world.ani, world.budi, e2e.Message(extendedTextMessage={"text": "a reply", "contextInfo": quote}))
    phones.send(world.ani, world.budi, e2e.Message(locationMessage={"degreesLatitude": 1.5}))
    phones.send(world.ani, world.budi, e2e.Message())
    reply, location, empty = history.page(world.budi, 0)
    assert (reply["kind"], reply["text"]) == ("text", "a reply")
    assert reply["quoted"] == {"id": "Q1", "from": ANI, "kind": "text", "text": "before"}
    assert reply["mentions"] == [BUDI, "628119999999@s.whatsapp.net"]
    assert location["kind"] == "locationMessage"
    assert location["message"] == {"locationMessage": {"degreesLatitude": 1.5}}
    assert empty["kind"] == "empty"


async def test_everything_is_there_after_a_restart(world: World, tmp_path: Path) -> None:
    world.network.delivery.post(world.device, Node("notification", {"id": "1", "type": "x"}))
    before = [
        (a.phone, a.lid, a.name, a.identity, [d.noise for d in a.devices.values()]) for a in world.network.accounts
    ]
    certificate = world.network.certificate
    world.store.close()
    world.store = Store(tmp_path)
    again = Network(world.store, NO_TOKENS)
    assert [
        (a.phone, a.lid, a.name, a.identity, [d.noise for d in a.devices.values()]) for a in again.accounts
    ] == before
    assert again.certificate == certificate


async def test_a_folder_of_the_first_version_is_brought_up_to_date(world: World, tmp_path: Path) -> None:
    world.store.close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.executescript(
            "alter table accounts drop column about; drop table files; drop table groups; drop table group_members;"
            " drop table group_requests; drop table group_pictures; drop table group_privacy; drop table profiles;"
            " drop table sender_keys; pragma user_version = 1"
        )
    database.close()
    world.store = Store(tmp_path)
    again = Network(world.store, NO_TOKENS)
    again.accounts.tell_about(again.accounts.phone(ANI), "here again")
    assert [account.about for account in Accounts(world.store)] == ["here again", ""]


async def test_device_numbers_are_not_used_again_soon(world: World) -> None:
    account = world.ani
    for number in (2, 3):
        world.network.accounts.next_key_index(account)
        assert account.free_device_id() == number
    account.last_key_index = 255
    assert account.free_device_id() == 2  # 1 is taken.

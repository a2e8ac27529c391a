"""What a session hears while it is being linked and just after, and under which names it hears of others."""

import pytest

from sandbox.world import BUDI, Recorder, World
from warest.ids import Jid
from warest.sandbox import linkcode
from warest.sandbox.addressing import by_phone_number
from warest.sandbox.faults import Fault
from warest.sandbox.nodes import SERVER, Node, Value
from warest.sandbox.signal import Identity
from warest.whatsapp import protos


@pytest.mark.parametrize(
    ("stage", "children", "what"),
    [
        ("companion_hello", [], "<link_code_companion_reg> has no <companion_server_auth_key_pub>"),
        ("companion_hello", [("companion_server_auth_key_pub", b"?")], "a link code for another session"),
        ("companion_finish", [], "nobody has typed this session's code"),
        ("refresh_code", [], "the unknown stage 'refresh_code' of linking by code"),
    ],
)
async def test_a_malformed_link_code_is_refused(
    world: World, stage: str, children: list[tuple[str, bytes]], what: str
) -> None:
    stranger = Recorder(world.network, None)
    world.network.log_in(stranger, registration())
    request = Node(linkcode.TAG, {"stage": stage, "jid": world.ani.pn}, [Node(tag, {}, data) for tag, data in children])
    world.network.handle(stranger, Node("iq", {"id": "1", "xmlns": "md", "type": "set"}, [request]))
    assert stranger.sent.pop().child("error").text("code") == "400"
    assert world.violations() == [what]


def registration() -> bytes:
    """What a client says that wants to be linked."""
    own, props = Identity.generate(), protos.companion.DeviceProps(os="Test")
    payload = protos.wa6.ClientPayload()
    payload.devicePairingData.eIdent = own.key.public
    payload.devicePairingData.eSkeyVal = own.signed.public
    payload.devicePairingData.eSkeySig = own.signature()
    payload.devicePairingData.deviceProps = props.SerializeToString()
    data: bytes = payload.SerializeToString()
    return data


async def test_a_qr_round_has_as_many_references_as_the_fault_says(world: World) -> None:
    world.network.faults.add(Fault.parse({"kind": "qr", "references": 1, "times": 1}))
    counts = []
    for _ in range(2):
        stranger = Recorder(world.network, None)
        world.network.log_in(stranger, registration())
        counts.append(len(stranger.sent.pop().child("pair-device").children))
    assert counts == [1, 6]


async def test_a_greeting_that_cannot_be_opened_is_told_again(world: World) -> None:
    world.network.greeting.greet(world.device)
    greetings = [node for node in world.connection.sent if node.tag == "message"]
    assert [node.text("category") for node in greetings] == ["peer", "peer"]
    for node in greetings:
        again = Node("retry", {"id": node.text("id"), "count": "1"})
        told, ack = world.say("receipt", [again], id=node.text("id"), to=world.ani.pn, type="retry")
        assert (told.text("id"), told.child("enc").text("count")) == (node.text("id"), "1")
        assert ack.text("class") == "receipt"
    assert world.violations() == []


@pytest.mark.parametrize(
    ("stanza", "attrs"),
    [
        (
            Node("message", {"from": Jid("1", "lid", 3), "sender_pn": Jid(BUDI, "s.whatsapp.net", 3)}),
            {"from": Jid(BUDI, "s.whatsapp.net", 3), "sender_lid": Jid("1", "lid", 3)},
        ),
        (
            Node("message", {"from": Jid("2", "lid"), "recipient": Jid("1", "lid"), "peer_recipient_pn": "x"}),
            {"from": Jid("2", "lid"), "recipient": Jid(BUDI, "s.whatsapp.net"), "recipient_lid": Jid("1", "lid")},
        ),
        (Node("receipt", {"from": Jid("1", "lid")}), {"from": Jid(BUDI, "s.whatsapp.net")}),
        (Node("notification", {"from": SERVER}), {"from": SERVER}),
        (Node("iq", {"from": Jid("1", "lid")}), {"from": Jid("1", "lid")}),
    ],
)
async def test_a_client_of_phone_numbers_hears_of_no_lid(world: World, stanza: Node, attrs: dict[str, Value]) -> None:
    world.budi.lid_user = "1"
    world.network.accounts._by_lid["1"] = world.budi
    assert by_phone_number(stanza, world.network.accounts).attrs == attrs

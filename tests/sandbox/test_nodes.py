"""Binary XML: what is written is read again, and what is broken is told so."""

import contextlib
import random
import zlib

import pytest

from warest.ids import Jid
from warest.sandbox.nodes import SERVER, MalformedNode, Node, Value, decode, encode
from warest.whatsapp.library import Tokens

TOKENS = Tokens(("", "xmlstreamstart", "xmlstreamend", "iq", "type", "get"), (("read-self", "active"), ("reject",)))

TEXTS = ("", "a", "id", "628110000001", "Ünïcødé ✓", "x" * 255, "y" * 256, "z" * 70_000)
JIDS: tuple[Jid, ...] = (SERVER, Jid("628110000001", "s.whatsapp.net"), Jid("1234", "lid", 255), Jid("1203", "g.us"))


def random_node(rng: random.Random, depth: int) -> Node:
    values: list[Value] = [*TEXTS, *JIDS]
    attrs = {f"a{n}": rng.choice(values) for n in range(rng.randrange(5))}
    content: bytes | list[Node] | None = rng.choice([None, b"", rng.randbytes(rng.choice([1, 255, 256, 66_000]))])
    if depth and rng.random() < 0.7:
        content = [random_node(rng, depth - 1) for _ in range(rng.choice([0, 1, 2, 3]))]
    return Node(rng.choice(["iq", "message", "Ünïcødé"]), attrs, content)


@pytest.mark.parametrize("seed", range(40))
def test_a_node_survives_the_wire(seed: int) -> None:
    node = random_node(random.Random(seed), depth=3)
    assert decode(encode(node), TOKENS) == node


def test_a_long_list_survives_the_wire() -> None:
    node = Node("list", {}, [Node("item", {"id": str(number)}) for number in range(1000)])
    assert decode(encode(node), TOKENS) == node


def test_a_compressed_node_is_read() -> None:
    node = Node("message", {"to": JIDS[1]}, b"x" * 1000)
    assert decode(b"\x02" + zlib.compress(encode(node)[1:]), TOKENS) == node


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"\x03", "iq"),
        (b"\xec\x01", "active"),
        (b"\xed\x00", "reject"),
        (b"\xff\x83\x62\x81\x1f", "62811"),
        (b"\xff\x02\x1a\xb2", "1-.2"),
        (b"\xfb\x82\xab\xcf", "ABC"),
        (b"\xfc\x02hi", "hi"),
    ],
)
def test_clients_pack_texts(written: bytes, text: str) -> None:
    assert decode(b"\0\xf8\x01" + written, TOKENS) == Node(text)
    # The same as content is bytes, whatever it was packed as.
    assert decode(b"\0\xf8\x02\x03" + written, TOKENS) == Node("iq", {}, text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\x00",
        b"\0\xf8\x00",
        b"\0\xf8\x01\xfc\x05hi",
        b"\0\xf8\x01\xc8",
        b"\0\xf8\x01\xec\xff",
        b"\0\xf8\x01\xff\x01\xcd",
        b"\0\xf8\x01\x03extra",
        b"\0\xf8\x03\x03\x04\xf7\x07\x01\x03",
        b"\0\xf8\x01\xfa\x00\x03",
        b"\0\xf8\x01\xfc\x02\xff\xfe",
        b"\x02not zlib",
        b"\0" + b"\xf8\x02\x03" * 5000,
    ],
)
def test_broken_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedNode):
        decode(data, TOKENS)


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_are_a_node_or_malformed(seed: int) -> None:
    rng = random.Random(seed)
    good = bytearray(encode(random_node(rng, depth=2)))
    for _ in range(3):
        good[rng.randrange(1, len(good))] = rng.randrange(256)
    with contextlib.suppress(MalformedNode):
        decode(bytes(good), TOKENS)


def test_what_a_node_must_have_is_asked_for_by_name() -> None:
    node = Node("iq", {"id": "5", "to": JIDS[1]}, [Node("list", {}, [Node("item", {}, b"x")])])
    assert node.child("list", "item").data == b"x"
    assert node.find("list", "nothing") is None
    assert (node.number("id"), node.jid("to")) == (5, JIDS[1])
    for wrong in (
        lambda: node.child("list", "nothing"),
        lambda: node.text("to"),
        lambda: node.jid("id"),
        lambda: node.text("type"),
        lambda: node.data,
        lambda: Node("x", {"n": "-1"}).number("n"),
    ):
        with pytest.raises(MalformedNode):
            wrong()


def test_a_dump_shows_no_bytes() -> None:
    assert str(Node("a", {"to": JIDS[1]}, [Node("b", {}, b"secret")])) == (
        '<a to="628110000001@s.whatsapp.net"><b>6 bytes</b></a>'
    )

"""WhatsApp's binary XML: a node is a tag, attributes, and bytes or nodes as content.

What a client sends is packed with the token dictionaries of its library; what is sent to a client uses none of
them, because raw strings are accepted everywhere: so a stanza that waits in the offline queue stays readable when
the dictionaries change.

Attributes that hold a JID travel as JID tokens: whatsmeow silently ignores a JID that came as a string.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from warest.ids import LID_SERVER, PN_SERVER, Jid
from warest.whatsapp.library import Tokens

Value = str | Jid
Content = "bytes | list[Node] | None"

LIST_EMPTY = 0
FIRST_DICTIONARY, LAST_DICTIONARY = 236, 239
AD_JID, LIST_8, LIST_16, JID_PAIR = 247, 248, 249, 250
HEX_8, BINARY_8, BINARY_20, BINARY_32, NIBBLE_8 = 251, 252, 253, 254, 255

_NIBBLES = "0123456789-."
_HEX = "0123456789ABCDEF"
_DOMAINS = {0: PN_SERVER, 1: LID_SERVER, 128: "hosted", 129: "hosted.lid"}
_DOMAIN_BYTES = {server: byte for byte, server in _DOMAINS.items()}

SERVER = Jid("", PN_SERVER)

#: To decode what was encoded here.
NO_TOKENS = Tokens((), ())


class MalformedNode(Exception):
    """A client sent bytes that are no node, or a node without something that it must have."""


@dataclass(slots=True)
class Node:
    tag: str
    attrs: dict[str, Value] = field(default_factory=dict)
    content: "bytes | list[Node] | None" = None

    @property
    def children(self) -> "list[Node]":
        return self.content if isinstance(self.content, list) else []

    @property
    def data(self) -> bytes:
        """The content, where it must be bytes."""
        if not isinstance(self.content, bytes):
            raise MalformedNode(f"<{self.tag}> holds no bytes")
        return self.content

    def find(self, *path: str) -> "Node | None":
        """The first child, grandchild ... of these tags."""
        node: Node | None = self
        for tag in path:
            node = next((child for child in node.children if child.tag == tag), None) if node else None
        return node

    def child(self, *path: str) -> "Node":
        found = self.find(*path)
        if found is None:
            raise MalformedNode(f"<{self.tag}> has no <{'><'.join(path)}>")
        return found

    def each(self, tag: str) -> "Iterator[Node]":
        return (child for child in self.children if child.tag == tag)

    def text(self, name: str) -> str:
        """An attribute that must be there and no JID."""
        value = self.attrs.get(name)
        if not isinstance(value, str):
            raise MalformedNode(f"<{self.tag}> has no text {name}=")
        return value

    def number(self, name: str) -> int:
        text = self.text(name)
        if not text.isdecimal():
            raise MalformedNode(f"<{self.tag} {name}={text!r}> is no number")
        return int(text)

    def jid(self, name: str) -> Jid:
        value = self.attrs.get(name)
        if not isinstance(value, Jid):
            raise MalformedNode(f"<{self.tag}> has no JID {name}=")
        return value

    def __str__(self) -> str:
        """XML for people; bytes are shown by their length only, so that a log holds no keys."""
        attrs = "".join(f' {name}="{value}"' for name, value in self.attrs.items())
        if self.content is None:
            return f"<{self.tag}{attrs}/>"
        inner = "".join(map(str, self.content)) if isinstance(self.content, list) else f"{len(self.content)} bytes"
        return f"<{self.tag}{attrs}>{inner}</{self.tag}>"


def encode(node: Node) -> bytes:
    """A flag byte of 0 (not compressed) and the node."""
    out = bytearray(1)
    _write_node(out, node)
    return bytes(out)


def _write_node(out: bytearray, node: Node) -> None:
    _write_list_size(out, 1 + 2 * len(node.attrs) + (node.content is not None))
    _write_string(out, node.tag)
    for name, value in node.attrs.items():
        _write_string(out, name)
        if isinstance(value, Jid):
            _write_jid(out, value)
        else:
            _write_string(out, value)
    if isinstance(node.content, list):
        _write_list_size(out, len(node.content))
        for child in node.content:
            _write_node(out, child)
    elif node.content is not None:
        _write_bytes(out, node.content)


def _write_list_size(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(LIST_EMPTY)
    elif size < 256:
        out += bytes((LIST_8, size))
    else:
        out.append(LIST_16)
        out += size.to_bytes(2, "big")


def _write_string(out: bytearray, text: str) -> None:
    _write_bytes(out, text.encode())


def _write_bytes(out: bytearray, data: bytes) -> None:
    size = len(data)
    if size < 256:
        out += bytes((BINARY_8, size))
    elif size < 1 << 20:
        out.append(BINARY_20)
        out += size.to_bytes(3, "big")
    else:
        out.append(BINARY_32)
        out += size.to_bytes(4, "big")
    out += data


def _write_jid(out: bytearray, jid: Jid) -> None:
    if jid.device:
        out += bytes((AD_JID, _DOMAIN_BYTES[jid.server], jid.device))
        _write_string(out, jid.user)
        return
    out.append(JID_PAIR)
    if jid.user:
        _write_string(out, jid.user)
    else:
        out.append(LIST_EMPTY)
    _write_string(out, jid.server)


def decode(data: bytes, tokens: Tokens) -> Node:
    try:
        if data[0] & 2:
            data = b"\0" + zlib.decompress(data[1:])
        reader = _Reader(data, tokens)
        node = reader.node(reader.list_size(reader.byte()))
    except (IndexError, UnicodeDecodeError, zlib.error, RecursionError) as error:
        raise MalformedNode(f"not a node: {error}") from error
    if reader.position != len(data):
        raise MalformedNode(f"{len(data) - reader.position} bytes behind the node")
    return node


class _Reader:
    def __init__(self, data: bytes, tokens: Tokens) -> None:
        self.data = data
        self.tokens = tokens
        self.position = 1  # behind the flag byte

    def byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.data):
            raise MalformedNode("the node ends too early")
        data = self.data[self.position : end]
        self.position = end
        return data

    def list_size(self, kind: int) -> int:
        if kind == LIST_EMPTY:
            return 0
        if kind == LIST_8:
            return self.byte()
        if kind == LIST_16:
            return self.number(2)
        raise MalformedNode(f"byte {kind} starts no list")

    def node(self, size: int) -> Node:
        if size == 0:
            raise MalformedNode("an empty list in the place of a node")
        tag = self.string()
        attrs: dict[str, Value] = {}
        for _ in range((size - 1) // 2):
            name = self.string()
            attrs[name] = self.value(self.byte())
        return Node(tag, attrs, None if size % 2 else self.content())

    def content(self) -> "bytes | list[Node] | None":
        kind = self.byte()
        if kind in (LIST_8, LIST_16):
            return [self.node(self.list_size(self.byte())) for _ in range(self.list_size(kind))]
        if kind == LIST_EMPTY:
            return []
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            return self.binary(kind)
        return str(self.value(kind)).encode()

    def string(self) -> str:
        value = self.value(self.byte())
        if isinstance(value, Jid):
            raise MalformedNode(f"the JID {value} in the place of a name")
        return value

    def value(self, kind: int) -> Value:
        if 0 < kind < FIRST_DICTIONARY:
            return self.tokens.single[kind]
        if kind <= LAST_DICTIONARY and kind >= FIRST_DICTIONARY:
            return self.tokens.double[kind - FIRST_DICTIONARY][self.byte()]
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            return self.binary(kind).decode()
        if kind in (NIBBLE_8, HEX_8):
            return self.packed(_NIBBLES if kind == NIBBLE_8 else _HEX)
        if kind == JID_PAIR:
            first = self.byte()
            user = "" if first == LIST_EMPTY else str(self.value(first))
            return Jid(user, self.string())
        if kind == AD_JID:
            domain, device = self.byte(), self.byte()
            if domain not in _DOMAINS:
                raise MalformedNode(f"a JID of the unknown domain {domain}")
            return Jid(self.string(), _DOMAINS[domain], device)
        if kind == LIST_EMPTY:
            return ""
        raise MalformedNode(f"byte {kind} starts no value")

    def binary(self, kind: int) -> bytes:
        return self.take(self.number({BINARY_8: 1, BINARY_20: 3, BINARY_32: 4}[kind]))

    def packed(self, alphabet: str) -> str:
        """Two characters a byte; the top bit of the length says that the last half byte is padding."""
        length = self.byte()
        halves = [half for byte in self.take(length & 0x7F) for half in (byte >> 4, byte & 15)]
        if length & 0x80:
            halves.pop()
        return "".join(alphabet[half] for half in halves)

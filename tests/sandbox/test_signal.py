"""Signal between two parties that both are this code; the end-to-end tests set it against whatsmeow's."""

import pytest

from warest.sandbox.crypto import KeyPair
from warest.sandbox.signal import Bundle, FirstMessage, Identity, Record, Session, Undecryptable, pad, unpad


class Party:
    """Someone with an identity, one one-time prekey and a record for the other."""

    def __init__(self) -> None:
        self.identity, self.one_time, self.record = Identity.generate(), KeyPair.generate(), Record()

    def bundle(self, *, one_time: bool = True) -> Bundle:
        return self.identity.bundle((7, self.one_time.public) if one_time else None)

    def start(self, bundle: Bundle) -> None:
        self.record.promote(Session.start(self.identity, bundle))

    def write(self, text: bytes) -> tuple[str, bytes]:
        assert self.record.current
        message = self.record.current.encrypt(self.identity, text)
        self.record = Record.from_bytes(self.record.to_bytes())  # As after a restart.
        return message

    def read(self, message: tuple[str, bytes]) -> bytes:
        kind, body = message
        if kind == "pkmsg":
            first = FirstMessage.parse(body)
            body = first.body
            if not self.record.has(first.base_key):
                one_time = self.one_time if first.one_time_id == 7 else None
                session = Session.accept(self.identity, one_time, first.identity, first.base_key)
                after, text = session.decrypt(self.identity, body)
                self.record.promote(after)
                return text
        return self.record.decrypt(self.identity, body)


@pytest.fixture
def alice() -> Party:
    return Party()


@pytest.fixture
def bob() -> Party:
    return Party()


@pytest.mark.parametrize("one_time", [True, False])
def test_a_conversation(alice: Party, bob: Party, one_time: bool) -> None:
    alice.start(bob.bundle(one_time=one_time))
    assert bob.read(alice.write(b"hello")) == b"hello"
    second = alice.write(b"still the first flight")
    assert second[0] == "pkmsg"
    assert bob.read(second) == b"still the first flight"
    for number in range(4):
        answer = bob.write(b"answer %d" % number)
        assert answer[0] == "msg"
        assert alice.read(answer) == b"answer %d" % number
        assert bob.read(alice.write(b"next %d" % number)) == b"next %d" % number


def test_messages_out_of_order(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    messages = [alice.write(b"%d" % number) for number in range(5)]
    assert [bob.read(messages[number]) for number in (3, 0, 4, 1, 2)] == [b"3", b"0", b"4", b"1", b"2"]
    late = alice.write(b"late")
    alice.read(bob.write(b"turns the ratchet"))
    assert bob.read(alice.write(b"on the new chain")) == b"on the new chain"
    assert bob.read(late) == b"late"


def test_a_message_opens_once(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    message = alice.write(b"once")
    bob.read(message)
    with pytest.raises(Undecryptable, match="before"):
        bob.read(message)


def test_first_messages_that_cross(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    bob.start(alice.bundle())
    from_alice, from_bob = alice.write(b"from Alice"), bob.write(b"from Bob")
    assert (bob.read(from_alice), alice.read(from_bob)) == (b"from Alice", b"from Bob")
    for number in range(3):
        assert bob.read(alice.write(b"a%d" % number)) == b"a%d" % number
        assert alice.read(bob.write(b"b%d" % number)) == b"b%d" % number


def test_a_forgery_changes_nothing(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    bob.read(alice.write(b"first"))
    alice.read(bob.write(b"an answer, so that the next is no pkmsg"))
    before = bob.record.to_bytes()
    kind, body = alice.write(b"second")
    for place in (1, 20, len(body) - 1):
        forged = bytearray(body)
        forged[place] ^= 1
        with pytest.raises(Undecryptable):
            bob.read((kind, bytes(forged)))
    assert bob.record.to_bytes() == before
    assert bob.read((kind, body)) == b"second"


def test_a_new_session_heals_a_lost_one(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    bob.read(alice.write(b"first"))
    alice.read(bob.write(b"answer"))
    bob.record = Record()
    with pytest.raises(Undecryptable, match="no session"):
        bob.read(alice.write(b"nobody can open this"))
    alice.start(bob.bundle(one_time=False))
    again = alice.write(b"again")
    assert again[0] == "pkmsg"
    assert bob.read(again) == b"again"
    assert alice.read(bob.write(b"healed")) == b"healed"


def test_too_far_ahead_is_refused(alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    for _ in range(2002):
        assert alice.record.current
        message = alice.record.current.encrypt(alice.identity, b"x")
    with pytest.raises(Undecryptable, match="too far"):
        bob.read(message)


@pytest.mark.parametrize("data", [b"", b"\x33", b"\x32rest", b"\x33\xff\xff", b"\x33" + bytes(40)])
def test_nonsense_is_undecryptable(data: bytes, alice: Party, bob: Party) -> None:
    alice.start(bob.bundle())
    bob.read(alice.write(b"first"))
    for kind in ("msg", "pkmsg"):
        with pytest.raises(Undecryptable):
            bob.read((kind, data))


def test_an_identity_is_stored() -> None:
    identity = Identity.generate()
    assert Identity.from_bytes(identity.to_bytes()) == identity


def test_padding() -> None:
    for text in (b"", b"x", b"\x05" * 20):
        assert unpad(pad(text)) == text
    for broken in (b"", b"\x00", b"\x05"):
        with pytest.raises(Undecryptable):
            unpad(broken)

"""The Noise handshake, against a client's side that is written here from the specification."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warest.sandbox.crypto import KeyPair, hkdf, sha256, signed
from warest.sandbox.noise import HEADER, PATTERN, Certificate, Frames, Handshake, NoiseError, Transport, frame
from warest.whatsapp import protos


class Initiator:
    """A client: the mirror image of `Handshake`."""

    def __init__(self) -> None:
        self.static, self.ephemeral = KeyPair.generate(), KeyPair.generate()
        self.hash, self.chaining, self.key, self.counter = sha256(PATTERN + HEADER), PATTERN, b"", 0
        self.mix(self.ephemeral.public)

    def mix(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data)

    def mix_key(self, secret: bytes) -> None:
        keys = hkdf(secret, 64, salt=self.chaining)
        self.chaining, self.key, self.counter = keys[:32], keys[32:], 0

    def crypt(self, data: bytes, *, seal: bool) -> bytes:
        cipher, iv = AESGCM(self.key), bytes(8) + self.counter.to_bytes(4, "big")
        out = cipher.encrypt(iv, data, self.hash) if seal else cipher.decrypt(iv, data, self.hash)
        self.counter += 1
        self.mix(out if seal else data)
        return out

    def hello(self) -> bytes:
        message = protos.wa6.HandshakeMessage()
        message.clientHello.ephemeral = self.ephemeral.public
        data: bytes = message.SerializeToString()
        return data

    def finish(self, server_hello: bytes, payload: bytes) -> bytes:
        hello = protos.wa6.HandshakeMessage.FromString(server_hello).serverHello
        self.mix(hello.ephemeral)
        self.mix_key(self.ephemeral.dh(hello.ephemeral))
        self.server_static = self.crypt(hello.static, seal=False)
        self.mix_key(self.ephemeral.dh(self.server_static))
        self.chain = protos.cert.CertChain.FromString(self.crypt(hello.payload, seal=False))
        message = protos.wa6.HandshakeMessage()
        message.clientFinish.static = self.crypt(self.static.public, seal=True)
        self.mix_key(self.static.dh(hello.ephemeral))
        message.clientFinish.payload = self.crypt(payload, seal=True)
        data: bytes = message.SerializeToString()
        return data

    def split(self) -> Transport:
        keys = hkdf(b"", 64, salt=self.chaining)
        return Transport(receive_key=keys[32:], send_key=keys[:32])


def test_both_sides_agree() -> None:
    client, server = Initiator(), Handshake(Certificate.generate())
    finish = client.finish(server.answer(client.hello()), b"the payload")
    assert server.finish(finish) == b"the payload"
    assert server.client_static == client.static.public
    theirs, ours = client.split(), server.split()
    for number in range(3):
        assert ours.open(theirs.seal(b"up %d" % number)) == b"up %d" % number
        assert theirs.open(ours.seal(b"down %d" % number)) == b"down %d" % number


def test_the_root_vouches_for_the_server() -> None:
    certificate = Certificate.from_bytes(Certificate.generate().to_bytes())
    client, server = Initiator(), Handshake(certificate)
    client.finish(server.answer(client.hello()), b"")
    details = protos.cert.CertChain.NoiseCertificate.Details
    intermediate = details.FromString(client.chain.intermediate.details)
    leaf = details.FromString(client.chain.leaf.details)
    assert signed(certificate.root.public, client.chain.intermediate.details, client.chain.intermediate.signature)
    assert signed(intermediate.key, client.chain.leaf.details, client.chain.leaf.signature)
    assert (intermediate.issuerSerial, leaf.issuerSerial) == (0, intermediate.serial)
    assert leaf.key == client.server_static == certificate.static.public


def test_a_wrong_handshake_is_refused() -> None:
    client, server = Initiator(), Handshake(Certificate.generate())
    with pytest.raises(NoiseError):
        server.answer(b"\xff\xff")
    finish = bytearray(client.finish(server.answer(client.hello()), b"payload"))
    finish[-1] ^= 1
    with pytest.raises(NoiseError):
        server.finish(bytes(finish))


@pytest.mark.parametrize("ciphertext", [b"", b"short", bytes(64)])
def test_a_frame_that_was_not_sealed_is_refused(ciphertext: bytes) -> None:
    with pytest.raises(NoiseError):
        Transport(receive_key=bytes(32), send_key=bytes(32)).open(ciphertext)


def test_frames_are_cut_wherever_the_bytes_are() -> None:
    stream = HEADER + frame(b"one") + frame(b"") + frame(b"x" * 300)
    for size in (1, 2, 3, 7, len(stream)):
        frames = Frames()
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [found for piece in pieces for found in frames.feed(piece)] == [b"one", b"", b"x" * 300]


def test_another_protocol_is_refused() -> None:
    with pytest.raises(NoiseError):
        Frames().feed(b"ED\0\1")

"""The server's side of Noise_XX_25519_AESGCM_SHA256, WhatsApp's transport, and its certificate chain.

<- ClientHello{ephemeral}, -> ServerHello{ephemeral, static, certificate chain}, <- ClientFinish{static, payload};
then every frame is sealed with one key for each direction. A frame is a 3-byte length and the ciphertext.
"""

import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warest.sandbox.crypto import KeyPair, hkdf, sha256
from warest.whatsapp import protos

PATTERN = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"

#: "WA", the protocol and the dictionary version: the client's first bytes, and the prologue.
HEADER = b"WA\x06\x03"

_DAY = 24 * 3600
_MAX_FRAME = (1 << 24) - 1


class NoiseError(Exception):
    """The client's handshake or frame is not what the protocol says."""


@dataclass(frozen=True)
class Certificate:
    """What proves a server to clients that trust `root`: the server's static key, and who signed it."""

    root: KeyPair
    intermediate: KeyPair
    static: KeyPair

    @staticmethod
    def generate() -> "Certificate":
        return Certificate(KeyPair.generate(), KeyPair.generate(), KeyPair.generate())

    @staticmethod
    def from_bytes(data: bytes) -> "Certificate":
        return Certificate(*(KeyPair.of(data[start : start + 32]) for start in (0, 32, 64)))

    def to_bytes(self) -> bytes:
        return self.root.private + self.intermediate.private + self.static.private

    def chain(self) -> bytes:
        """A CertChain that is valid from yesterday. whatsmeow wants issuer 0 to be the root."""
        chain = protos.cert.CertChain()
        _issue(chain.intermediate, self.root, serial=1, issuer=0, key=self.intermediate.public)
        _issue(chain.leaf, self.intermediate, serial=2, issuer=1, key=self.static.public)
        data: bytes = chain.SerializeToString()
        return data


def _issue(certificate: Any, signer: KeyPair, *, serial: int, issuer: int, key: bytes) -> None:
    now = int(time.time())
    details = protos.cert.CertChain.NoiseCertificate.Details(
        serial=serial, issuerSerial=issuer, key=key, notBefore=now - _DAY, notAfter=now + 365 * _DAY
    )
    certificate.details = details.SerializeToString()
    certificate.signature = signer.sign(certificate.details)


class Handshake:
    """One handshake; afterwards `split()` gives the transport, and `client_static` says who it is."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._ephemeral = KeyPair.generate()
        self._hash = self._chaining = self._key = PATTERN
        self._counter = 0
        self._mix_hash(HEADER)
        self.client_static = b""

    def answer(self, client_hello: bytes) -> bytes:
        """ClientHello in, ServerHello out."""
        client = _parse(client_hello).clientHello.ephemeral
        self._client_ephemeral = client
        self._mix_hash(client)
        self._mix_hash(self._ephemeral.public)
        self._mix_key(self._ephemeral.dh(client))
        static = self._seal(self._certificate.static.public)
        self._mix_key(self._certificate.static.dh(client))
        hello = protos.wa6.HandshakeMessage()
        hello.serverHello.ephemeral = self._ephemeral.public
        hello.serverHello.static = static
        hello.serverHello.payload = self._seal(self._certificate.chain())
        data: bytes = hello.SerializeToString()
        return data

    def finish(self, client_finish: bytes) -> bytes:
        """ClientFinish in, the serialised ClientPayload out."""
        finish = _parse(client_finish).clientFinish
        self.client_static = self._open(finish.static)
        self._mix_key(self._ephemeral.dh(self.client_static))
        return self._open(finish.payload)

    def split(self) -> "Transport":
        keys = hkdf(b"", 64, salt=self._chaining)
        return Transport(receive_key=keys[:32], send_key=keys[32:])

    def _mix_hash(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data)

    def _mix_key(self, secret: bytes) -> None:
        keys = hkdf(secret, 64, salt=self._chaining)
        self._chaining, self._key, self._counter = keys[:32], keys[32:], 0

    def _seal(self, plaintext: bytes) -> bytes:
        ciphertext = AESGCM(self._key).encrypt(_iv(self._counter), plaintext, self._hash)
        self._counter += 1
        self._mix_hash(ciphertext)
        return ciphertext

    def _open(self, ciphertext: bytes) -> bytes:
        try:
            plaintext = AESGCM(self._key).decrypt(_iv(self._counter), ciphertext, self._hash)
        except InvalidTag as error:
            raise NoiseError("the handshake does not decrypt") from error
        self._counter += 1
        self._mix_hash(ciphertext)
        return plaintext


class Transport:
    """The two directions after the handshake; every frame has its own counter."""

    def __init__(self, *, receive_key: bytes, send_key: bytes) -> None:
        self._receive, self._send = AESGCM(receive_key), AESGCM(send_key)
        self._received = self._sent = 0

    def seal(self, plaintext: bytes) -> bytes:
        ciphertext = self._send.encrypt(_iv(self._sent), plaintext, None)
        self._sent += 1
        return ciphertext

    def open(self, ciphertext: bytes) -> bytes:
        try:
            plaintext = self._receive.decrypt(_iv(self._received), ciphertext, None)
        except InvalidTag as error:
            raise NoiseError("a frame does not decrypt") from error
        self._received += 1
        return plaintext


def frame(data: bytes) -> bytes:
    if len(data) > _MAX_FRAME:
        raise NoiseError(f"{len(data)} bytes do not fit into one frame")
    return len(data).to_bytes(3, "big") + data


class Frames:
    """Cuts the client's bytes into frames, wherever the websocket cut them; the first begins behind HEADER."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._headed = False

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        if not self._headed:
            if len(self._buffer) < len(HEADER):
                return []
            if not self._buffer.startswith(HEADER):
                raise NoiseError("the connection does not begin with WA\\x06\\x03")
            del self._buffer[: len(HEADER)]
            self._headed = True
        return self._cut()

    def _cut(self) -> list[bytes]:
        frames, start = [], 0
        while len(self._buffer) - start >= 3:
            end = start + 3 + int.from_bytes(self._buffer[start : start + 3], "big")
            if end > len(self._buffer):
                break
            frames.append(bytes(self._buffer[start + 3 : end]))
            start = end
        del self._buffer[:start]
        return frames


def _parse(data: bytes) -> Any:
    try:
        return protos.wa6.HandshakeMessage.FromString(data)
    except Exception as error:
        raise NoiseError("not a handshake message") from error


def _iv(counter: int) -> bytes:
    return bytes(8) + counter.to_bytes(4, "big")

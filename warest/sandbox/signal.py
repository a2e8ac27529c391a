"""Signal, version 3, as WhatsApp uses it: X3DH, the double ratchet, and the records that hold sessions.

A record keeps the current session with a device and up to ten older ones, because both sides may start one at the
same time. A message changes a session only after its MAC has been verified: `Session.decrypt` answers with the
session as it is afterwards and leaves the old one alone.
"""

import hmac
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from warest.sandbox.crypto import DJB, KeyPair, decrypt_cbc, encrypt_cbc, hkdf, hmac256

VERSION = b"\x33"

_MAC = 8
_MAX_OLD_SESSIONS = 10
_MAX_RECEIVING_CHAINS = 5
_MAX_SKIPPED = 2000


class Undecryptable(Exception):
    """No session of the record opens the message: the sender is to be asked for a retry."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a device publishes so that others can start a session with it."""

    registration: int
    identity: bytes
    signed_id: int
    signed_public: bytes
    signature: bytes
    one_time: tuple[int, bytes] | None


@dataclass(frozen=True, slots=True)
class Identity:
    """The long-lived secrets of a device: identity key and signed prekey."""

    registration: int
    key: KeyPair
    signed_id: int
    signed: KeyPair

    @staticmethod
    def generate() -> "Identity":
        return Identity(secrets.randbelow(16380) + 1, KeyPair.generate(), 1, KeyPair.generate())

    def signature(self) -> bytes:
        return self.key.sign(DJB + self.signed.public)

    def bundle(self, one_time: tuple[int, bytes] | None) -> Bundle:
        """What to publish, with the number and public key of a one-time prekey if there is one."""
        return Bundle(
            self.registration, self.key.public, self.signed_id, self.signed.public, self.signature(), one_time
        )

    def to_bytes(self) -> bytes:
        numbers = self.registration.to_bytes(4, "big") + self.signed_id.to_bytes(4, "big")
        return numbers + self.key.private + self.signed.private

    @staticmethod
    def from_bytes(data: bytes) -> "Identity":
        return Identity(
            int.from_bytes(data[:4], "big"),
            KeyPair.of(data[8:40]),
            int.from_bytes(data[4:8], "big"),
            KeyPair.of(data[40:72]),
        )


@dataclass(slots=True)
class ReceivingChain:
    ratchet: bytes
    key: bytes
    counter: int = 0
    #: Seeds of messages that were jumped over, by counter.
    skipped: dict[int, bytes] = field(default_factory=dict)

    def seed_of(self, counter: int) -> bytes:
        """Advance to the message and return the seed of its keys."""
        if counter < self.counter:
            if counter not in self.skipped:
                raise Undecryptable(f"message {counter} was opened before, or its key is gone")
            return self.skipped.pop(counter)
        if counter - self.counter > _MAX_SKIPPED:
            raise Undecryptable(f"message {counter} is too far ahead of {self.counter}")
        while self.counter < counter:
            number = self.counter
            self.skipped[number] = self._step()
        while len(self.skipped) > _MAX_SKIPPED:
            del self.skipped[min(self.skipped)]
        return self._step()

    def _step(self) -> bytes:
        seed = hmac256(self.key, b"\x01")
        self.key = hmac256(self.key, b"\x02")
        self.counter += 1
        return seed


@dataclass(frozen=True, slots=True)
class Pending:
    """What a session's first messages repeat until the other side has answered."""

    one_time_id: int | None
    signed_id: int
    base_key: bytes


@dataclass(slots=True)
class Session:
    remote_identity: bytes
    #: The initiator's base key: names the session on both sides.
    base_key: bytes
    root: bytes
    ratchet: KeyPair
    sending_key: bytes
    counter: int = 0
    previous_counter: int = 0
    receiving: list[ReceivingChain] = field(default_factory=list)
    pending: Pending | None = None

    @staticmethod
    def start(own: Identity, bundle: Bundle) -> "Session":
        """The initiator's side of X3DH."""
        base = KeyPair.generate()
        secrets_ = [
            own.key.dh(bundle.signed_public),
            base.dh(bundle.identity),
            base.dh(bundle.signed_public),
        ]
        if bundle.one_time:
            secrets_.append(base.dh(bundle.one_time[1]))
        root, chain = _agree(secrets_)
        ratchet = KeyPair.generate()
        sending_root, sending_key = _ratchet(root, ratchet.dh(bundle.signed_public))
        return Session(
            bundle.identity,
            base.public,
            sending_root,
            ratchet,
            sending_key,
            receiving=[ReceivingChain(bundle.signed_public, chain)],
            pending=Pending(bundle.one_time[0] if bundle.one_time else None, bundle.signed_id, base.public),
        )

    @staticmethod
    def accept(own: Identity, one_time: KeyPair | None, identity: bytes, base_key: bytes) -> "Session":
        """The other side of X3DH, on a session's first message."""
        secrets_ = [own.signed.dh(identity), own.key.dh(base_key), own.signed.dh(base_key)]
        if one_time:
            secrets_.append(one_time.dh(base_key))
        root, chain = _agree(secrets_)
        return Session(identity, base_key, root, own.signed, chain)

    def encrypt(self, own: Identity, plaintext: bytes) -> tuple[str, bytes]:
        """The kind of the message, `pkmsg` or `msg`, and its bytes. Save the session before they leave."""
        cipher_key, mac_key, iv = _message_keys(hmac256(self.sending_key, b"\x01"))
        self.sending_key = hmac256(self.sending_key, b"\x02")
        message = _WhisperMessage(
            ratchetKey=DJB + self.ratchet.public,
            counter=self.counter,
            previousCounter=self.previous_counter,
            ciphertext=encrypt_cbc(cipher_key, iv, plaintext),
        )
        self.counter += 1
        body = VERSION + message.SerializeToString()
        body += _mac(mac_key, own.key.public, self.remote_identity, body)
        return ("pkmsg", self._as_first(own, body)) if self.pending else ("msg", body)

    def _as_first(self, own: Identity, body: bytes) -> bytes:
        assert self.pending
        message = _PreKeyMessage(
            registrationId=own.registration,
            preKeyId=self.pending.one_time_id,
            signedPreKeyId=self.pending.signed_id,
            baseKey=DJB + self.pending.base_key,
            identityKey=DJB + own.key.public,
            message=body,
        )
        data: bytes = VERSION + message.SerializeToString()
        return data

    def decrypt(self, own: Identity, body: bytes) -> tuple["Session", bytes]:
        """The session after the message, and the plaintext."""
        message = parse(_WhisperMessage, body[:-_MAC])
        after = self._copy()
        chain = after._chain_of(public_key(message.ratchetKey))
        cipher_key, mac_key, iv = _message_keys(chain.seed_of(message.counter))
        if not hmac.compare_digest(_mac(mac_key, self.remote_identity, own.key.public, body[:-_MAC]), body[-_MAC:]):
            raise Undecryptable("the MAC does not match")
        after.pending = None
        try:
            return after, decrypt_cbc(cipher_key, iv, message.ciphertext)
        except ValueError as error:
            raise Undecryptable(str(error)) from error

    def _copy(self) -> "Session":
        return replace(self, receiving=[replace(chain, skipped=dict(chain.skipped)) for chain in self.receiving])

    def _chain_of(self, ratchet: bytes) -> ReceivingChain:
        """The receiving chain of the sender's ratchet key; a new key turns the ratchet on both sides."""
        for chain in self.receiving:
            if chain.ratchet == ratchet:
                return chain
        root, key = _ratchet(self.root, self.ratchet.dh(ratchet))
        chain = ReceivingChain(ratchet, key)
        self.receiving = [*self.receiving, chain][-_MAX_RECEIVING_CHAINS:]
        self.ratchet = KeyPair.generate()
        self.root, self.sending_key = _ratchet(root, self.ratchet.dh(ratchet))
        self.previous_counter, self.counter = max(self.counter - 1, 0), 0
        return chain

    def to_list(self) -> list[Any]:
        pending = self.pending
        return [
            self.remote_identity.hex(),
            self.base_key.hex(),
            self.root.hex(),
            self.ratchet.private.hex(),
            self.ratchet.public.hex(),
            self.sending_key.hex(),
            self.counter,
            self.previous_counter,
            [
                [chain.ratchet.hex(), chain.key.hex(), chain.counter, {n: s.hex() for n, s in chain.skipped.items()}]
                for chain in self.receiving
            ],
            pending and [pending.one_time_id, pending.signed_id, pending.base_key.hex()],
        ]

    @staticmethod
    def from_list(data: list[Any]) -> "Session":
        identity, base, root, private, public, sending_key, counter, previous, receiving, pending = data
        key = bytes.fromhex
        return Session(
            key(identity),
            key(base),
            key(root),
            KeyPair(key(private), key(public)),
            key(sending_key),
            counter,
            previous,
            [
                ReceivingChain(key(ratchet), key(chain), at, {int(n): key(seed) for n, seed in skipped.items()})
                for ratchet, chain, at, skipped in receiving
            ],
            pending and Pending(pending[0], pending[1], key(pending[2])),
        )


@dataclass(frozen=True, slots=True)
class FirstMessage:
    """A `pkmsg`: the offer of a session around an ordinary message."""

    one_time_id: int | None
    signed_id: int
    base_key: bytes
    identity: bytes
    body: bytes

    @staticmethod
    def parse(data: bytes) -> "FirstMessage":
        message = parse(_PreKeyMessage, data)
        return FirstMessage(
            message.preKeyId if message.HasField("preKeyId") else None,
            message.signedPreKeyId,
            public_key(message.baseKey),
            public_key(message.identityKey),
            message.message,
        )


@dataclass(slots=True)
class Record:
    """The sessions with one device, the current one first."""

    sessions: list[Session] = field(default_factory=list)

    @property
    def current(self) -> Session | None:
        return self.sessions[0] if self.sessions else None

    def has(self, base_key: bytes) -> bool:
        return any(session.base_key == base_key for session in self.sessions)

    def promote(self, session: Session) -> None:
        """Make it the current one; the others stay readable for a while."""
        self.sessions = [session, *(s for s in self.sessions if s.base_key != session.base_key)]
        del self.sessions[1 + _MAX_OLD_SESSIONS :]

    def decrypt(self, own: Identity, body: bytes) -> bytes:
        """Try the current session, then the old ones; the one that fits becomes current."""
        reason = "there is no session with this device"
        for session in self.sessions:
            try:
                after, plaintext = session.decrypt(own, body)
            except Undecryptable as error:
                reason = str(error)
                continue
            self.promote(after)
            return plaintext
        raise Undecryptable(reason)

    def to_bytes(self) -> bytes:
        return json.dumps([session.to_list() for session in self.sessions], separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes) -> "Record":
        return Record([Session.from_list(session) for session in json.loads(data)])


def pad(plaintext: bytes) -> bytes:
    """WhatsApp hides a message's length behind 1 to 15 bytes that say how many they are."""
    count = secrets.randbelow(15) + 1
    return plaintext + bytes([count]) * count


def unpad(padded: bytes) -> bytes:
    if not padded or not 0 < padded[-1] <= len(padded):
        raise Undecryptable("the padding is broken")
    return padded[: -padded[-1]]


def _agree(secrets_: list[bytes]) -> tuple[bytes, bytes]:
    keys = hkdf(b"\xff" * 32 + b"".join(secrets_), 64, info=b"WhisperText")
    return keys[:32], keys[32:]


def _ratchet(root: bytes, secret: bytes) -> tuple[bytes, bytes]:
    keys = hkdf(secret, 64, salt=root, info=b"WhisperRatchet")
    return keys[:32], keys[32:]


def _message_keys(seed: bytes) -> tuple[bytes, bytes, bytes]:
    keys = hkdf(seed, 80, info=b"WhisperMessageKeys")
    return keys[:32], keys[32:64], keys[64:]


def _mac(key: bytes, sender: bytes, receiver: bytes, body: bytes) -> bytes:
    return hmac256(key, DJB + sender + DJB + receiver + body)[:_MAC]


def public_key(serialised: bytes) -> bytes:
    if len(serialised) != 33 or serialised[:1] != DJB:
        raise Undecryptable("a key is no Curve25519 key")
    return serialised[1:]


def parse(message: Any, data: bytes) -> Any:
    if data[:1] != VERSION:
        raise Undecryptable("not a message of Signal version 3")
    try:
        return message.FromString(data[1:])
    except Exception as error:
        raise Undecryptable("not a Signal message") from error


def define(package: str, layout: dict[str, dict[str, tuple[int, type]]]) -> list[Any]:
    """Classes for Signal's messages, which are not among neonize's protobufs: name -> field -> number and type."""
    kinds = descriptor_pb2.FieldDescriptorProto
    types = {int: kinds.TYPE_UINT32, bytes: kinds.TYPE_BYTES}
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, fields in layout.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            message.field.add(name=field_name, number=number, type=types[kind], label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"{package}.{name}") for name in layout)
    return [message_factory.GetMessageClass(descriptor) for descriptor in found]


_WhisperMessage, _PreKeyMessage = define(
    "signal",
    {
        "WhisperMessage": {
            "ratchetKey": (1, bytes),
            "counter": (2, int),
            "previousCounter": (3, int),
            "ciphertext": (4, bytes),
        },
        "PreKeyWhisperMessage": {
            "preKeyId": (1, int),
            "baseKey": (2, bytes),
            "identityKey": (3, bytes),
            "message": (4, bytes),
            "registrationId": (5, int),
            "signedPreKeyId": (6, int),
        },
    },
)

"""Signal's sender keys: how messages to groups are encrypted, once for all members.

Whoever writes to a group hands the key of his own chain to each device there, over the session with it, and then
sends to all the same ciphertext under it, signed.
"""

import json
import secrets
from dataclasses import dataclass, field

from warest.ids import Jid
from warest.sandbox.accounts import Account, Device
from warest.sandbox.crypto import DJB, KeyPair, decrypt_cbc, encrypt_cbc, hkdf, hmac256, signed
from warest.sandbox.nodes import Node
from warest.sandbox.signal import VERSION, Undecryptable, define, pad, parse, public_key, unpad
from warest.sandbox.store import Store

_SIGNATURE = 64
_MAX_SKIPPED = 2000

_Message, _Distribution = define(
    "sender_keys",
    {
        "SenderKeyMessage": {"id": (1, int), "iteration": (2, int), "ciphertext": (3, bytes)},
        "SenderKeyDistributionMessage": {
            "id": (1, int),
            "iteration": (2, int),
            "chainKey": (3, bytes),
            "signingKey": (4, bytes),
        },
    },
)


@dataclass(slots=True)
class SenderKey:
    """A chain as far as it has come; only its owner has the private key."""

    id: int
    iteration: int
    chain: bytes
    public: bytes
    private: bytes = b""
    #: Seeds of messages that were jumped over, by iteration.
    skipped: dict[int, bytes] = field(default_factory=dict)

    @staticmethod
    def generate() -> "SenderKey":
        pair = KeyPair.generate()
        return SenderKey(secrets.randbelow(2**31), 0, secrets.token_bytes(32), pair.public, pair.private)

    @staticmethod
    def received(distribution: bytes) -> "SenderKey":
        told = parse(_Distribution, distribution)
        return SenderKey(told.id, told.iteration, told.chainKey, public_key(told.signingKey))

    def distribution(self) -> bytes:
        told = _Distribution(
            id=self.id, iteration=self.iteration, chainKey=self.chain, signingKey=DJB + self.public
        ).SerializeToString()
        return VERSION + bytes(told)

    def encrypt(self, plaintext: bytes) -> bytes:
        message = _Message(id=self.id, iteration=self.iteration)
        iv, key = _message_keys(self._step())
        message.ciphertext = encrypt_cbc(key, iv, plaintext)
        body = VERSION + bytes(message.SerializeToString())
        return body + KeyPair.of(self.private).sign(body)

    def decrypt(self, data: bytes) -> bytes:
        """Nothing changes unless the signature is right."""
        body, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
        message = parse(_Message, body)
        if message.id != self.id or not signed(self.public, body, signature):
            raise Undecryptable("the message is of another sender key, or its signature is wrong")
        iv, key = _message_keys(self._seed_of(message.iteration))
        try:
            return decrypt_cbc(key, iv, message.ciphertext)
        except ValueError as error:
            raise Undecryptable(str(error)) from error

    def _seed_of(self, iteration: int) -> bytes:
        if iteration < self.iteration:
            if iteration not in self.skipped:
                raise Undecryptable(f"message {iteration} was opened before, or its key is gone")
            return self.skipped.pop(iteration)
        if iteration - self.iteration > _MAX_SKIPPED:
            raise Undecryptable(f"message {iteration} is too far ahead of {self.iteration}")
        while self.iteration < iteration:
            number = self.iteration
            self.skipped[number] = self._step()
        while len(self.skipped) > _MAX_SKIPPED:
            del self.skipped[min(self.skipped)]
        return self._step()

    def _step(self) -> bytes:
        seed = hmac256(self.chain, b"\x01")
        self.chain = hmac256(self.chain, b"\x02")
        self.iteration += 1
        return seed

    def to_bytes(self) -> bytes:
        skipped = {number: seed.hex() for number, seed in self.skipped.items()}
        keys = (self.chain.hex(), self.public.hex(), self.private.hex())
        return json.dumps([self.id, self.iteration, *keys, skipped], separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes) -> "SenderKey":
        number, iteration, chain, public, private, skipped = json.loads(data)
        seeds = {int(each): bytes.fromhex(seed) for each, seed in skipped.items()}
        return SenderKey(number, iteration, bytes.fromhex(chain), bytes.fromhex(public), bytes.fromhex(private), seeds)


class GroupKeys:
    """Encrypts and decrypts for every phone: its own chain in each group, and those that it was handed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def encrypt(self, account: Account, group: Jid, plaintext: bytes) -> tuple[bytes, Node]:
        """What each device must be handed before, and the <enc> for all."""
        key = self._find(account, group, account.lid) or SenderKey.generate()
        distribution = key.distribution()
        ciphertext = key.encrypt(pad(plaintext))
        self._save(account, group, account.lid, key)
        return distribution, Node("enc", {"v": "2", "type": "skmsg"}, ciphertext)

    def distribution(self, account: Account, group: Jid) -> bytes:
        key = self._find(account, group, account.lid) or SenderKey.generate()
        self._save(account, group, account.lid, key)
        return key.distribution()

    def learn(self, account: Account, group: Jid, sender: Device, distribution: bytes) -> None:
        """A device hands over its key, with every message: one that is known already stays as it is."""
        told = SenderKey.received(distribution)
        known = self._find(account, group, sender.lid)
        if known is None or known.id != told.id:
            self._save(account, group, sender.lid, told)

    def decrypt(self, account: Account, group: Jid, sender: Device, enc: Node) -> bytes:
        """Raises Undecryptable."""
        key = self._find(account, group, sender.lid)
        if key is None:
            raise Undecryptable(f"{sender.lid} has not handed over its sender key")
        plaintext = unpad(key.decrypt(enc.data))
        self._save(account, group, sender.lid, key)
        return plaintext

    def _find(self, account: Account, group: Jid, owner: Jid) -> SenderKey | None:
        for (record,) in self._store.read(
            "select record from sender_keys where phone = ? and chat = ? and address = ?",
            *(account.phone, str(group), str(owner)),
        ):
            return SenderKey.from_bytes(record)
        return None

    def _save(self, account: Account, group: Jid, owner: Jid, key: SenderKey) -> None:
        self._store.write(
            "insert or replace into sender_keys values (?, ?, ?, ?)",
            *(account.phone, str(group), str(owner), key.to_bytes()),
        )


def _message_keys(seed: bytes) -> tuple[bytes, bytes]:
    """IV and key."""
    keys = hkdf(seed, 48, info=b"WhisperGroup")
    return keys[:16], keys[16:]

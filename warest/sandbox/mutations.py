"""App state as the devices of an account see it: encrypted records, and MACs over them and over the state they lead to.

The state of a collection is an LTHash: the sum of one 128-byte value for each record that holds now.
"""

import hmac
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from warest.sandbox.accounts import Account
from warest.sandbox.crypto import decrypt_cbc, encrypt_cbc, hkdf, hmac256
from warest.whatsapp import protos

#: The version of the settings that whatsmeow writes.
_ACTION_VERSION = 1

_SET = b"\x01"
_MAC = 32
_LANES = struct.Struct("<64H")


class WrongPatch(Exception):
    """A device of the account would not believe this patch."""


@dataclass(frozen=True)
class _Keys:
    index: bytes
    value_encryption: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes

    @staticmethod
    def of(secret: bytes) -> "_Keys":
        keys = hkdf(secret, 160, info=b"WhatsApp Mutation Keys")
        return _Keys(*(keys[start : start + 32] for start in range(0, 160, 32)))


@dataclass(slots=True)
class State:
    """A collection after some patches."""

    account: Account
    collection: str
    version: int = 0
    hash: bytes = bytes(_LANES.size)
    #: The MAC of each record's value, by the MAC of its index.
    records: dict[bytes, bytes] = field(default_factory=dict)
    #: What the patches did, in order.
    mutations: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, patch: Any) -> None:
        """Go on to the state after a SyncdPatch. Raises WrongPatch, and the state is then of no use."""
        keys, key_id = _Keys.of(self.account.app_state_key), self.account.app_state_key_id
        if key_id != patch.keyID.ID:
            raise WrongPatch("it is encrypted with a key that the phone never gave out")
        self.version += 1
        for mutation in patch.mutations:
            self._apply(keys, mutation)
        values = [mutation.record.value.blob[-_MAC:] for mutation in patch.mutations]
        snapshot_mac, patch_mac = _macs(keys, self, values)
        if patch.snapshotMAC != snapshot_mac:
            raise WrongPatch("its snapshot MAC is of another state")
        if patch.patchMAC != patch_mac:
            raise WrongPatch("its patch MAC is wrong")

    def patch(self, index: list[str], value: Any) -> bytes:
        """What a device writes that sets one record, a SyncActionValue under its index."""
        keys, key_id = _Keys.of(self.account.app_state_key), self.account.app_state_key_id
        index_json = json.dumps(index, separators=(",", ":")).encode()
        action = protos.sync_action.SyncActionData(index=index_json, value=value, padding=b"", version=_ACTION_VERSION)
        iv = secrets.token_bytes(16)
        ciphertext = iv + encrypt_cbc(keys.value_encryption, iv, action.SerializeToString())
        index_mac, value_mac = hmac256(keys.index, index_json), _value_mac(keys, _SET, key_id, ciphertext)
        old = self.records.get(index_mac)
        before = _sum(self.hash, old, -1) if old else self.hash
        after = State(self.account, self.collection, self.version + 1, _sum(before, value_mac, 1))
        snapshot_mac, patch_mac = _macs(keys, after, [value_mac])

        patch = protos.server_sync.SyncdPatch(snapshotMAC=snapshot_mac, patchMAC=patch_mac)
        patch.keyID.ID = key_id
        mutation = patch.mutations.add(operation=protos.server_sync.SyncdMutation.SET)
        mutation.record.keyID.ID = key_id
        mutation.record.index.blob = index_mac
        mutation.record.value.blob = ciphertext + value_mac
        data: bytes = patch.SerializeToString()
        return data

    def _apply(self, keys: _Keys, mutation: Any) -> None:
        record = mutation.record
        operation = bytes([mutation.operation + 1])
        ciphertext, value_mac = record.value.blob[:-_MAC], record.value.blob[-_MAC:]
        if self.account.app_state_key_id != record.keyID.ID:
            raise WrongPatch("a record is encrypted with another key")
        if value_mac != _value_mac(keys, operation, record.keyID.ID, ciphertext):
            raise WrongPatch("a record's value MAC is wrong")
        index, action = _decrypted(keys, ciphertext)
        if record.index.blob != hmac256(keys.index, action.index):
            raise WrongPatch("a record's index MAC is wrong")
        if old := self.records.pop(record.index.blob, None):
            self.hash = _sum(self.hash, old, -1)
        is_set = mutation.operation == protos.server_sync.SyncdMutation.SET
        if is_set:
            self.records[record.index.blob] = value_mac
            self.hash = _sum(self.hash, value_mac, 1)
        value = MessageToDict(action.value)
        told = {"version": self.version, "operation": "set" if is_set else "remove"}
        self.mutations.append({**told, "index": index, "value": value})


def _macs(keys: _Keys, state: State, value_macs: list[bytes]) -> tuple[bytes, bytes]:
    """Of the state, and of the patch that led to it."""
    version = state.version.to_bytes(8, "big") + state.collection.encode()
    snapshot_mac = hmac256(keys.snapshot_mac, state.hash + version)
    return snapshot_mac, hmac256(keys.patch_mac, snapshot_mac + b"".join(value_macs) + version)


def _value_mac(keys: _Keys, operation: bytes, key_id: bytes, ciphertext: bytes) -> bytes:
    size = (1 + len(key_id)).to_bytes(8, "big")
    return hmac.digest(keys.value_mac, operation + key_id + ciphertext + size, "sha512")[:_MAC]


def _decrypted(keys: _Keys, ciphertext: bytes) -> tuple[Any, Any]:
    """What the index says, and the SyncActionData."""
    try:
        data = decrypt_cbc(keys.value_encryption, ciphertext[:16], ciphertext[16:])
        action = protos.sync_action.SyncActionData.FromString(data)
        return json.loads(action.index), action
    except (ValueError, DecodeError) as error:
        raise WrongPatch("a record cannot be decrypted") from error


def _sum(state: bytes, value_mac: bytes, sign: int) -> bytes:
    """Add a record's value to the state, or take it away: 64 numbers of 16 bits."""
    value = hkdf(value_mac, _LANES.size, info=b"WhatsApp Patch Integrity")
    pairs = zip(_LANES.unpack(state), _LANES.unpack(value), strict=True)
    return _LANES.pack(*((left + sign * right) & 0xFFFF for left, right in pairs))

"""How a device writes app state: an encrypted record, and MACs over it and over the state that follows.

The state of a collection is an LTHash: the sum of one 128-byte value for each record. Here it starts from nothing,
because a phone writes only the first patch of a collection.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from warest.sandbox.accounts import Account
from warest.sandbox.crypto import encrypt_cbc, hkdf, hmac256
from warest.whatsapp import protos

#: The version of the settings that whatsmeow writes.
_ACTION_VERSION = 1

_SET = b"\x01"


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


def first_patch(account: Account, collection: str, index: list[str], value: Any) -> bytes:
    """Version 1 of a collection: one record, a SyncActionValue under its index."""
    keys, key_id = _Keys.of(account.app_state_key), account.app_state_key_id
    index_json = json.dumps(index, separators=(",", ":")).encode()
    action = protos.sync_action.SyncActionData(
        index=index_json, value=value, padding=b"", version=_ACTION_VERSION
    ).SerializeToString()
    iv = secrets.token_bytes(16)
    ciphertext = iv + encrypt_cbc(keys.value_encryption, iv, action)
    value_mac = _value_mac(keys, key_id, ciphertext)
    version = (1).to_bytes(8, "big") + collection.encode()
    snapshot_mac = hmac256(keys.snapshot_mac, _lt_hash(value_mac) + version)
    patch_mac = hmac256(keys.patch_mac, snapshot_mac + value_mac + version)

    patch = protos.server_sync.SyncdPatch(snapshotMAC=snapshot_mac, patchMAC=patch_mac)
    patch.keyID.ID = key_id
    mutation = patch.mutations.add(operation=protos.server_sync.SyncdMutation.SET)
    mutation.record.keyID.ID = key_id
    mutation.record.index.blob = hmac256(keys.index, index_json)
    mutation.record.value.blob = ciphertext + value_mac
    data: bytes = patch.SerializeToString()
    return data


def _value_mac(keys: _Keys, key_id: bytes, ciphertext: bytes) -> bytes:
    size = (1 + len(key_id)).to_bytes(8, "big")
    return hmac.digest(keys.value_mac, _SET + key_id + ciphertext + size, "sha512")[:32]


def _lt_hash(value_mac: bytes) -> bytes:
    """The state that holds a single record: of nothing and one value the sum is the value."""
    return hkdf(value_mac, 128, info=b"WhatsApp Patch Integrity")

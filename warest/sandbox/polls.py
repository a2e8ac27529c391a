"""Votes of polls. Only who has the poll can read them: the key is made of the secret that came with it.

Names are JIDs, and it depends on the client whether numbers or LIDs: the phones write LIDs and read all of it.
"""

import itertools
import secrets
import time
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from warest.ids import Jid
from warest.sandbox import attachments
from warest.sandbox.accounts import Account
from warest.sandbox.crypto import hkdf, sha256
from warest.whatsapp import protos

#: The fields of Message that hold a poll.
CREATIONS = (
    "pollCreationMessage",
    "pollCreationMessageV2",
    "pollCreationMessageV3",
    "pollCreationMessageV5",
)

_NONCE = 12


def creation(content: Any) -> Any | None:
    """The poll that a message is."""
    return next((getattr(content, name) for name in CREATIONS if content.HasField(name)), None)


def vote(poll: Any, poll_id: str, creator: Account, voter: Account, options: Iterable[str]) -> Any:
    """A PollEncValue; `poll` is the message that the poll came with."""
    chosen = protos.e2e.PollVoteMessage(selectedOptions=[sha256(option.encode()) for option in options])
    key, name = _key(poll, poll_id, creator.lid, voter.lid)
    nonce = secrets.token_bytes(_NONCE)
    return protos.e2e.PollEncValue(encPayload=AESGCM(key).encrypt(nonce, chosen.SerializeToString(), name), encIV=nonce)


def chosen(sealed: Any, poll: Any, poll_id: str, creator: Account, voter: Account) -> list[str] | None:
    """The options that a PollEncValue names; None when it cannot be opened. `poll` is the message that it is about."""
    created = creation(attachments.unwrapped(poll))
    if created is None:
        return None
    known = {sha256(option.optionName.encode()): option.optionName for option in created.options}
    for names in itertools.product((creator.lid, creator.pn), (voter.lid, voter.pn)):
        key, name = _key(poll, poll_id, *names)
        try:
            opened = protos.e2e.PollVoteMessage.FromString(AESGCM(key).decrypt(sealed.encIV, sealed.encPayload, name))
        except (InvalidTag, ValueError, DecodeError):
            continue
        return [known[digest] for digest in opened.selectedOptions if digest in known]
    return None


def update(key: Any, sealed: Any) -> Any:
    """The message that brings a vote."""
    part = protos.e2e.PollUpdateMessage(
        pollCreationMessageKey=key, vote=sealed, senderTimestampMS=time.time_ns() // 1_000_000
    )
    return protos.e2e.Message(pollUpdateMessage=part)


def _key(poll: Any, poll_id: str, creator: Jid, voter: Jid) -> tuple[bytes, bytes]:
    """The key, and what is authenticated with the vote."""
    info = f"{poll_id}{creator}{voter}Poll Vote".encode()
    return hkdf(poll.messageContextInfo.messageSecret, 32, info=info), f"{poll_id}\0{voter}".encode()

"""Votes: encrypted for those who have the poll, with the secret that the poll brought.

Facts: whatsapp/wire.md; whatsmeow's `msgsecret.go`: HKDF-SHA256 of the secret with the poll's id, its author, the voter
and the words "Poll Vote"; AES-256-GCM over a message whose first field repeats the SHA-256 of each chosen option.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import product

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: How a field with a hash begins: number 1, of length 32.
_HASH = b"\x0a\x20"


def chosen(
    options: Iterable[str],
    *,
    secret: bytes,
    poll: str,
    authors: Iterable[str],
    voters: Iterable[str],
    payload: bytes,
    iv: bytes,
) -> list[str] | None:
    """The options that somebody has voted for; None when the vote cannot be opened.

    `authors` and `voters` are the names (PN and LID, as JIDs) that either may go by: the voter's phone has used one.
    """
    for author, voter in product(list(authors), list(voters)):
        if (hashed := _opened(secret, poll, author, voter, payload, iv)) is not None:
            return [option for option in options if hashlib.sha256(option.encode()).digest() in hashed]
    return None


def _opened(secret: bytes, poll: str, author: str, voter: str, payload: bytes, iv: bytes) -> set[bytes] | None:
    info = f"{poll}{author}{voter}Poll Vote".encode()
    key = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(secret)
    try:
        plain = AESGCM(key).decrypt(iv, payload, f"{poll}\0{voter}".encode())
    except (InvalidTag, ValueError):
        return None
    return set(_hashes(plain))


def _hashes(plain: bytes) -> Iterator[bytes]:
    while plain.startswith(_HASH):
        yield plain[2:34]
        plain = plain[34:]

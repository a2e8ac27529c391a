"""The files of WhatsApp's host are opened while they come, and nothing that was changed goes through."""

import hashlib
import os

import pytest

from support.whatsapp_files import KEY, sealed
from warest.encrypted_media import EncryptedFile
from warest.errors import InvalidInput


def told_of(data: bytes, encrypted: bytes, kind: str = "imageMessage") -> EncryptedFile:
    return EncryptedFile(
        kind=kind,
        media_key=KEY,
        sha256=hashlib.sha256(data).digest(),
        encrypted_sha256=hashlib.sha256(encrypted).digest(),
        size=len(data),
    )


def cut(data: bytes, length: int) -> list[bytes]:
    return [data[start : start + length] for start in range(0, len(data), length)]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 65_535, 65_536, 200_001])
@pytest.mark.parametrize("piece", [1, 9, 16, 17, 65_536, 1_000_000])
def test_a_file_opens_however_it_comes(size: int, piece: int) -> None:
    """In pieces of whatever length, and of whatever size it is."""
    if size > 1000 and piece == 1:
        pytest.skip("a byte at a time is shown by the small ones")
    data = os.urandom(size)
    encrypted = sealed(data)
    assert b"".join(told_of(data, encrypted).decrypted(cut(encrypted, piece))) == data


@pytest.mark.parametrize(
    ("kind", "info"),
    [
        ("videoMessage", b"WhatsApp Video Keys"),
        ("ptvMessage", b"WhatsApp Video Keys"),
        ("audioMessage", b"WhatsApp Audio Keys"),
        ("documentMessage", b"WhatsApp Document Keys"),
        ("stickerMessage", b"WhatsApp Image Keys"),
    ],
)
def test_each_kind_has_keys_of_its_own(kind: str, info: bytes) -> None:
    """And a sticker those of an image."""
    encrypted = sealed(b"x" * 100, info)
    assert b"".join(told_of(b"x" * 100, encrypted, kind).decrypted([encrypted])) == b"x" * 100


def test_no_byte_can_be_changed() -> None:
    """Wherever it is: with the hashes of the message, and by the MAC alone."""
    data = os.urandom(100)
    encrypted = sealed(data)
    for place in range(len(encrypted)):
        broken = bytearray(encrypted)
        broken[place] ^= 1
        for file in (told_of(data, encrypted), EncryptedFile(kind="imageMessage", media_key=KEY)):
            with pytest.raises(InvalidInput):
                list(file.decrypted([bytes(broken)]))


def test_no_end_can_be_missing() -> None:
    """From nothing at all to the last byte."""
    encrypted = sealed(os.urandom(100))
    for length in range(len(encrypted)):
        with pytest.raises(InvalidInput):
            list(EncryptedFile(kind="imageMessage", media_key=KEY).decrypted([encrypted[:length]]))


def test_a_file_must_be_the_one_of_the_message() -> None:
    """Another one under the same key is refused by its hash and by its size."""
    data, other = b"the file", b"another file"
    encrypted = sealed(other)
    for said in (
        EncryptedFile(kind="imageMessage", media_key=KEY, sha256=hashlib.sha256(data).digest()),
        EncryptedFile(kind="imageMessage", media_key=KEY, encrypted_sha256=hashlib.sha256(sealed(data)).digest()),
        EncryptedFile(kind="imageMessage", media_key=KEY, size=len(data)),
    ):
        with pytest.raises(InvalidInput, match="another than the message says"):
            list(said.decrypted([encrypted]))


def test_a_message_without_a_key_has_no_file() -> None:
    """Nor has one of a kind that nobody knows."""
    for kind, key in (("imageMessage", b""), ("imageMessage", KEY[:31]), ("conversation", KEY)):
        with pytest.raises(InvalidInput):
            list(EncryptedFile(kind=kind, media_key=key).decrypted([b""]))

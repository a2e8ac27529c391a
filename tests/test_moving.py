"""The file of an exported session."""

import io
import struct
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from warest import moving
from warest.errors import InvalidInput
from warest.moving import Moving
from warest.store import Endpoint, Secrets

PASSPHRASE = "correct horse battery"

ENDPOINT = Endpoint(
    id="01A", registry="R", session="01A", url="http://r/", events=("call",),
    secrets=(Secrets(secret="s3cret", standard="whsec_x"), Secrets(secret="old", standard="whsec_y", until=5.0)),
    state="enabled", reason="", created_at=1.0, updated_at=2.0,
)  # fmt: skip
MOVING = Moving(
    name="me", me={"id": "62811:2@s.whatsapp.net"}, reject_calls=True, call_reply="later", endpoints=(ENDPOINT,)
)
KEYS = bytes(range(256)) * 1000


@pytest.fixture
def file() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        moving.write(file, PASSPHRASE, MOVING, [KEYS])
        file.seek(0)
        yield file


def changed(file: BinaryIO, at: int, content: bytes) -> BinaryIO:
    file.seek(at)
    file.write(content)
    file.seek(0)
    return file


def test_it_comes_back_whole(file: BinaryIO) -> None:
    assert b"s3cret" not in file.read() and file.seek(0) == 0
    told, keys = moving.read(file, PASSPHRASE)
    assert told == MOVING and b"".join(keys) == KEYS


def test_a_passphrase_may_be_typed_on_another_keyboard() -> None:
    """Where an accent is a character of its own."""
    with tempfile.TemporaryFile() as file:
        moving.write(file, "caf\u00e9 caf\u00e9 caf\u00e9", MOVING, [KEYS])
        file.seek(0)
        assert moving.read(file, "cafe\u0301 cafe\u0301 cafe\u0301")[0] == MOVING


def test_no_two_files_are_alike(file: BinaryIO) -> None:
    """Of the same session, with the same passphrase."""
    again = io.BytesIO()
    moving.write(again, PASSPHRASE, MOVING, [KEYS])
    content = file.read()
    assert content[8:20] == again.getvalue()[8:20] and content[20:60] != again.getvalue()[20:60]


@pytest.mark.parametrize(
    ("at", "content", "told"),
    [
        (0, b"X", "not a session"),
        (7, b"\2", "newer release"),
        (8, struct.pack(">I", 0), "damaged"),
        (12, struct.pack(">I", 2**31), "damaged"),
        (12, struct.pack(">I", 1), "damaged"),
        (16, struct.pack(">I", 2**31), "damaged"),
        (8, struct.pack(">I", 1), "passphrase"),
        (20, b"0123456789abcdef", "passphrase"),
        (36, b"X", "damaged|passphrase"),
        (100, b"\0\0\0\0", "damaged"),
    ],
)
def test_what_was_changed_is_refused(file: BinaryIO, at: int, content: bytes, told: str) -> None:
    """Before anything is given out, and without doing whatever the file asks for."""
    with pytest.raises(InvalidInput, match=told):
        moving.read(changed(file, at, content), PASSPHRASE)


def test_damage_further_on_is_found_while_it_is_read(file: BinaryIO) -> None:
    _, keys = moving.read(changed(file, 150_000, b"\0\0\0\0"), PASSPHRASE)
    with pytest.raises(InvalidInput, match="damaged"):
        b"".join(keys)


def test_another_passphrase(file: BinaryIO) -> None:
    with pytest.raises(InvalidInput, match="passphrase") as error:
        moving.read(file, PASSPHRASE + "x")
    assert PASSPHRASE not in str(error.value)


def test_a_file_that_ends_too_early(file: BinaryIO) -> None:
    content = file.read()
    for length in (0, 35, 36, 60, 80, 200, len(content) - 1):
        with tempfile.TemporaryFile() as part, pytest.raises(InvalidInput):
            part.write(content[:length])
            part.seek(0)
            _, keys = moving.read(part, PASSPHRASE)
            b"".join(keys)

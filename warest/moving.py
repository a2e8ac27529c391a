"""A session in a file, encrypted with a passphrase: with it, it goes on in another installation without a new scan.

    "WARMOVE", version 1                                  8 bytes
    argon2id: passes, memory in KiB, lanes                3 x 4 bytes, big-endian; 3, 65536, 4
    argon2id: salt                                        16 bytes
    the encrypted format of files (drivers/storage/sealed.py), under the key that argon2id makes of the passphrase
        length of what follows                            4 bytes, big-endian
        the session, its settings and endpoints, as JSON
        its keys, as the engine's SQLite file

The name of the key stands in the encrypted part's header: so a wrong passphrase can be told from a damaged file.
"""

import itertools
import os
import struct
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, BinaryIO

import argon2
import orjson
from argon2.low_level import hash_secret_raw
from pydantic import Field, TypeAdapter, ValidationError

from warest.drivers.storage import sealed
from warest.errors import DriverError, InvalidInput, KeyMissing
from warest.keyring import Key, Keyring, derive
from warest.store import Endpoint

_HEADER = struct.Struct(">7sBIII16s")
_MAGIC, _VERSION = b"WARMOVE", 1

#: Passes, memory in KiB and lanes of argon2id.
_COST = (3, 65_536, 4)

#: A file may ask for so much, and no more: it is somebody else's word.
_HIGHEST_COST = (10, 262_144, 8)

#: Passphrases looked at at the same time by one process.
_AT_ONCE = threading.BoundedSemaphore(2)

#: For what the content is encrypted.
_NAME = "warest session"

_LENGTH = struct.Struct(">I")

#: Bytes of the JSON, at most.
_LONGEST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Moving:
    """All of a session but its keys, and what it has said and heard. `me` is who it was, as in its state."""

    name: str
    me: dict[str, Any]
    reject_calls: bool
    call_reply: Annotated[str, Field(max_length=1000)]
    endpoints: Annotated[tuple[Endpoint, ...], Field(max_length=100)]


_MOVING = TypeAdapter(Moving)


def write(out: BinaryIO, passphrase: str, moving: Moving, keys: Iterable[bytes]) -> None:
    header = _HEADER.pack(_MAGIC, _VERSION, *_COST, os.urandom(16))
    out.write(header)
    told = orjson.dumps(asdict(moving))
    sealed.seal(itertools.chain([_LENGTH.pack(len(told)), told], keys), out, _key(passphrase, header), _NAME)


def read(file: BinaryIO, passphrase: str) -> tuple[Moving, Iterator[bytes]]:
    """The session, and its keys piece by piece, each checked before it is given out.

    Raises InvalidInput when it is no such file, is damaged (also while the keys are read), or has another passphrase.
    """
    key = _key(passphrase, _checked(file.read(_HEADER.size)))
    try:
        content = sealed.Sealed(file, Keyring.of(key), _NAME)
    except KeyMissing:
        raise InvalidInput("The passphrase is not that of this file.", fault="passphrase") from None
    except DriverError:
        raise _damaged() from None
    (length,) = _LENGTH.unpack(_exactly(content, 0, _LENGTH.size))
    if length > _LONGEST:
        raise _damaged()
    try:
        moving = _MOVING.validate_json(_exactly(content, _LENGTH.size, length))
    except ValidationError:
        raise InvalidInput("The file is not one that this release can read.") from None
    begin = _LENGTH.size + length
    return moving, _careful(content.read(begin, content.size - begin))


def _key(passphrase: str, header: bytes) -> Key:
    _, _, passes, memory, lanes, salt = _HEADER.unpack(header)
    with _AT_ONCE:
        secret = hash_secret_raw(
            unicodedata.normalize("NFC", passphrase).encode(errors="surrogatepass"),
            salt,
            time_cost=passes,
            memory_cost=memory,
            parallelism=lanes,
            hash_len=32,
            type=argon2.Type.ID,
        )
    return Key(derive(secret, salt=b"", purpose=b"warest session key id", length=8), secret)


def _checked(header: bytes) -> bytes:
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise InvalidInput("This is not a session that WAREST has exported.")
    _, version, *cost, _ = _HEADER.unpack(header)
    if version != _VERSION:
        raise InvalidInput(f"The file has the format {version}, of a newer release.")
    # argon2 wants a pass, a lane, and 8 KiB a lane.
    if any(not 0 < one <= most for one, most in zip(cost, _HIGHEST_COST, strict=True)) or cost[1] < 8 * cost[2]:
        raise _damaged()
    return header


def _exactly(content: sealed.Sealed, start: int, length: int) -> bytes:
    found = b"".join(_careful(content.read(start, min(length, content.size - start))))
    if len(found) != length:
        raise _damaged()
    return found


def _careful(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except DriverError:
        raise _damaged() from None


def _damaged() -> InvalidInput:
    return InvalidInput("The file is damaged.")

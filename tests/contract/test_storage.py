"""Files under keys, the same in folders and in S3."""

import base64
import hashlib
import io
import pickle
import random
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from support.threads import at_once
from warest.drivers.storage import Bucket, Folders, Storage, clean
from warest.errors import DriverError, InvalidInput, NotFound

MB = 1_000_000

#: Around a piece, a chunk of the encrypted format, and a part of an upload.
SIZES = [0, 1, 65535, 65536, 65537, 131072, 200_000, 8 * 1024 * 1024 - 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1]


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def read(files: Storage, key: str, start: int = 0, length: int | None = None) -> bytes:
    with files.open(key, start, length) as opened:
        return opened.read()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_can_be_read(files: Storage, size: int) -> None:
    """Of any size, in pieces of any size; and the storage knows size and checksum, which nobody has told it."""
    content = noise(size)
    steps = random.Random(size).choices([1, 1000, 65536, 100_000], k=3)
    put = files.put("a/file.bin", pieces(content, steps))
    known = files.stat("a/file.bin")
    assert read(files, "a/file.bin") == content
    assert (put.size, put.checksum) == (known.size, known.checksum) == (size, hashlib.sha256(content).hexdigest())


def pieces(content: bytes, steps: list[int]) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        step = max(steps[at % len(steps)], len(content) // 500)
        yield content[at : at + step]
        at += step


def test_streams(files: Storage) -> None:
    """What can be read, and what can be iterated; empty pieces are none."""
    files.put("file", io.BytesIO(b"one\ntwo\n"))
    files.put("pieces", [b"", b"one\n", b"", b"two\n"])
    assert read(files, "file") == read(files, "pieces") == b"one\ntwo\n"


def test_parts_of_a_file(files: Storage) -> None:
    """From anywhere to anywhere, also past the end; not from behind the end on."""
    content = noise(300_000)
    files.put("file", [content])
    chance = random.Random(7)
    edges = [0, 1, 65535, 65536, 65537, 131071, 131072, 299_999]
    for start in [*edges, *(chance.randrange(300_000) for _ in range(20))]:
        for length in (1, 2, 65536, chance.randrange(1, 300_000), None):
            end = None if length is None else start + length
            assert read(files, "file", start, length) == content[start:end], (start, length)
    for start, length in ((300_000, None), (300_000, 1), (10**12, 5), (-1, None), (0, 0), (5, -1)):
        with pytest.raises(InvalidInput):
            read(files, "file", start, length)


def test_an_empty_file_has_no_parts(files: Storage) -> None:
    """But it can be read as a whole."""
    files.put("empty", [])
    assert read(files, "empty") == b""
    with pytest.raises(InvalidInput):
        read(files, "empty", 1)


@pytest.mark.parametrize(
    "name", ["plan.pdf", "Üb ersicht\u202e.pdf", "a  b\r\nX-Evil: 1", " ", '"; x="', "=?UTF-8?B?eA==?="]
)
def test_metadata(files: Storage, name: str) -> None:
    """Whatever somebody calls a file; it belongs to reading it, too."""
    extra: dict[str, object] = {"session": "ä", "ids": [1, 2], "more": {"deep": None}}
    for visibility in ("public", "private"):
        put = files.put("a/b", [b"text"], visibility=visibility, original_name=name, mime_type="text/x-y", extra=extra)
        known = files.stat("a/b")
        with files.open("a/b", 1, 2) as opened:
            assert opened.stored == known
        assert (known.key, known.visibility, known.size, known.mime_type) == ("a/b", visibility, 4, "text/x-y")
        assert (known.original_name, known.extra) == (put.original_name, put.extra) == (name, extra)
        assert abs(known.uploaded_at - put.uploaded_at) < 5


def test_metadata_that_is_missing_or_too_large(files: Storage) -> None:
    """The type is guessed, a name cut off, too much else refused before anything is kept."""
    assert files.put("photo.jpeg", [b"x"]).mime_type == files.stat("photo.jpeg").mime_type == "image/jpeg"
    assert files.put("x", [b"x"], original_name="b.pdf").mime_type == "application/pdf"
    assert files.put("y", [b"x"]).mime_type == "application/octet-stream"
    put = files.put("z", [b"x"], original_name="長" * 500)
    assert put.original_name == files.stat("z").original_name == "長" * 200
    with pytest.raises(InvalidInput):
        files.put("w", [b"x"], extra={"text": "x" * 1000})
    assert not files.exists("w")


def test_putting_again(files: Storage) -> None:
    """Content, metadata and visibility are the new ones; there is one file under a key."""
    files.put("a/b", [b"first, and longer"], visibility="public", original_name="old.pdf", extra={"old": 1})
    assert files.stat("a/b").visibility == "public"
    files.put("a/b", [b"second"])
    known = files.stat("a/b")
    assert (known.visibility, known.size, known.original_name, known.extra) == ("private", 6, "", {})
    assert read(files, "a/b") == b"second" and [entry.key for entry in files.walk()] == ["a/b"]
    files.put("a/b", [b"third"], visibility="public")
    assert (files.stat("a/b").visibility, read(files, "a/b")) == ("public", b"third")


def test_what_is_not_there(files: Storage) -> None:
    """Reading it says so, deleting it does not mind."""
    files.put("a/b", [b"x"])
    for key in ("b", "a", "a/b/c", "a/bc"):
        assert not files.exists(key)
        for ask in (files.stat, files.open):
            with pytest.raises(NotFound):
                ask(key)
        files.delete(key)
    assert files.exists("a/b")


def test_deleting(files: Storage) -> None:
    """Gone, with what was known of it."""
    for visibility in ("public", "private"):
        files.put("a/b/c", [b"x"], visibility=visibility, original_name="x")
        files.delete("a/b/c")
        assert not files.exists("a/b/c") and list(files.walk()) == []
    files.put("a/b/c", [b"x"])
    assert files.stat("a/b/c").original_name == ""


def test_listing(files: Storage) -> None:
    """In the order of the keys, public and private together, from anywhere on, by any beginning."""
    keys = sorted(["a", "a-b/c", "a.txt", "b/c", "b/c-d", "b/c.d/e", "b/d", "b0", "bb/a/b/c", "z"])
    for number, key in enumerate(random.Random(3).sample(keys, len(keys))):
        files.put(key, [b"x" * number], visibility="public" if number % 2 else "private")
    assert [entry.key for entry in files.walk()] == keys
    assert all(entry.size == files.stat(entry.key).size for entry in files.walk())
    for prefix in ("a", "a-", "b/", "b/c", "b/c.", "bb/a/", "zz", "c"):
        assert [entry.key for entry in files.walk(prefix)] == [key for key in keys if key.startswith(prefix)]
        for after in [*keys, "b", "b/", "b/c.d/", "0"]:
            expected = [key for key in keys if key.startswith(prefix) and key > after]
            assert [entry.key for entry in files.walk(prefix, after)] == expected, (prefix, after)
    assert list(files.walk("../")) == []
    for prefix in ("a b", "a\0", "ä"):
        with pytest.raises(InvalidInput):
            list(files.walk(prefix))


@pytest.mark.parametrize(
    ("key", "kept_as"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a/./b/../../../c", "a/b/c"),
        ("a//b/", "a/b"),
        (".meta/a.meta.json", "meta/a.meta.json"),
        (".incoming/x", "incoming/x"),
        ("..\\..\\x", "_.._x"),
        ("a\0b", "a_b"),
        ("a b/ä\n.txt", "a_b/__.txt"),
        ("%2e%2e/x", "_2e_2e/x"),
        ("...hidden/....", "hidden"),
    ],
)
def test_keys_are_reduced(files: Storage, key: str, kept_as: str) -> None:
    """None leads out, or to what the driver keeps for itself; reading goes the same way."""
    assert files.put(key, [b"x"]).key == clean(key) == kept_as
    assert read(files, key) == read(files, kept_as) == b"x" and [entry.key for entry in files.walk()] == [kept_as]
    files.delete(key)
    assert list(files.walk()) == []


@pytest.mark.parametrize("key", ["", "/", ".", "..", "../..", "a/" + "b" * 201, "a/" * 513 + "a"])
def test_keys_that_are_none(files: Storage, key: str) -> None:
    """Every call says so."""
    for call in (lambda: files.put(key, [b"x"]), lambda: files.open(key), lambda: files.stat(key)):
        with pytest.raises(InvalidInput):
            call()
    for do in (files.delete, files.exists, files.signed_url, files.public_url):
        with pytest.raises(InvalidInput):
            do(key)


def test_long_keys(files: Storage) -> None:
    """As long as they may be."""
    for key in ("x" * 200, "/".join(["y" * 200] * 5), "z/" * 511 + "z"):
        files.put(key, [b"x"])
        assert read(files, key) == b"x" and files.stat(key).checksum
        assert key in [entry.key for entry in files.walk()]


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024])
def test_a_source_that_fails(files: Storage, size: int) -> None:
    """Its own exception comes out, whatever it is; what was there before stays, and nothing is left behind."""
    files.put("a", [b"before"])
    for error in (OSError("the caller is gone"), ValueError("odd"), InvalidInput("too large")):

        def failing(error: Exception = error) -> Iterator[bytes]:
            yield noise(size)
            raise error

        with pytest.raises(type(error)) as caught:
            files.put("a", failing())
        assert caught.value is error and not isinstance(caught.value, DriverError)
    assert read(files, "a") == b"before" and [entry.key for entry in files.walk()] == ["a"] and files.tidy(0) == 0


#: Writes 20 MB, and is killed before the end.
DYING = """
import base64, os, pickle, signal, sys
from warest.drivers import storage
def content():
    for _ in range(200): yield bytes(100_000)
    os.kill(os.getpid(), signal.SIGKILL)
storage.open(pickle.loads(base64.b64decode(sys.argv[1]))).put("a/b", content())
"""


@pytest.mark.parametrize("before", [True, False])
def test_a_writer_that_is_killed_half_way(files: Storage, place: Folders | Bucket, before: bool) -> None:
    """Nobody sees the half of a file, and what it leaves can be tidied away."""
    if before:
        files.put("a/b", [b"before"])
    argument = base64.b64encode(pickle.dumps(place)).decode()
    assert subprocess.run([sys.executable, "-c", DYING, argument]).returncode == -signal.SIGKILL
    assert [entry.key for entry in files.walk()] == (["a/b"] if before else [])
    assert read(files, "a/b") == b"before" if before else not files.exists("a/b")
    assert (files.tidy(0), files.tidy(0)) == (1, 0)


def test_writers_and_readers_at_once(files: Storage) -> None:
    """Whoever reads gets one version as a whole, with what belongs to that version."""
    versions = {noise(70_000 + number, number): str(number) for number in range(4)}
    for content, name in versions.items():
        files.put("a/b", [content], original_name=name)
    chance = random.Random(5)

    def work() -> None:
        for _ in range(10):
            content, name = chance.choice(list(versions.items()))
            files.put("a/b", [content], original_name=name)
            with files.open("a/b") as opened:
                got = opened.read()
            assert (versions[got], len(got)) == (opened.stored.original_name, opened.stored.size)
            assert opened.stored.checksum == hashlib.sha256(got).hexdigest()

    assert at_once(work, threads=4) == [None] * 4
    assert [entry.key for entry in files.walk()] == ["a/b"] and files.tidy(0) == 0


class Large:
    """A stream of 48 MB that gives as much at once as it is asked for."""

    def __init__(self) -> None:
        self.left = 48 * MB

    def read(self, size: int) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return b"x" * size


@pytest.mark.parametrize("kind", ["stream", "pieces"])
def test_files_larger_than_memory_would_like(files: Storage, kind: str) -> None:
    """48 MB go in and out, and only parts of them are ever in memory."""
    tracemalloc.start()
    files.put("large", Large() if kind == "stream" else (b"x" * 100_000 for _ in range(480)))
    with files.open("large") as opened:
        assert sum(len(piece) for piece in opened) == 48 * MB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (40 * MB if files.driver == "s3" else 3 * MB)
    assert files.stat("large").checksum == hashlib.sha256(b"x" * 48 * MB).hexdigest()


def test_ping(files: Storage) -> None:
    """It writes, reads and deletes, and leaves nothing."""
    assert 0 < files.ping() < 5
    assert list(files.walk()) == []


def test_where_files_are_seen(files: Storage) -> None:
    """Only S3 shows all hosts the same."""
    assert files.is_shared is (files.driver == "s3")

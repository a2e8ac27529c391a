"""What only files in folders have: encryption, keys, the original's files, crashes, and others in the folders."""

import base64
import dataclasses
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warest.drivers import storage
from warest.drivers.storage import Folders, Storage, Visibility
from warest.errors import Conflict, DriverError, NotFound, SetupError

CHUNK = 65536 + 16
HEADER = 32

CONTENT = random.Random(1).randbytes(200_000)


@pytest.fixture
def local(folders: Folders) -> Storage:
    return storage.open(folders)


def read(files: Storage, key: str, start: int = 0, length: int | None = None) -> bytes:
    with files.open(key, start, length) as opened:
        return opened.read()


def test_private_files_are_encrypted(local: Storage, folders: Folders) -> None:
    """And closed to other users of the host; public ones are what was put."""
    local.put("a", [b"nobody should read this"])
    local.put("b", [b"everybody may"], visibility="public")
    assert b"nobody" not in (folders.private / "a").read_bytes()
    assert (folders.public / "b").read_bytes() == b"everybody may"
    for path in (folders.private, folders.private / "a", folders.metadata, folders.metadata / "a.meta.json"):
        assert path.stat().st_mode & 0o077 == 0
    assert (folders.public / "b").stat().st_mode & 0o444 == 0o444


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def swapped(content: bytes) -> bytes:
    chunks = [content[at : at + CHUNK] for at in range(HEADER, len(content), CHUNK)]
    return content[:HEADER] + chunks[1] + chunks[0] + b"".join(chunks[2:])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "header": lambda content: flipped(content, 20),
    "first chunk": lambda content: flipped(content, HEADER),
    "tag": lambda content: flipped(content, HEADER + CHUNK - 1),
    "last chunk": lambda content: flipped(content, len(content) - 20),
    "last byte away": lambda content: content[:-1],
    "last chunk away": lambda content: content[: HEADER + 3 * CHUNK],
    "first chunk away": lambda content: content[:HEADER] + content[HEADER + CHUNK :],
    "all chunks away": lambda content: content[:HEADER],
    "half the header": lambda content: content[:16],
    "nothing left": lambda content: b"",
    "more at the end": lambda content: content + b"x",
    "a chunk twice": lambda content: content[: HEADER + CHUNK] + content[HEADER:],
    "chunks in another order": swapped,
    "another version": lambda content: content[:7] + b"\2" + content[8:],
    "no magic": lambda content: b"X" + content[1:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files(local: Storage, folders: Folders, damage: str) -> None:
    """Whatever was done to the file, reading all of it fails; no piece comes out that was not put in."""
    local.put("a", [CONTENT])
    file = folders.private / "a"
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    got: list[bytes] = []
    with pytest.raises(DriverError), local.open("a") as opened:
        got.extend(opened)
    assert CONTENT.startswith(b"".join(got))


@pytest.mark.parametrize(("size", "step"), [(0, 1), (100, 1), (200_000, 997)])
def test_a_byte_that_is_wrong(local: Storage, folders: Folders, size: int, step: int) -> None:
    """Anywhere: in the header, in a chunk, in a tag."""
    local.put("a", [CONTENT[:size]])
    file = folders.private / "a"
    right = file.read_bytes()
    for at in range(0, len(right), step):
        file.write_bytes(flipped(right, at))
        with pytest.raises(DriverError):
            read(local, "a")
    file.write_bytes(right)
    assert read(local, "a") == CONTENT[:size]


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_byte_of_the_sidecar_that_is_wrong(local: Storage, folders: Folders, visibility: Visibility) -> None:
    """Anywhere: the file is what it was, and nothing is told of it that is not true."""
    local.put("a.pdf", [CONTENT], visibility=visibility, original_name="plan.pdf", extra={"a": 1})
    right = local.stat("a.pdf")
    unknown = dataclasses.replace(right, original_name="", checksum="", extra={}, uploaded_at=0)
    sidecar = folders.metadata / "a.pdf.meta.json"
    text = sidecar.read_bytes()
    for at in range(len(text)):
        sidecar.write_bytes(flipped(text, at))
        known = local.stat("a.pdf")
        assert known == right or dataclasses.replace(known, uploaded_at=0) == unknown, text[at - 10 : at + 10]
        assert read(local, "a.pdf") == CONTENT


def test_a_part_of_a_file_that_was_cut_off(local: Storage, folders: Folders) -> None:
    """It is noticed even where only the beginning is read."""
    local.put("a", [CONTENT])
    os.truncate(folders.private / "a", HEADER + 2 * CHUNK)
    with pytest.raises(DriverError):
        read(local, "a", 0, 10)


def test_one_file_in_place_of_another(local: Storage, folders: Folders) -> None:
    """A file is bound to its key, so nobody is given another one's."""
    local.put("mine", [CONTENT])
    local.put("theirs", [CONTENT])
    (folders.private / "theirs").replace(folders.private / "mine")
    with pytest.raises(DriverError, match="damaged"):
        read(local, "mine")


def test_the_same_content_never_looks_the_same(local: Storage, folders: Folders) -> None:
    """Each file has a key of its own, also one that is put again: a nonce is never used twice with one key."""
    seen = []
    for key in ("a", "b", "a"):
        local.put(key, [CONTENT])
        body = (folders.private / key).read_bytes()[HEADER:]
        seen += [body[at : at + 16] for at in range(0, len(body), CHUNK)]
    assert len(seen) == len(set(seen)) == 12


def test_a_sidecar_makes_nothing_public(local: Storage, folders: Folders) -> None:
    """Where a file lies says who may read it."""
    local.put("a", [b"x"])
    sidecar = folders.metadata / "a.meta.json"
    sidecar.write_text(sidecar.read_text().replace('"private"', '"public"'))
    assert local.stat("a").visibility == "private"


def test_new_keys_and_old_ones(folders: Folders) -> None:
    """The newest writes, all read; one that is missing is named by the setting that it belongs to."""
    old, new = storage.open(folders), storage.open(dataclasses.replace(folders, keys=("new", "a key")))
    old.put("a", [b"by the old"])
    new.put("b", [b"by the new"])
    assert (read(new, "a"), read(new, "b")) == (b"by the old", b"by the new")
    with pytest.raises(DriverError, match="WAREST_STORAGE_OLD_KEYS"):
        read(old, "b")
    new.put("a", [read(new, "a")])
    assert read(storage.open(dataclasses.replace(folders, keys=("new",))), "a") == b"by the old"


def test_no_key_is_no_storage(folders: Folders) -> None:
    """There is no default that everybody knows."""
    for missing in ({"keys": ()}, {"signing_secret": ""}):
        with pytest.raises(SetupError):
            storage.open(dataclasses.replace(folders, **missing))


def test_encryption_that_was_switched(folders: Folders) -> None:
    """Each file is read as it was written."""
    plain, encrypting = storage.open(dataclasses.replace(folders, encrypts=False)), storage.open(folders)
    plain.put("a", [b"plain"])
    encrypting.put("b", [b"encrypted"])
    for files in (plain, encrypting):
        assert (read(files, "a"), read(files, "b")) == (b"plain", b"encrypted")
    (folders.private / "c").write_bytes(b"put here by somebody else")
    with pytest.raises(DriverError):
        read(encrypting, "c")


#: As WAREST_STORAGE_LOCAL_ENCRYPTION_KEY, and the key that the original made of it.
KEYS_OF_THE_ORIGINAL = {
    "warest-storage-secret": hashlib.sha256(b"warest-storage-secret").digest(),
    "ab" * 32: bytes.fromhex("ab" * 32),
    base64.b64encode(bytes(range(40))).decode(): bytes(range(32)),
    "c2hvcnQ=": hashlib.sha256(b"short").digest(),
    "any text, ä": hashlib.sha256("any text, ä".encode()).digest(),
}


def write_as_the_original(folders: Folders, name: str, content: bytes, key: bytes) -> None:
    """The file is bare ciphertext; IV and tag are in the sidecar."""
    iv = os.urandom(12)
    sealed = AESGCM(key).encrypt(iv, content, None)
    sidecar = {
        "key": name, "driver": "local", "visibility": "private", "originalName": "plan.pdf",
        "mimeType": "application/pdf", "size": len(content), "checksum": hashlib.sha256(content).hexdigest(),
        "checksumAlgorithm": "sha256", "encrypted": True,
        "encryption": {"algorithm": "aes-256-gcm", "iv": iv.hex(), "authTag": sealed[-16:].hex()},
        "extra": {"a": 1}, "uploadedAt": "2024-05-01T10:20:30.400Z", "publicUrl": None,
    }  # fmt: skip
    for path, data in (
        (folders.private / name, sealed[:-16]),
        (folders.metadata / f"{name}.meta.json", json.dumps(sidecar).encode()),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("text", KEYS_OF_THE_ORIGINAL)
@pytest.mark.parametrize("content", [b"", CONTENT], ids=["empty", "full"])
def test_files_of_the_original(folders: Folders, text: str, content: bytes) -> None:
    """They are read with the key that was set, and where none was, with the default that everybody knows."""
    keys = ("new",) if text == "warest-storage-secret" else ("new", text)
    files = storage.open(dataclasses.replace(folders, keys=keys))
    write_as_the_original(folders, "incoming/a.pdf", content, KEYS_OF_THE_ORIGINAL[text])
    assert read(files, "incoming/a.pdf") == content
    known = files.stat("incoming/a.pdf")
    assert (known.original_name, known.mime_type, known.size) == ("plan.pdf", "application/pdf", len(content))
    assert (known.checksum, known.extra) == (hashlib.sha256(content).hexdigest(), {"a": 1})
    assert known.uploaded_at == 1714558830.4


def test_parts_of_a_file_of_the_original(local: Storage, folders: Folders) -> None:
    """From anywhere."""
    write_as_the_original(folders, "a", CONTENT, KEYS_OF_THE_ORIGINAL["warest-storage-secret"])
    for start in (0, 1, 15, 16, 17, 65537, 199_999):
        for length in (1, 16, 70_000):
            assert read(local, "a", start, length) == CONTENT[start : start + length]


@pytest.mark.parametrize("at", [0, 100_000, 199_999])
def test_a_damaged_file_of_the_original(local: Storage, folders: Folders, at: int) -> None:
    """Nothing of it comes out, since only its end says that it is damaged; so it is with one whose key is missing."""
    write_as_the_original(folders, "a", CONTENT, KEYS_OF_THE_ORIGINAL["warest-storage-secret"])
    (folders.private / "a").write_bytes(flipped((folders.private / "a").read_bytes(), at))
    with pytest.raises(DriverError):
        local.open("a")
    write_as_the_original(folders, "b", CONTENT, os.urandom(32))
    with pytest.raises(DriverError, match="WAREST_STORAGE_OLD_KEYS"):
        local.open("b", 5, 5)


def test_the_sidecar_has_the_words_of_the_original(local: Storage, folders: Folders) -> None:
    """Whoever goes back can make something of them; nothing about the content is in them that should not be."""
    local.put("a/b.pdf", [b"x"], original_name="plan.pdf", extra={"a": 1})
    found = json.loads((folders.metadata / "a/b.pdf.meta.json").read_text())
    assert found.items() >= {
        "key": "a/b.pdf", "driver": "local", "visibility": "private", "originalName": "plan.pdf", "size": 1,
        "mimeType": "application/pdf", "checksum": hashlib.sha256(b"x").hexdigest(), "checksumAlgorithm": "sha256",
        "encrypted": True, "extra": {"a": 1},
    }.items()  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"size": "many"}', '{"encryption": {"iv": "00"}}', "\xff"])
def test_a_sidecar_that_makes_no_sense(local: Storage, folders: Folders, text: str) -> None:
    """The file is read all the same; our own format has what it needs in itself."""
    local.put("a.pdf", [CONTENT])
    (folders.metadata / "a.pdf.meta.json").write_text(text, encoding="latin-1")
    known = local.stat("a.pdf")
    assert read(local, "a.pdf") == CONTENT
    assert (known.size, known.mime_type, known.checksum) == (len(CONTENT), "application/pdf", "")


#: Dies before the n-th change that it makes to names on disk.
DYING = """
import os, pathlib, sys
from warest.drivers import storage
from warest.drivers.storage import Folders
folders, left = eval(sys.argv[1]), int(sys.argv[3])
def dying(real):
    def call(*arguments, **names):
        global left
        left -= 1
        if left < 0: os.kill(os.getpid(), 9)
        return real(*arguments, **names)
    return call
for name in ("replace", "unlink", "rmdir", "mkdir"):
    setattr(os, name, dying(getattr(os, name)))
eval(sys.argv[2], {"files": storage.open(folders)})
"""


def deaths(folders: Folders, work: str) -> Iterator[int]:
    """Let a process die a little later each time; between two deaths the caller looks at what is left."""
    places = ", ".join(f"pathlib.Path({str(path)!r})" for path in (folders.private, folders.public, folders.metadata))
    where = f"Folders({places}, keys=('a key',), signing_secret='x')"
    for step in range(100):
        status = subprocess.run([sys.executable, "-c", DYING, where, work, str(step)]).returncode
        if status == 0:
            return
        assert status == -signal.SIGKILL
        yield step


@pytest.mark.parametrize("before", ["private", "public", "none"])
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_writer_that_is_killed(local: Storage, folders: Folders, before: str, visibility: str) -> None:
    """At any moment: there is the old file or the new one, never with what is known of the other, and no rubbish."""
    new = CONTENT[:9]
    work = f"files.put('a/b', [{new!r}], visibility={visibility!r}, original_name='new')"
    if before != "none":
        local.put("a/b", [b"the old one"], visibility=before, original_name="old")  # type: ignore[arg-type]
    steps = -1
    for steps in deaths(folders, work):  # noqa: B007
        names = {new: "new", b"the old one": "old"}
        if before == "none" and not local.exists("a/b"):
            assert list(local.walk()) == []
        else:
            with local.open("a/b") as opened:
                got, known = opened.read(), opened.stored
            assert known.original_name in ("", names[got])
            assert known.checksum in ("", hashlib.sha256(got).hexdigest()) and known.size == len(got)
            assert [entry.key for entry in local.walk()] == ["a/b"]
        local.tidy(0)
        assert not [*folders.private.glob(".incoming/*"), *folders.metadata.glob(".incoming/*")]
        local.delete("a/b")
        assert not local.exists("a/b")
        if before != "none":
            local.put("a/b", [b"the old one"], visibility=before, original_name="old")  # type: ignore[arg-type]
    assert steps >= 3
    assert (read(local, "a/b"), local.stat("a/b").original_name) == (new, "new")


def test_a_deletion_that_is_killed(local: Storage, folders: Folders) -> None:
    """What is left is still listed, and can be deleted."""
    local.put("a/b", [CONTENT], original_name="x")
    for _ in deaths(folders, "files.delete('a/b')"):
        left = [entry.key for entry in local.walk()]
        assert left == (["a/b"] if local.exists("a/b") else []) and (not left or read(local, "a/b") == CONTENT)
    assert not local.exists("a/b")
    assert [path.name for path in folders.private.rglob("*") if path.is_file()] == [".lock"]


def test_only_old_drafts_are_tidied_away(local: Storage, folders: Folders) -> None:
    """A writer that is at work is left alone."""

    def slow() -> Iterator[bytes]:
        yield b"first"
        assert local.tidy(60) == 0
        yield b"second"

    local.put("a", slow())
    assert read(local, "a") == b"firstsecond"
    (folders.private / ".incoming" / "dead").write_bytes(b"x")
    assert (local.tidy(60), local.tidy(0), local.tidy(0)) == (0, 1, 0)


def test_links_in_the_folders(local: Storage, folders: Folders, tmp_path: Path) -> None:
    """Whoever could put a link there still gets nowhere by it: not to read, not to write, not to delete or list."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    local.put("there/x", [b"x"])
    local.put("public/x", [b"x"], visibility="public")
    for root in (folders.private, folders.public, folders.metadata):
        (root / "folder").symlink_to(outside)
        (root / "file").symlink_to(outside / "secret")
        (root / "file.meta.json").symlink_to(outside / "secret")
    for key in ("folder/secret", "file"):
        for ask in (local.open, local.stat):
            with pytest.raises(NotFound):
                ask(key)
    with pytest.raises(Conflict):
        local.put("folder/new", [b"x"])
    local.put("file", [b"a file of its own"])
    local.delete("folder/secret")
    assert [entry.key for entry in local.walk()] == ["file", "public/x", "there/x"]
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"secret": b"secret"}


def test_what_is_not_a_file(local: Storage, folders: Folders) -> None:
    """A pipe in the folder does not stop anybody; a name cannot be a file and a folder."""
    local.put("a/b", [b"x"])
    os.mkfifo(folders.private / "pipe")
    with pytest.raises(NotFound):
        local.open("pipe")
    for key in ("a", "a/b/c"):
        with pytest.raises(Conflict):
            local.put(key, [b"y"])
    assert read(local, "a/b") == b"x" and local.tidy(0) == 0


def test_folders_that_cannot_be_used(folders: Folders) -> None:
    """One sentence that says what the matter is."""
    folders.private.parent.mkdir(parents=True)
    folders.private.write_text("a file")
    files = storage.open(folders)
    for call in (lambda: files.put("a", [b"x"]), lambda: files.stat("a"), lambda: files.delete("a"), files.ping):
        with pytest.raises(DriverError):
            call()

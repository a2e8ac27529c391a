"""The keys of a session that does not run."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from warest.errors import Conflict, DriverError, InvalidInput, NotFound, SetupError, Unsupported
from warest.vault import Vault
from warest.whatsapp import keystores, sealed_stores
from warest.whatsapp.keystores import Files, Schemas

OLD, NEW = "an old key of some length", "a new key of some length"


def keys(*texts: str) -> Vault:
    return Vault(lambda: texts)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, keys(NEW))


def fill(files: Files, session: str = "01A", jid: str = "62811:3@s.whatsapp.net") -> Path:
    """As the engine leaves a session, its last words still in the journal."""
    with files.claimed(session, 1) as name:
        assert name.partition("?")[0].endswith("whatsapp.sqlite")
    folder = files.folder / session
    # A process that is killed leaves the journal; one that closes would empty it.
    script = f"""
import os, sqlite3
connection = sqlite3.connect({str(sealed_stores.plain(folder))!r})
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
connection.execute("INSERT INTO whatsmeow_device VALUES ({jid!r})")
connection.commit()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (folder / "whatsapp.sqlite-wal").stat().st_size
    return folder


def devices(folder: Path) -> list[str]:
    with closing(sqlite3.connect(sealed_stores.plain(folder))) as connection:
        return [jid for (jid,) in connection.execute("SELECT jid FROM whatsmeow_device")]


def named(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.glob("whatsapp*")}


def test_there_and_back(files: Files) -> None:
    """Nothing readable stays, nothing is lost, and only we may read any of it."""
    folder = fill(files)
    assert modes(folder) == {0o600} and stat.S_IMODE(folder.stat().st_mode) == 0o700
    files.seal("01A")
    files.seal("01A")
    assert named(folder) == ["lock", "whatsapp.sealed"] and modes(folder) == {0o600}
    assert b"62811" not in (folder / "whatsapp.sealed").read_bytes()
    with files.claimed("01A", 2):
        assert named(folder) == ["lock", "whatsapp.sqlite"] and modes(folder) == {0o600}
        assert devices(folder) == ["62811:3@s.whatsapp.net"]


def test_somebody_else_may_unseal_it(files: Files) -> None:
    """So that the process of the session needs no OpenSSL for it."""
    folder = fill(files)
    files.seal("01A")
    files.unseal("01A")
    files.unseal("01A")
    assert named(folder) == ["lock", "whatsapp.sqlite"] and modes(folder) == {0o600}
    files.unseal("01B")
    assert not (files.folder / "01B").exists()


def test_what_somebody_runs_stays_as_it_is(files: Files) -> None:
    folder = fill(files)
    with files.claimed("01A", 2):
        files.seal("01A")
        assert sealed_stores.plain(folder).exists() and not sealed_stores.sealed(folder).exists()
        with pytest.raises(Conflict), files.packed("01A"):
            pass
        with pytest.raises(Conflict):
            files.unpack("01A", Path.touch)


def test_nobody_is_killed_for_being_in_the_way(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is to run waits for whoever packs its keys; the number in the lock is that of a former holder."""
    monkeypatch.setattr(keystores, "PREDECESSOR_PATIENCE", 0.1)
    folder = fill(files)
    bystander = subprocess.Popen(["sleep", "60"])
    (folder / "lock").write_text(f"{bystander.pid} {os.readlink('/proc/self/ns/pid')}")

    def claim() -> None:
        with files.claimed("01A", 2):
            pass

    waiter = threading.Thread(target=claim)
    with files.packed("01A"):
        waiter.start()
        waiter.join(0.5)
        assert waiter.is_alive() and bystander.poll() is None
    waiter.join(5)
    assert not waiter.is_alive() and devices(folder)
    bystander.terminate()
    assert bystander.wait() == -signal.SIGTERM


def test_others_could_read_what_an_older_release_left(files: Files) -> None:
    folder = fill(files)
    folder.chmod(0o755)
    sealed_stores.plain(folder).chmod(0o644)
    with files.claimed("01A", 2):
        assert modes(folder) == {0o600} and stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("moment", ["_settle", "_sync", "_remove"])
@pytest.mark.parametrize("way", ["seal", "unseal"])
def test_killed_half_way(files: Files, moment: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it ends, the next start has the keys, and the next stop encrypts them."""
    folder = fill(files)
    if way == "unseal":
        files.seal("01A")
    with monkeypatch.context() as patch:

        def end(_: Path) -> None:
            raise KeyboardInterrupt

        patch.setattr(sealed_stores, moment, end)
        try:
            sealed_stores.seal(folder, files.vault) if way == "seal" else sealed_stores.unseal(folder, files.vault)
        except KeyboardInterrupt:
            pass
        else:
            assert (way, moment) == ("unseal", "_settle"), "it should have ended there"
    with files.claimed("01A", 2):
        assert devices(folder) == ["62811:3@s.whatsapp.net"]
    files.seal("01A")
    assert named(folder) == ["lock", "whatsapp.sealed"]


def test_a_journal_of_another_life_spoils_nothing(files: Files) -> None:
    folder = fill(files)
    journal = (folder / "whatsapp.sqlite-wal").read_bytes()
    files.seal("01A")
    (folder / "whatsapp.sqlite-wal").write_bytes(journal)
    with files.claimed("01A", 2):
        assert devices(folder) == ["62811:3@s.whatsapp.net"] and "whatsapp.sqlite-wal" not in named(folder)


@pytest.mark.parametrize("spoil", ["key", "content", "name"])
def test_what_cannot_be_read_is_told(files: Files, spoil: str) -> None:
    """And stays, for the day when the key is back."""
    folder = fill(files)
    files.seal("01A")
    kept = sealed_stores.sealed(folder)
    session = "01A"
    if spoil == "content":
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    if spoil == "name":
        session = "01B"
        folder = folder.rename(files.folder / session)
    other = Files(files.folder, keys(OLD)) if spoil == "key" else files
    told = "WAREST_SECRETS_KEY" if spoil == "key" else "damaged"
    with pytest.raises(SetupError, match=told), other.claimed(session, 2):
        pass
    assert named(folder) == ["lock", "whatsapp.sealed"]


def test_a_new_key(files: Files) -> None:
    """All that is sealed is sealed anew; what has no key is counted, and stays."""
    old = Files(files.folder, keys(OLD))
    for session, made_with in (
        ("01A", old),
        ("01B", files),
        ("01C", Files(files.folder, keys("a lost key, long gone"))),
    ):
        fill(made_with, session)
        made_with.seal(session)
    both = Files(files.folder, keys(NEW, OLD))
    assert both.reseal() == (1, 1) and both.reseal() == (0, 1)
    with files.claimed("01A", 2):
        assert devices(files.folder / "01A")


def test_from_one_session_to_another(files: Files, tmp_path: Path) -> None:
    """Packed for one, it is unpacked for that one only; run twice, it is there once."""
    fill(files)
    with files.packed("01A") as file:
        packed = file.read()

    def copy(path: Path) -> None:
        path.write_bytes(packed)

    (tmp_path / "there").mkdir()
    there = Files(tmp_path / "there", keys(NEW))
    for _ in range(2):
        assert there.unpack("01A", copy) == "62811:3@s.whatsapp.net"
    assert named(there.folder / "01A") == ["lock", "whatsapp.sealed"]
    with pytest.raises(DriverError, match="damaged"):
        there.unpack("01B", copy)
    assert named(there.folder / "01B") == ["lock"]
    with there.claimed("01A", 1):
        assert devices(there.folder / "01A") == ["62811:3@s.whatsapp.net"]
        assert sealed_stores.plain(there.folder / "01A").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE other (x)",
        "CREATE TABLE whatsmeow_device (jid)",
        "CREATE TABLE whatsmeow_device (jid); INSERT INTO whatsmeow_device VALUES ('a'), ('b')",
        "CREATE TABLE t (jid); INSERT INTO t VALUES ('a'); CREATE VIEW whatsmeow_device AS SELECT jid FROM t",
        "CREATE TABLE whatsmeow_device (jid); INSERT INTO whatsmeow_device VALUES ('a');"
        "CREATE TRIGGER t AFTER INSERT ON whatsmeow_device BEGIN DELETE FROM whatsmeow_device; END",
        None,
    ],
)
def test_what_is_no_session_is_not_taken(files: Files, tmp_path: Path, sql: str | None) -> None:
    made = tmp_path / "made"
    if sql is None:
        made.write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    else:
        with closing(sqlite3.connect(made)) as connection:
            connection.executescript(sql)

    def copy(path: Path) -> None:
        with made.open("rb") as source, path.open("wb") as out:
            files.vault.seal_file(source, out, "session/01A")

    with pytest.raises(InvalidInput):
        files.unpack("01A", copy)
    assert named(files.folder / "01A") == ["lock"]


def test_a_session_without_keys(files: Files) -> None:
    files.seal("01A")
    assert not (files.folder / "01A").exists()
    with pytest.raises(NotFound), files.packed("01A"):
        pass


def test_schemas_are_neither_packed_nor_sealed() -> None:
    """It says what to do instead."""
    schemas = Schemas({"dbname": "d"})
    schemas.seal("01A")
    assert schemas.reseal() == (0, 0)
    with pytest.raises(Unsupported, match="pg_dump"):
        schemas.packed("01A")
    with pytest.raises(Unsupported, match="pg_dump"):
        schemas.unpack("01A", Path.touch)

"""Temporary files between processes, in every storage."""

import itertools
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from warest.drivers.storage import Storage
from warest.errors import InvalidInput, NotFound
from warest.spool import Spool


@pytest.fixture
def spooled(files: Storage) -> Spool:
    return Spool(files, seconds=60, limit=100_000)


def content(spooled: Spool, key: str) -> bytes:
    with spooled.open(key) as opened:
        return opened.read()


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the spool has another time: the storage goes on as it was."""
    real = time.time()
    monkeypatch.setattr("warest.spool.time", SimpleNamespace(time=lambda: real + moment))


def test_there_and_away(spooled: Spool, files: Storage) -> None:
    """What one process puts the next one opens, with what is known of it, and deletes."""
    key = spooled.put([b"some ", b"bytes"], original_name="plan.pdf")
    with spooled.open(key) as opened:
        assert (opened.read(), opened.stored.original_name, opened.stored.visibility) == (
            b"some bytes", "plan.pdf", "private",
        )  # fmt: skip
    with spooled.open(key, 5, 2) as opened:
        assert opened.read() == b"by"
    spooled.delete(key)
    spooled.delete(key)
    assert list(files.walk()) == []
    with pytest.raises(NotFound):
        spooled.open(key)


def test_it_ends_by_itself(spooled: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the seconds of its own, or those of the settings; the sweep need not have come by."""
    soon, later = spooled.put([b"x"], seconds=30), spooled.put([b"x"])
    for moment, there in ((0, (True, True)), (31, (False, True)), (61, (False, False))):
        with monkeypatch.context() as now:
            at(moment, now)
            assert (is_there(spooled, soon), is_there(spooled, later)) == there


def is_there(spooled: Spool, key: str) -> bool:
    try:
        spooled.open(key).close()
    except NotFound:
        return False
    return True


def test_sweeping(spooled: Spool, files: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expired ones go, so many at a time; the others stay, and so does everything else in storage."""
    for _ in range(5):
        spooled.put([b"x"], seconds=30)
    kept = [spooled.put([b"x"], seconds=300)]
    for key in ("a", "spool/of-somebody-else", "z"):
        kept.append(files.put(key, [b"x"]).key)
    assert spooled.sweep() == 0
    with monkeypatch.context() as now:
        at(31, now)
        assert [spooled.sweep(2) for _ in range(4)] == [2, 2, 1, 0]
    assert sorted(entry.key for entry in files.walk()) == sorted(kept)


def test_a_sweep_looks_at_no_more_than_it_must(spooled: Spool, files: Storage) -> None:
    """The list of keys begins with those that end first."""
    keys = [spooled.put([b"x"], seconds=seconds) for seconds in (500, 100, 300)]
    assert [entry.key for entry in files.walk("spool/")] == [keys[1], keys[2], keys[0]]


def test_the_largest_file(spooled: Spool, files: Storage) -> None:
    """One byte more is refused, as soon as it comes in, and leaves nothing."""
    assert len(content(spooled, spooled.put([b"x" * 100_000]))) == 100_000
    read = []

    def endless() -> Iterator[bytes]:
        for number in itertools.count():
            read.append(number)
            yield b"x" * 10_000

    with pytest.raises(InvalidInput) as caught:
        spooled.put(endless())
    assert len(read) == 11 and caught.value.details["limit"] == 100_000
    assert len(list(files.walk())) == 1 and files.tidy(0) == 0


@pytest.mark.parametrize("key", ["a", "spool/a", "spool/000000000000-../../a", "../a", "spool/" + "9" * 12 + "-a", ""])
def test_other_files_are_out_of_reach(spooled: Spool, files: Storage, key: str) -> None:
    """A key that comes in a message opens temporary files only."""
    files.put("a", [b"x"])
    for do in (spooled.open, spooled.delete):
        with pytest.raises(InvalidInput):
            do(key)
    assert files.exists("a")

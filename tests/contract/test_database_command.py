"""`warest db` on every database."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from warest import store
from warest.cli import db
from warest.errors import DriverError


@pytest.fixture(autouse=True)
def _meant(meant: None) -> None:
    pass


def run(*arguments: str) -> str:
    return CliRunner().invoke(db.db, arguments, catch_exceptions=False).output


def test_there_and_back(database: store.Database) -> None:
    """Each command says what it did; migrating seeds the admin too."""
    assert int(run("migrate").split()[0]) > 0 and run("migrate") == "0 migrations ran.\n"
    assert store.open(database).account_by_name("admin")
    assert set(re.findall(r"^(\w+)", run("status"), re.MULTILINE)) == {"applied"}
    assert run("rollback") == "1 migrations undone.\n" and "pending" in run("status")
    assert int(run("rollback", "--all").split()[0]) > 0 and "applied" not in run("status")
    assert re.fullmatch(r".+ answered in \d+ ms\.\n", run("ping"), re.DOTALL)


def test_seeds(database: store.Database, tmp_path: Path) -> None:
    """Each runs once, in the order of names, though a migration may be called the same; undone, they run again."""
    folder = tmp_path / "seeds"
    run("migrate")
    assert "make-seed" in run("seed", "--folder", str(folder))
    for name in ("second", "first"):
        assert run("make-seed", name, "--folder", str(folder)).strip().endswith(f".{name}.sql")
    insert = "insert into users values ('{0}', '{0}', '{0}', 'x', '{0}', {1}, 0, 0, true, null);"
    (folder / "0001.second.sql").write_text("-- depends:\n" + insert.format("100%", "false"))
    (folder / "0002.first.sql").rename(folder / "0001.initial.sql")
    (folder / "0001.initial.sql").write_text("update users set username = 'renamed' where registry = '100%';")
    assert run("seed", "--folder", str(folder)) == "ran  0001.initial\nran  0001.second\n2 seeds ran.\n"
    assert store.open(database).account_by_name("100%")
    assert run("seed", "--folder", str(folder)) == "0 seeds ran.\n"
    assert "seed" not in run("status")
    (folder / "0002.broken.sql").write_text("insert into users values (1);")
    with pytest.raises(DriverError):
        run("seed", "--folder", str(folder))
    (folder / "0002.broken.sql").unlink()
    run("rollback", "--all")
    run("migrate")
    assert run("seed", "--folder", str(folder)).endswith("2 seeds ran.\n")


def test_a_new_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It stands after the last one; where WAREST is merely installed there is none to make."""
    folder = tmp_path / "warest" / "migrations"
    shutil.copytree(store.MIGRATIONS, folder)
    monkeypatch.setattr(store, "MIGRATIONS", folder)
    assert "in a checkout" in run("make-migration", "more")
    (tmp_path / "pyproject.toml").touch()
    assert "small letters" in run("make-migration", "../more")
    before = {path.name for path in folder.iterdir()}
    forth, back = map(Path, run("make-migration", "more").split())
    last = max(name for name in before if name.startswith("0") and "rollback" not in name)
    assert f"-- depends: {Path(last).stem}\n" in forth.read_text() and back.name.endswith(".more.rollback.sql")
    assert int(forth.name[:4]) == int(last[:4]) + 1 and forth.name not in before


def test_a_database_that_is_away(database: store.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what is not there; the entry point shows no more than that."""
    monkeypatch.setenv("WAREST_DB_PORT", "1")
    named = "warest.sqlite" if isinstance(database, store.Sqlite) else "127"
    for command in ("rollback", "status", "ping"):
        with pytest.raises(DriverError, match=named):
            run(command)

"""`warest db` on every database."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from warest import store
from warest.cli import db
from warest.errors import DriverError


@pytest.fixture(autouse=True)
def _meant(database: store.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings mean the database of the test."""
    variables = {"WAREST_DATA_DIR": str(tmp_path)}
    if not isinstance(database, store.Sqlite):
        variables |= {
            "WAREST_DB_CLIENT": "pg" if isinstance(database, store.Postgres) else "mysql",
            "WAREST_DB_HOST": database.server.host,
            "WAREST_DB_USER": database.server.user,
            "WAREST_DB_DATABASE": database.server.database,
        }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


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


def test_a_database_that_is_away(database: store.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what is not there; the entry point shows no more than that."""
    monkeypatch.setenv("WAREST_DB_PORT", "1")
    named = "warest.sqlite" if isinstance(database, store.Sqlite) else "127"
    for command in ("rollback", "status", "ping"):
        with pytest.raises(DriverError, match=named):
            run(command)

"""Whoever claims the keys of a session shuts out whoever had them."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from support import databases
from warest import store
from warest.errors import DriverError, LeaseLost
from warest.ids import new_ulid
from warest.vault import Vault
from warest.whatsapp import keystores
from warest.whatsapp.keystores import Files, Schemas

HOLDER = """
import sys, time
from pathlib import Path
from warest.vault import Vault
from warest.whatsapp.keystores import Files
with Files(Path(sys.argv[1]), Vault()).claimed("01A", 1):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_file_is_private_and_its_name_is_escaped(folder: Path) -> None:
    with Files(folder / "a ?#b", Vault()).claimed("01A", 1) as name:
        assert "a%20%3F%23b/01A/whatsapp.sqlite?" in name
        assert stat.S_IMODE((folder / "a ?#b" / "01A").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "a ?#b" / "01A" / "whatsapp.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_holder_of_a_file_that_does_not_end_is_killed(
    folder: Path, is_frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once if it is frozen, for then it cannot; else after the time of a graceful stop."""
    monkeypatch.setattr(keystores, "PREDECESSOR_PATIENCE", 60 if is_frozen else 0.2)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    if is_frozen:
        os.kill(holder.pid, signal.SIGSTOP)
    with Files(folder, Vault()).claimed("01A", 2):
        assert holder.wait(timeout=5) == -signal.SIGKILL
    holder.stdout.close()


def test_a_holder_in_another_container_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number would be that of some other process here; it is waited for."""
    monkeypatch.setattr(keystores, "PREDECESSOR_PATIENCE", 0.1)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    (folder / "01A" / "lock").write_text(f"{holder.pid} pid:[1]")
    threading.Timer(0.5, holder.terminate).start()
    with Files(folder, Vault()).claimed("01A", 2):
        assert holder.wait(timeout=5) == -signal.SIGTERM
    holder.stdout.close()


def test_a_holder_of_a_file_that_ends_by_itself_is_waited_for(folder: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    holder.terminate()
    began = time.monotonic()
    with Files(folder, Vault()).claimed("01A", 2):
        assert time.monotonic() - began < keystores.PREDECESSOR_PATIENCE
    assert holder.wait(timeout=5) == -signal.SIGTERM
    holder.stdout.close()


def test_forgotten_files_are_gone(folder: Path) -> None:
    with Files(folder, Vault()).claimed("01A", 1):
        pass
    Files(folder, Vault()).forget("01A")
    Files(folder, Vault()).forget("01A")
    assert not (folder / "01A").exists()


@pytest.fixture
def database(folder: Path) -> Iterator[store.Postgres]:
    with databases.empty("postgres", folder) as database:
        assert isinstance(database, store.Postgres)
        yield database


@pytest.fixture
def schemas(database: store.Postgres) -> Schemas:
    return Schemas(database.arguments())


def schemas_in(database: store.Postgres) -> list[str]:
    rows = databases.execute(database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'warest%' ORDER BY 1")
    return [name for (name,) in rows]


def connect(name: str) -> Any:
    """libpq takes a search path only among its options."""
    return psycopg2.connect(name.replace("search_path=", "options=-csearch_path%3D"))


@pytest.mark.server
def test_a_schema_follows_the_lease(database: store.Postgres, schemas: Schemas) -> None:
    """A former holder finds nothing where it had its tables; the keys are those of the former."""
    one, other = new_ulid(), new_ulid()
    with schemas.claimed(one, 1) as name, schemas.claimed(other, 1):
        former = connect(name)
    former.cursor().execute("INSERT INTO whatsmeow_version VALUES (7, 7)")
    former.commit()
    with schemas.claimed(one, 3) as name:
        assert f"search_path=warest_session_{one.lower()}_3&" in name
        with pytest.raises(psycopg2.errors.UndefinedTable):
            former.cursor().execute("SELECT * FROM whatsmeow_version")
        former.close()
        latter = connect(name)
        cursor = latter.cursor()
        cursor.execute("SELECT version FROM whatsmeow_version")
        assert cursor.fetchall() == [(7,)]
        latter.close()
    with pytest.raises(LeaseLost), schemas.claimed(one, 2):
        pass
    schemas.forget(one)
    schemas.forget(one)
    assert schemas_in(database) == [f"warest_session_{other.lower()}_1"]


@pytest.mark.server
def test_a_claim_can_be_repeated(schemas: Schemas) -> None:
    """By the same lease, after a process that has ended at once."""
    session = new_ulid()
    with schemas.claimed(session, 4) as first:
        pass
    with schemas.claimed(session, 4) as again:
        assert first == again


@pytest.mark.server
def test_a_user_that_may_not_make_schemas_is_told_so_at_once(database: store.Postgres) -> None:
    databases.administer_postgres("DROP ROLE IF EXISTS warest_poor")
    databases.administer_postgres("CREATE ROLE warest_poor LOGIN")
    poor = Schemas({**database.arguments(), "user": "warest_poor"})
    with pytest.raises(DriverError, match=r"GRANT CREATE ON DATABASE .* TO warest_poor"):
        poor.check()
    databases.administer_postgres("DROP ROLE warest_poor")


def test_a_database_that_is_away_is_a_driver_error() -> None:
    away = Schemas({"host": "127.0.0.1", "port": 9, "user": "u", "password": "p@ss"})
    with pytest.raises(DriverError, match="out of reach") as error, away.claimed("01A", 1):
        pass
    assert "p@ss" not in str(error.value) and "p@ss" not in repr(away)


def test_the_engine_gets_a_url_with_everything_escaped() -> None:
    given = {"host": "db", "port": 5433, "user": "u@x", "password": "p:/?#", "dbname": "a b", "sslmode": "require"}
    assert Schemas(given)._url("s_1") == (
        "postgres://u%40x:p%3A%2F%3F%23@db:5433/a%20b?sslmode=require&search_path=s_1&application_name=s_1&connect_timeout=5"
    )
    assert (
        Schemas({"host": "/run/pg", "dbname": "d"})
        ._url("s")
        .startswith("postgres://@:5432/d?host=%2Frun%2Fpg&sslmode=disable&")
    )

"""Migrations, locks and lost connections, the same on every database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import databases
from support.threads import at_once
from warest import accounts, store
from warest.errors import DriverError
from warest.store import Account, Store, schema

ADMIN = Account("admin", "boss", True)

#: How many migrations there are.
ALL = len([each for each in schema.MIGRATIONS.glob("0*") if not each.name.endswith(".rollback.sql")])


@pytest.fixture(params=databases.KINDS[1:])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[store.Database]:
    with databases.empty(request.param, tmp_path) as database:
        yield database


def test_migrating_twice_and_at_once(database: store.Database) -> None:
    """The second time nothing is left to do; those that race do it once between them."""
    assert sorted(map(str, at_once(lambda: store.migrate(database), threads=4))) == ["0", "0", "0", str(ALL)]
    assert store.migrate(database) == 0


#: Where a migrator may be killed: before a migration, between two of its statements, inside yoyo's own lock.
KILLS = {
    "before": "yoyo.backends.base.DatabaseBackend.apply_one = lambda *_, **__: die()",
    "between": """
def execute(self, cursor, sql, out=None, real=yoyo.migrations.MigrationStep._execute):
    "sessions" in sql and die()
    return real(self, cursor, sql, out)
yoyo.migrations.MigrationStep._execute = execute""",
    "locked": "yoyo.backends.base.internalmigrations.upgrade = lambda *_, **__: die()",
}


@pytest.mark.parametrize("moment", KILLS)
def test_migrating_after_a_kill(database: store.Database, moment: str) -> None:
    """A process that was killed in the middle leaves nothing behind that stops the next one."""
    assert run_and_die(f"{KILLS[moment]}\nschema.migrate({constructor(database)})") == -signal.SIGKILL
    assert store.migrate(database) == ALL
    accounts.seed_admin(store.open(database), "boss", "a password", "the key")


def test_rolling_back_after_a_kill(database: store.Database) -> None:
    """The same way back: what is gone already is passed over."""
    store.migrate(database)
    kill = KILLS["between"].replace('"sessions" in sql', '"DROP TABLE users" in sql')
    assert run_and_die(f"{kill}\nschema.rollback({constructor(database)}, everything=True)") == -signal.SIGKILL
    assert store.rollback(database, everything=True) > 0
    assert store.migrate(database) == ALL


def constructor(database: store.Database) -> str:
    if isinstance(database, store.Sqlite):
        return f"store.Sqlite(pathlib.Path({str(database.path)!r}))"
    return f"store.{database!r}".replace("server=", "server=store.")


def run_and_die(body: str) -> int:
    script = f"""
import os, pathlib, yoyo, yoyo.internalmigrations
from warest import store
from warest.store import schema
def die(): os.kill(os.getpid(), 9)
{body}
"""
    return subprocess.run([sys.executable, "-c", script], env=dict(os.environ)).returncode


def test_a_table_of_somebody_else_is_not_taken_for_ours(database: store.Database) -> None:
    """Not the second time either; and it stays as it is."""
    database.prepare()
    databases.execute(database, "create table users (theirs integer)")
    for _ in range(2):
        with pytest.raises(DriverError, match="users"):
            store.migrate(database)
    assert databases.execute(database, "select theirs from users") == []


def test_rolling_back_and_migrating_again(database: store.Database) -> None:
    """The last migration, then all, then anew."""
    store.migrate(database)
    assert [is_applied for _, is_applied in store.status(database)] == [True] * ALL
    assert store.rollback(database) == 1
    assert [is_applied for _, is_applied in store.status(database)] == [True] * (ALL - 1) + [False]
    assert store.rollback(database, everything=True) == ALL - 1
    assert store.rollback(database) == 0
    with pytest.raises(DriverError, match="warest db migrate"):
        store.open(database)
    assert store.migrate(database) == ALL
    accounts.seed_admin(store.open(database), "boss", "a password", "the key")


def test_receivers_become_endpoints_and_go_back(database: store.Database) -> None:
    """What was configured stays so, forth and back."""
    store.migrate(database)
    while store.status(database)[11][1]:  # back to before 0012
        store.rollback(database)
    users = "'u', 'admin', 'boss', 'x', 'y', true, 0, 0"
    databases.execute(database, f"insert into users values ({users})")
    fields = "id, name, registry, auto_start, webhook_url, webhook_secret, created_at, updated_at, state, reject_calls"
    for id, url in (("s1", "https://one/"), ("s2", "")):
        values = f"'{id}', '{id}', 'admin', true, '{url}', 'secret of {id}', 0, 0, 'stopped', false"
        databases.execute(database, f"insert into sessions ({fields}, call_reply) values ({values}, '')")
    store.migrate(database)
    opened = store.open(database)
    for id, url in (("s1", "https://one/"), ("s2", "")):
        made = opened.endpoints.of_config(id)
        assert (made.url, made.secrets[0].secret, made.state) == (url, f"secret of {id}", "enabled")
        assert made.secrets[0].standard.startswith("whsec_")
    opened.endpoints.change(ADMIN, "s2", url="https://two/")
    while store.status(database)[11][1]:
        store.rollback(database)
    told = databases.execute(database, "select id, webhook_url, webhook_secret from sessions order by id")
    expected = [("s1", "https://one/", "secret of s1"), ("s2", "https://two/", "secret of s2")]
    assert [tuple(row) for row in told] == expected


def test_a_database_that_answers(database: store.Database) -> None:
    """Within the time it takes to connect."""
    store.migrate(database)
    assert 0 < store.ping(database) < 5


def test_a_broken_database_is_a_driver_error(database: store.Database, opened: Store) -> None:
    """The web process answers it with 503, not with the driver's own words."""
    databases.execute(database, "alter table sessions rename to gone")
    with pytest.raises(DriverError):
        opened.session("x")


def test_a_lost_connection_is_survived(server: store.Database) -> None:
    """Reading and writing: at worst one call hears of it."""
    store.migrate(server)
    opened = store.open(server)
    accounts.seed_admin(opened, "boss", "a password", "the key")
    ulid = opened.create_session(ADMIN, "session").ulid
    for number in range(3):
        message = store.Message(chat="1@lid", id=str(number), ts=number, from_me=False)
        send = store.NewSend(id=f"cmd_{number}", session=ulid, kind="text")
        for work, expected in (
            (lambda: opened.account_by_key("the key"), ADMIN),
            (lambda name=f"s{number}": opened.create_session(ADMIN, name).id, f"s{number}"),
            (lambda one=message: opened.messages.put(ulid, [one]), 1),
            (lambda one=send: opened.sends.begin(ADMIN, one)[1], True),
            (lambda one=send: opened.sends.advance(one.id, "sending"), True),
            (lambda: opened.chats.page(ADMIN, ulid, limit=9).total, 1),
            (lambda: opened.deliveries.prune(0.0), 0),
        ):
            assert databases.cut_all_connections(server) >= 1
            try:
                got = work()
            except DriverError:
                got = work()
            assert got == expected


@pytest.mark.parametrize(
    "away",
    [
        store.Postgres(store.Server("127.0.0.1", "x", "x", "hush", port=1)),
        store.Postgres(store.Server("", ""), "postgresql://x:hush@127.0.0.1:1/x"),
        store.Mysql(store.Server("127.0.0.1", "x", "x", "hush", port=1)),
    ],
    ids=["postgres", "url", "mysql"],
)
def test_a_server_that_is_away(away: store.Database) -> None:
    """Each call says which server, in one sentence without the password."""
    for call in (store.ping, store.open, store.migrate, store.rollback, store.status):
        with pytest.raises(DriverError, match=r"127\.0\.0\.1") as caught:
            call(away)
        assert "hush" not in str(caught.value) + repr(away)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is not made in passing: whoever runs the processes is told what to do."""
    missing = store.Sqlite(tmp_path / "missing.sqlite")
    for call in (store.open, store.ping, store.rollback, store.status):
        with pytest.raises(DriverError, match="warest db migrate"):
            call(missing)
    assert not missing.path.exists()


@pytest.mark.server
@pytest.mark.parametrize("kind", ["postgres"])
def test_a_schema_of_its_own(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two installations share a database, and nothing of either is where others look."""
    with databases.empty(kind, tmp_path) as shared:
        assert isinstance(shared, store.Postgres)
        one, two = (store.Postgres(shared.server, schema=name) for name in ("one", "Two"))
        for each in (one, two):
            assert store.migrate(each) > 0 and store.migrate(each) == 0
            store.open(each).put_admin(each.schema, "x", f"key of {each.schema}")
        assert store.open(one).account_by_name("one") and store.open(one).account_by_name("Two") is None
        assert databases.execute(shared, "select 1 from pg_tables where schemaname = 'public'") == []
        store.rollback(one, everything=True)
        assert store.open(two).account_by_key("key of Two")

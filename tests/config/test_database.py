"""Which database the settings mean."""

from pathlib import Path

import pytest

from warest import store
from warest.config import house
from warest.config.settings import from_env
from warest.errors import SetupError

URL = "postgresql://user:hush@db.example:6543/name"


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("client", ["postgres", "PostgreSQL", "pg", "mysql", "MySQL"])
def test_a_server(monkeypatch: pytest.MonkeyPatch, client: str) -> None:
    """The client has several names; the rest says where it is."""
    given(monkeypatch, WAREST_DB_CLIENT=client, WAREST_DB_HOST="h", WAREST_DB_PORT="1234", WAREST_DB_USER="u",
          WAREST_DB_PASSWORD="p:@/%", WAREST_DB_DATABASE="d", WAREST_DB_SSL="1", WAREST_DB_SSL_CA="/ca.pem",
          WAREST_DB_SSL_VERIFY="no")  # fmt: skip
    server = store.Server("h", "d", "u", "p:@/%", 1234, ssl=True, authorities=Path("/ca.pem"), verifies=False)
    expected = store.Mysql(server) if client.lower() == "mysql" else store.Postgres(server)
    assert house.database(from_env()) == expected


def test_tls_is_strict_unless_told_otherwise(tmp_path: Path) -> None:
    """The certificate is looked at, and so is the name in it (quirk S19)."""
    trusted = tmp_path / "ca.pem"
    trusted.touch()
    strict = store.Server("h", "d", ssl=True, authorities=trusted)
    assert store.Mysql(strict)._arguments()["ssl"] == {
        "ca": str(trusted), "verify_mode": "required", "check_hostname": True,
    }  # fmt: skip
    told = store.Postgres(strict).arguments()
    assert (told["sslmode"], told["sslrootcert"]) == ("verify-full", str(trusted))
    assert "ssl" not in store.Mysql(store.Server("h", "d"))._arguments()
    assert "sslmode" not in store.Postgres(store.Server("h", "d")).arguments()


def test_names_of_mysql(monkeypatch: pytest.MonkeyPatch) -> None:
    """The original read these too; its own come first."""
    given(monkeypatch, WAREST_DB_CLIENT="mysql", MYSQL_HOST="h", MYSQL_PORT="1", MYSQL_USER="u", MYSQL_PASSWORD="p",
          MYSQL_DATABASE="d", WAREST_DB_HOST="first")  # fmt: skip
    assert house.database(from_env()) == store.Mysql(store.Server("first", "d", "u", "p", 1))


@pytest.mark.parametrize("name", ["WAREST_DB_POSTGRES_URL", "WAREST_DB_URL"])
def test_a_url(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It wins over the host, and does not change the client (the original's README reads as if it did)."""
    given(monkeypatch, **{name: URL, "WAREST_DB_HOST": "elsewhere"})
    assert isinstance(house.database(from_env()), store.Sqlite)
    given(monkeypatch, WAREST_DB_CLIENT="pg")
    assert str(house.database(from_env())) == "PostgreSQL db.example, database name"


def test_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes with whatever else PostgreSQL is told; it is a plain name."""
    given(
        monkeypatch,
        WAREST_DB_CLIENT="pg",
        WAREST_DB_URL=f"{URL}?options=-c%20statement_timeout%3D9",
        WAREST_DB_SCHEMA="Mine",
    )
    database = house.database(from_env())
    assert isinstance(database, store.Postgres)
    assert database.arguments()["options"] == '-c statement_timeout=9 -csearch_path="Mine"'
    given(monkeypatch, WAREST_DB_SCHEMA='x" -c y')
    with pytest.raises(SetupError, match="WAREST_DB_SCHEMA"):
        from_env()


def test_what_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all else that is wrong."""
    given(monkeypatch, WAREST_DB_CLIENT="mysql", PORT="70000")
    with pytest.raises(SetupError) as caught:
        from_env()
    assert [line.split(":")[0].strip() for line in caught.value.message.splitlines()[1:]] == [
        "PORT", "WAREST_DB_HOST", "WAREST_DB_USER", "WAREST_DB_DATABASE",
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["mysql://u:hush@h/d", "postgresql://u:hush/x@h/d", "hush"])
def test_a_wrong_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """There is a password in it."""
    given(monkeypatch, WAREST_DB_CLIENT="postgres", WAREST_DB_URL=url)
    with pytest.raises(SetupError, match="WAREST_DB_URL") as caught:
        from_env()
    assert "hush" not in caught.value.message


def test_passwords_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of the database nor the admin's."""
    given(monkeypatch, WAREST_DB_CLIENT="pg", WAREST_DB_URL=URL, WAREST_DB_PASSWORD="hush",
          WAREST_AUTHADMIN_PASSWORD="hush", WAREST_ADMIN_APIKEY="hush", WEBHOOK_DEFAULT_SECRET="hush")  # fmt: skip
    settings = from_env()
    shown = f"{settings} {settings!r} {house.database(settings)} {house.database(settings)!r}"
    assert "hush" not in shown

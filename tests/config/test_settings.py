"""Where settings come from, which source wins, and what happens to wrong ones."""

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from warest.config import settings
from warest.config.settings import Settings, from_env
from warest.errors import SetupError


def test_nothing_has_to_be_set() -> None:
    """Without a variable every setting has the default of the class."""
    assert from_env() == Settings()
    assert (from_env().port, from_env().data_dir, from_env().sqlite_path) == (
        7308, Path("data"), Path("data/warest.sqlite"),
    )  # fmt: skip


def test_every_alias_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name of the contract works by itself, the first of several wins."""
    for setting, field in Settings.model_fields.items():
        names = settings.names_of(field)
        for name in names if setting in ("host", "base_url", "allowed_origins", "server_name", "redis_url") else ():
            with monkeypatch.context() as one:
                one.setenv(name, f"by {name}")
                assert getattr(from_env(), setting) == f"by {name}"
                one.setenv(names[0], "by the first")
                assert getattr(from_env(), setting) == "by the first"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the next name counts, or the default; spaces around a value are not part of it."""
    monkeypatch.setenv("HOST", "  ")
    monkeypatch.setenv("APP_HOST", " 127.0.0.1 ")
    monkeypatch.setenv("PORT", "")
    assert (from_env().host, from_env().port) == ("127.0.0.1", 7308)


@pytest.mark.parametrize("name", ["TIMEZONE", "ENVIRONMENT", "base_url", "port", "Log_Level", "country_code"])
def test_other_names_are_not_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Neither the attribute of a setting nor a variable in another case is a setting."""
    monkeypatch.setenv(name, "nonsense")
    assert from_env() == Settings()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("1", True),
        ("yes", True),
        ("ON", True),
        ("false", False),
        ("0", False),
        ("No", False),
        ("off", False),
    ],
)
def test_booleans(monkeypatch: pytest.MonkeyPatch, text: str, meant: bool) -> None:
    """Four words for each, in any case."""
    monkeypatch.setenv("LOG_PRETTY", text)
    assert from_env().log_pretty is meant


@pytest.mark.parametrize(
    ("variable", "text", "setting", "meant"),
    [
        ("WAREST_WEBHOOK_SIGNATURE_SHA2", "SHA-512", "webhook_sha2", "512"),
        ("WAREST_WEBHOOK_SIGNATURE_SHA2", "sha224", "webhook_sha2", "224"),
        ("WAREST_DEFAULT_COUNTRY_CODE", "+49", "country_code", "49"),
        ("WAREST_DB_CLIENT", "SQLite", "db_client", "sqlite"),
        ("LOG_LEVEL", "WARN", "log_level", "warn"),
        ("GENERIC_TIMEZONE", "Asia/Jakarta", "timezone", "Asia/Jakarta"),
        ("WEB_CONCURRENCY", "3", "web_processes", 3),
        ("WAREST_COMMAND_TIMEOUT_SEC", "2.5", "command_timeout", 2.5),
        ("WAREST_DB_SQLITE_PATH", "/x/y.sqlite", "sqlite_path", Path("/x/y.sqlite")),
    ],
)
def test_spellings_of_the_original(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, setting: str, meant: object
) -> None:
    """Values are read as generously as they always were."""
    monkeypatch.setenv(variable, text)
    assert getattr(from_env(), setting) == meant


def test_a_file_gives_its_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """X_FILE beats X, whether that stands in the environment or in .env; the last line break is not part of it."""
    (tmp_path / "secret").write_text("from the file\n")
    (tmp_path / ".env").write_text("WAREST_ADMIN_APIKEY=from dotenv\n")
    monkeypatch.setenv("WAREST_ADMIN_APIKEY", "from the environment")
    assert from_env().admin_apikey == "from the environment"
    monkeypatch.setenv("WAREST_ADMIN_APIKEY_FILE", str(tmp_path / "secret"))
    assert from_env().admin_apikey == "from the file"


def test_dotenv_is_weaker_than_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whichever of a setting's names each uses; and an empty variable is as good as none."""
    (tmp_path / ".env").write_text("HOST=10.0.0.1\nPORT=1234\nLOG_LEVEL=debug\n")
    monkeypatch.setenv("APP_HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", "")
    assert (from_env().host, from_env().port, from_env().log_level) == ("127.0.0.1", 1234, "debug")


def test_a_dollar_in_dotenv_is_a_dollar(tmp_path: Path) -> None:
    """A secret with `$` in it is not a shell script; quotes and comments are as usual."""
    (tmp_path / ".env").write_text("WEBHOOK_DEFAULT_SECRET='a${HOME}$b'  # why\nexport LOG_LEVEL=warn\n")
    assert (from_env().webhook_default_secret, from_env().log_level) == ("a${HOME}$b", "warn")


def test_all_faults_are_reported_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One start shows everything that is to be mended, each by the name that was used."""
    wrong = {
        "APP_PORT": "70000", "LOG_LEVEL": "loud", "WAREST_DB_CLIENT": "oracle", "GENERIC_TIMEZONE": "Mars/Olympus",
        "WAREST_WEB_THREADS": "0", "LOG_PRETTY": "perhaps", "WAREST_AUTHADMIN_USERNAME": "a\r\nX-Evil: 1",
        "WAREST_DEFAULT_COUNTRY_CODE": "none", "WAREST_TZ_LOCALE": "Klingon",
        "WEBHOOK_DEFAULT_SECRET_FILE": str(tmp_path / "missing"),
    }  # fmt: skip
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SetupError) as caught:
        from_env()
    lines = caught.value.message.splitlines()[1:]
    assert len(lines) == len(wrong)
    named = {"APP_PORT": "PORT", "GENERIC_TIMEZONE": "WAREST_TIMEZONE"}
    for name in wrong:
        assert any(line.strip().startswith((name, named.get(name, name))) for line in lines), name


@pytest.mark.parametrize(
    ("given", "address", "origin"),
    [
        ({}, "0.0.0.0:7308", "http://127.0.0.1:7308"),
        ({"host": "::"}, "[::]:7308", "http://[::1]:7308"),
        ({"host": "::1", "port": 80}, "[::1]:80", "http://[::1]:80"),
        ({"base_url": "https://wa.example/"}, "0.0.0.0:7308", "https://wa.example"),
    ],
)
def test_addresses(given: dict[str, object], address: str, origin: str) -> None:
    """What gunicorn listens on, and what people are shown."""
    chosen = Settings.model_validate(given)
    assert (chosen.address, chosen.origin) == (address, origin)


def test_settings_travel_and_do_not_change() -> None:
    """They go to session processes in a pickle, and nobody changes them on the way."""
    chosen = Settings(port=1)
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    with pytest.raises(ValidationError):
        chosen.port = 2

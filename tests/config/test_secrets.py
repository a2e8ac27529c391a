"""Secrets that nobody set."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.waiting import eventually
from warest.config import secrets
from warest.config.settings import Settings
from warest.errors import SetupError


def test_they_are_made_once_and_kept(tmp_path: Path) -> None:
    """Long, different from each other, in a file that only we may read, and the same at the next boot."""
    settings = Settings(data_dir=tmp_path / "new" / "data")
    made = secrets.load(settings)
    assert secrets.load(settings) == made
    assert len({made.admin_apikey, made.admin_password, made.webhook_secret, made.storage_secret}) == 4
    assert len(made.storage_secret) == 64  # as an encryption key these are 32 bytes
    assert len(made.admin_password) >= 16 and len(made.webhook_secret) >= 32 and len(made.admin_apikey) > 60
    assert secrets.path(settings).stat().st_mode & 0o777 == 0o600
    assert secrets.load(Settings(data_dir=tmp_path / "other")) != made


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """Copied by hand it may come with any mode."""
    settings = Settings(data_dir=tmp_path)
    made = secrets.load(settings)
    secrets.path(settings).chmod(0o644)
    assert secrets.load(settings) == made
    assert secrets.path(settings).stat().st_mode & 0o777 == 0o600


def test_what_is_set_wins(tmp_path: Path) -> None:
    """A variable is used in place of what is kept, one by one, and is not written to the file."""
    kept = secrets.load(Settings(data_dir=tmp_path))
    used = secrets.load(Settings(data_dir=tmp_path, admin_apikey="mine", webhook_default_secret="ours"))
    assert (used.admin_apikey, used.webhook_secret) == ("mine", "ours")
    assert used.admin_password == kept.admin_password
    assert "mine" not in secrets.path(Settings(data_dir=tmp_path)).read_text()


def test_processes_that_boot_at_once_agree(tmp_path: Path) -> None:
    """While one makes them the others wait; here the test holds the file, and lets all of them go at once."""
    script = (
        "import dataclasses, json, sys; from pathlib import Path; from warest.config import secrets, settings;"
        "print(json.dumps(dataclasses.asdict(secrets.load(settings.Settings(data_dir=Path(sys.argv[1]))))))"
    )
    with (tmp_path / "secrets.json").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        racers = [
            subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(3)
        ]
        try:
            eventually(lambda: {racer.pid for racer in racers} <= waiting_for_locks())
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)
            answers = [racer.communicate()[0] for racer in racers]
    assert len(set(answers)) == 1
    assert json.loads(answers[0]) == json.loads((tmp_path / "secrets.json").read_text())


def waiting_for_locks() -> set[int]:
    """The processes that the kernel keeps waiting for a file lock."""
    lines = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return {int(words[5]) for words in lines if words[1] == "->"}


def test_they_are_not_shown_by_accident(tmp_path: Path) -> None:
    """Neither in a traceback nor in a log of the object."""
    made = secrets.load(Settings(data_dir=tmp_path))
    assert made.admin_apikey not in repr(made) and made.admin_password not in str(made)


def test_a_file_of_an_older_release(tmp_path: Path) -> None:
    """It is given what it lacks; the rest stays as it is, also what only a newer release knows."""
    secrets.path(Settings(data_dir=tmp_path)).write_text(
        '{"admin_apikey": "a", "admin_password": "b", "webhook_secret": "c", "of_tomorrow": "d"}'
    )
    made = secrets.load(Settings(data_dir=tmp_path))
    assert (made.admin_apikey, made.admin_password, made.webhook_secret) == ("a", "b", "c")
    assert secrets.load(Settings(data_dir=tmp_path)) == made and len(made.storage_secret) == 64
    assert json.loads((tmp_path / "secrets.json").read_text())["of_tomorrow"] == "d"
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_what_was_kept_stays_readable(tmp_path: Path) -> None:
    """The storage secret is always the kept one: it may have encrypted files before somebody set another."""
    kept = secrets.load(Settings(data_dir=tmp_path))
    assert secrets.load(Settings(data_dir=tmp_path, storage_secret="mine")).storage_secret == kept.storage_secret


@pytest.mark.parametrize("setting", ["storage_secret", "storage_key", "storage_signing_secret"])
def test_the_default_of_the_original_is_refused(tmp_path: Path, setting: str) -> None:
    """In production, where others can connect; with the name of the variable (quirk S6)."""
    chosen = {setting: "warest-storage-secret", "data_dir": tmp_path}
    secrets.load(Settings.model_validate(chosen))
    with pytest.raises(SetupError, match="WAREST_STORAGE_"):
        secrets.load(Settings.model_validate(chosen | {"environment": "production"}))

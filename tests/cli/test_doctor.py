"""`warest doctor` on a house in which all is well, and on broken ones."""

import json
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from support.product import Product, free_port
from support.stranger import Stranger
from support.waiting import eventually
from warest import store
from warest.cli import embedded_redis
from warest.cli.doctor import folders, redis_server
from warest.cli.main import cli
from warest.config import secrets
from warest.config.settings import Settings

Set = Callable[..., None]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Set:
    """Sets variables, in a working folder of the test. Redis is away unless the test says where one is."""
    monkeypatch.chdir(folder)

    def put(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    put(WAREST_DATA_DIR=folder / "data", HOST="127.0.0.1", PORT=free_port(), WAREST_REDIS_URL="redis://127.0.0.1:1/0")
    return put


@contextmanager
def redis_with(folder: Path, *options: str) -> Iterator[str]:
    """The address of a Redis with these options."""
    socket = folder / "other.sock"
    process = subprocess.Popen([*embedded_redis.command(folder, socket), *options], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: embedded_redis.answers(f"unix://{socket}"))
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments], catch_exceptions=False)


def found(status: int) -> dict[str, tuple[str, str]]:
    """Status and words of each check; the command ends with this status."""
    result = run("--json")
    assert result.exit_code == status, result.output
    return {each["name"]: (each["status"], f"{each['said']} {each['remedy']}") for each in json.loads(result.stdout)}


def test_a_good_house(product: Product, variables: Set, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """All is well, next to a `warest up` whose Redis it finds by itself; a line for each check."""
    program = folder / "ffmpeg"
    program.write_text("#!/bin/sh\necho ffmpeg version 7.0 Copyright\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("WAREST_REDIS_URL")
    variables(WAREST_SANDBOX_URL=f"http://127.0.0.1:{product.sandbox_port}")
    options = ("--data", str(product.data), "--port", str(product.port))

    result = run(*options)

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert {line[0] for line in lines} == {"ok"}, result.stdout
    for part in ("brought by `warest up`", f"WAREST answers at http://127.0.0.1:{product.port}", "the sandbox network"):
        assert part in result.stdout
    assert "\x1b" not in result.stdout
    assert {each["name"] for each in json.loads(run("--json", *options).stdout)} >= {"migrations", "storage", "clock"}


def test_before_the_first_start(variables: Set, folder: Path, redis_url: str) -> None:
    """Nothing is there yet: no reason to fail, and nothing is made by looking."""
    variables(WAREST_REDIS_URL=redis_url)
    checks = found(0)
    assert [checks[name][0] for name in ("data folder", "database", "port")] == ["warn", "warn", "ok"]
    assert "warest up" in checks["data folder"][1]
    assert list(folder.iterdir()) == []
    (folder / "data").mkdir()
    checks = found(0)
    assert [checks[name][0] for name in ("data folder", "private files", "storage")] == ["ok", "warn", "warn"]
    assert list((folder / "data").iterdir()) == []


def test_which_ffmpeg(variables: Set, folder: Path, redis_url: str) -> None:
    """The one that is set; if that is none, which is used instead."""
    program = folder / "mine"
    program.write_text("#!/bin/sh\necho ffmpeg version 8.8 Copyright\n")
    program.chmod(0o755)
    variables(WAREST_REDIS_URL=redis_url, FFMPEG_PATH=program)
    assert found(0)["ffmpeg"] == ("ok", f"ffmpeg version 8.8 ({program}) ")
    variables(FFMPEG_PATH="/not/there")
    status, said = found(0)["ffmpeg"]
    assert status == "warn" and "/not/there is no program" in said and "FFMPEG_PATH" in said


def test_no_redis(variables: Set, folder: Path) -> None:
    """The one that is set has to run; the one that `warest up` brings runs only with it."""
    checks = found(1)
    assert checks["redis"][0] == "fail" and "WAREST_REDIS_URL" in checks["redis"][1]
    assert "clock" not in checks
    brought = Settings(data_dir=folder, redis_url="redis://127.0.0.1:1/0")
    brought.model_fields_set.discard("redis_url")  # as if it were the default
    assert redis_server.answers(brought).status == "warn"
    assert "`warest up`" in redis_server.answers(brought).remedy


def test_a_redis_that_forgets(variables: Set, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eviction loses what was promised to be kept; without its file a crash does; clocks have to agree."""
    with redis_with(folder, "--appendonly", "no", "--maxmemory-policy", "volatile-lru") as url:
        variables(WAREST_REDIS_URL=url)
        checks = found(0)
        assert (checks["redis persistence"][0], checks["redis memory"][0]) == ("warn", "warn")
        assert "appendonly yes" in checks["redis persistence"][1] and checks["clock"][0] == "ok"
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", "100mb")
        monkeypatch.setattr(redis_server, "TOLERANCE", -1.0)
        checks = found(1)
        assert checks["redis memory"][0] == "fail" and "noeviction" in checks["redis memory"][1]
        assert checks["clock"][0] == "warn" and "NTP" in checks["clock"][1]
        monkeypatch.setattr(redis_server, "OLDEST", (99, 0))
        assert found(1)["redis"][0] == "fail"


def test_wrong_settings(variables: Set) -> None:
    """All faults in one line; what needs no settings has been looked at."""
    variables(PORT="many", WAREST_DB_CLIENT="nix")
    checks = found(1)
    assert checks["settings"][0] == "fail"
    assert "PORT" in checks["settings"][1] and "WAREST_DB_CLIENT" in checks["settings"][1]
    assert checks["python"][0] == "ok" and "database" not in checks
    assert len(run().stdout.splitlines()) == len(checks)


def test_misspelt_variables(variables: Set, folder: Path) -> None:
    """In the environment and in .env; files of known ones, and what is ignored on purpose, are fine."""
    variables(WAREST_DATA_DIRR="x", WAREST_API_KEY_FILE=folder / "key", WAREST_STORAGE_LOCAL_CHECKSUM="md5")
    (folder / "key").write_text("key")
    (folder / ".env").write_text("WAREST_DB_CLEINT=pg\nWAREST_OF_NOTHING_KNOWN=1\n")
    status, said = found(1)["variables"]
    assert status == "warn" and "FILE" not in said and "CHECKSUM" not in said
    for part in ("DATA_DIRR (is it WAREST_DATA_DIR?)", "CLEINT (is it WAREST_DB_CLIENT?)", "WAREST_OF_NOTHING_KNOWN "):
        assert part in said


def test_folders(variables: Set, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the place of the data folder, secrets that others can read, a full disk, a storage that is none."""
    (folder / "file").touch()
    for place in (folder / "file", folder / "file" / "below"):
        variables(WAREST_DATA_DIR=place)
        status, said = found(1)["data folder"]
        assert status == "fail" and "WAREST_DATA_DIR" in said
    data = folder / "data"
    secrets.load(Settings(data_dir=data))
    secrets.path(Settings(data_dir=data)).chmod(0o644)
    monkeypatch.setattr(folders, "SCARCE", 10**18)
    variables(WAREST_DATA_DIR=data, WAREST_STORAGE_LOCAL_PATH=folder / "file")
    checks = found(1)
    assert checks["private files"][0] == "fail" and "chmod 600" in checks["private files"][1]
    assert (checks["disk space"][0], checks["storage"][0]) == ("warn", "fail")
    monkeypatch.setattr(folders, "TOO_LITTLE", 10**18)
    assert found(1)["disk space"][0] == "fail"


def test_database(variables: Set, folder: Path) -> None:
    """Pending migrations by name; a server that is away."""
    database = store.Sqlite(folder / "data" / "warest.sqlite")
    store.migrate(database)
    store.rollback(database)
    last = store.status(database)[-1][0]
    status, said = found(1)["migrations"]
    assert status == "fail" and last in said and "warest db migrate" in said
    variables(WAREST_DB_CLIENT="pg", WAREST_DB_POSTGRES_URL="postgresql://user:hidden@127.0.0.1:1/x")
    status, said = found(1)["database"]
    assert status == "fail" and "hidden" not in said


def test_a_port_that_somebody_else_has(variables: Set) -> None:
    with Stranger(200, b"hello") as stranger:
        variables(PORT=stranger.url.rpartition(":")[2])
        status, said = found(1)["port"]
    assert status == "fail" and "PORT" in said


def test_sample_secrets(variables: Set) -> None:
    """A warning at home, a failure where others connect."""
    variables(WAREST_ADMIN_APIKEY="supersecret")
    assert found(1)["secrets"][0] == "warn"  # Redis is away
    variables(WAREST_ENV="production", HOST="0.0.0.0")
    status, said = found(1)["secrets"]
    assert status == "fail" and "WAREST_ADMIN_APIKEY" in said and "supersecret" not in said


def test_a_check_that_raises_has_failed(variables: Set) -> None:
    """No traceback, and the others go on."""
    variables(WAREST_REDIS_URL="nonsense")
    checks = found(1)
    assert checks["redis"][0] == "fail" and "scheme" in checks["redis"][1] and checks["port"][0] == "ok"


def test_a_sandbox_that_is_away(variables: Set) -> None:
    variables(WAREST_SANDBOX_URL="http://127.0.0.1:1")
    assert found(1)["whatsapp"][0] == "fail"


def test_queues_are_those_of_the_redis_that_up_brings(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREST_DATA_DIR", str(product.data))
    result = CliRunner().invoke(cli, ["queues", "list"], catch_exceptions=False)
    assert "supervisor" in result.stdout


def test_a_socket_is_found_in_a_folder_with_a_long_name(folder: Path) -> None:
    """It is elsewhere then, and the folder has a link to it."""
    data = folder / ("long" * 25)
    data.mkdir()
    with embedded_redis.socket_in(data) as socket:
        process = subprocess.Popen(embedded_redis.command(data, socket), stdout=subprocess.DEVNULL)
        eventually(lambda: embedded_redis.url_of(Settings(data_dir=data)) == f"unix://{socket}")
        process.terminate()
        process.wait()
    assert embedded_redis.url_of(Settings(data_dir=data)) == Settings().redis_url


def test_proxies_that_are_away(variables: Set) -> None:
    """One of several is a warning, all of them are a fault; their passwords are not told."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        variables(WAREST_PROXY_URLS=f"127.0.0.1:{port}")
        assert found(1)["proxies"][0] == "ok"
        variables(WAREST_PROXY_URLS=f"127.0.0.1:{port},socks5://u:s3cret@127.0.0.1:1")
        status, said = found(1)["proxies"]
        assert status == "warn" and "socks5://127.0.0.1:1 " in said and "s3cret" not in said
    variables(WAREST_PROXY_URLS="socks5://u:s3cret@127.0.0.1:1")
    assert found(1)["proxies"][0] == "fail"

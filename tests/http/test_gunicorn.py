"""The web process as it runs, spoken to byte by byte: what only a real server shows."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.product import free_port
from support.waiting import eventually
from warest import accounts, store

KEY = "admin-key-of-the-tests"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[int]:
    """gunicorn with the product's own settings, on a database with an admin."""
    data: Path = tmp_path_factory.mktemp("data")
    store.migrate(store.Sqlite(data / "warest.sqlite"))
    accounts.seed_admin(store.open(store.Sqlite(data / "warest.sqlite")), "admin", "a password", KEY)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "HOST": "127.0.0.1", "PORT": str(port),
        "WAREST_DATA_DIR": str(data), "WAREST_REDIS_URL": redis_url, "MSG_JSON_LIMIT_MB": "3",
        "WAREST_WEB_THREADS": "4",
    }  # fmt: skip
    log = data / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "warest.cli", "web"], env=environment, cwd=data, stdout=stream, stderr=stream
        )
    eventually(lambda: raw(port, b"GET / HTTP/1.0\r\n\r\n"))
    yield port
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert KEY not in log.read_text()


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, bytes]:
    given = {"X-WAREST-API-KEY": KEY, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body=body, headers=given, encode_chunked=not isinstance(body, bytes))  # type: ignore[arg-type]
    answer = connection.getresponse()
    return answer.status, answer.read()


def raw(port: int, request: bytes) -> bytes:
    """The status line of the answer to some bytes; nothing if the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(request)
        peer.settimeout(10)
        return peer.makefile("rb").readline()


def test_requests_follow_each_other_on_one_connection(connection: http.client.HTTPConnection) -> None:
    """Also after a body that nobody read, and after HEAD."""
    for _ in range(2):
        assert ask(connection, "POST", "/api/v1/nope", b"x" * 300_000)[0] == 404
        assert ask(connection, "HEAD", "/api/v1/session/list") == (200, b"")
        assert ask(connection, "GET", "/api/v1/session/list")[0] == 200
        assert ask(connection, "POST", "/api/v1/session/a/config", b"x" * 300_000, Content_Type="text/plain")[0] == 404


def test_bodies_in_chunks(connection: http.client.HTTPConnection) -> None:
    """They do not tell their length, so they wait for the key; then they have the limits of the others."""
    path, kind = "/api/v1/messages/send/text", "application/json"
    pieces = [b'{"sessionId": "unknown", ', b'"to": "1"}']
    assert ask(connection, "POST", path, iter(pieces), Content_Type=kind)[0] == 404
    assert ask(connection, "POST", path, iter([b"{"]), Content_Type=kind)[0] == 400
    assert ask(connection, "POST", path, iter([b"{"]), Content_Type=kind, X_WAREST_API_KEY="wrong")[0] == 401
    padded = [b'{"pad":"', *[b"x" * 2**20] * 2, b"xxx", b'"}']
    assert ask(connection, "POST", path, iter(padded), Content_Type=kind)[0] == 404
    assert ask(connection, "POST", "/api/v1/session/a/config", iter(padded), Content_Type=kind)[0] == 413
    assert ask(connection, "POST", path, iter([*padded, *padded]), Content_Type=kind)[0] == 413


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"0x10", b"+5", b"1, 2"])
def test_lengths_that_are_none(port: int, length: bytes) -> None:
    """400, and the server goes on."""
    request = b"POST /api/v1/session/a/config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    assert b" 400 " in raw(port, request + length + b"\r\n\r\n{}")


@pytest.mark.parametrize("path", [b"/api/v1/messages/send/text", b"/api/v1/session/a/config", b"/api/v1/nope", b"/"])
def test_a_length_that_is_far_too_large(port: int, path: bytes) -> None:
    """Refused by the number alone: not a byte of the body is waited for."""
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nX-WAREST-API-KEY: %s\r\nContent-Type: application/json\r\n" % (
        path,
        KEY.encode(),
    )
    assert b" 413 " in raw(port, head + b"Content-Length: 99999999999999\r\n\r\n{")


@pytest.mark.parametrize("method", [b"BREW", b"PROPFIND", b"TRACE"])
def test_odd_methods(port: int, method: bytes) -> None:
    """Not found, with a key; never 500."""
    line = raw(
        port, b"%s /api/v1/session/list HTTP/1.1\r\nHost: x\r\nX-WAREST-API-KEY: %s\r\n\r\n" % (method, KEY.encode())
    )
    assert b" 404 " in line


@pytest.mark.parametrize(
    "path", [b"/%00", b"/api/v1/session/%00/config", b"/%ff%fe", b"/api/v1/%F0%9F%98%80", b"//", b"/.."]
)
def test_odd_paths(port: int, path: bytes) -> None:
    """Not found, or not a session id; never 500."""
    line = raw(port, b"POST %s HTTP/1.1\r\nHost: x\r\nX-WAREST-API-KEY: %s\r\n\r\n" % (path, KEY.encode()))
    assert b" 404 " in line or b" 400 " in line


def test_many_at_once(port: int) -> None:
    """More connections than threads: each gets its answer."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(16)]
    for connection in connections:
        connection.request("GET", "/api/v1/session/list", headers={"Api-Key": KEY})
    for connection in connections:
        assert json.loads(connection.getresponse().read())["code"] == 1000
        connection.close()

"""The web process as it runs, spoken to byte by byte: what only a real server shows."""

import hashlib
import http.client
import itertools
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support import web_process
from support.threads import at_once
from support.waiting import eventually
from support.web_process import KEY, WebProcess, peak_memory
from warest.config import house
from warest.config.settings import Settings
from warest.drivers.storage import Storage, Visibility


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def gunicorn(data: Path, redis_url: str) -> Iterator[WebProcess]:
    with web_process.running(data, redis_url, MSG_JSON_LIMIT_MB="3", WAREST_WEB_THREADS="4") as process:
        yield process


@pytest.fixture(scope="module")
def port(gunicorn: WebProcess) -> int:
    return gunicorn.port


@pytest.fixture(scope="module")
def files(data: Path, port: int) -> Storage:
    """The storage of the server."""
    return house.open_storage(Settings(data_dir=data))


@pytest.fixture
def worker(gunicorn: WebProcess) -> Path:
    return gunicorn.worker


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


# Files


PIECE = random.Random(1).randbytes(100_000)


def large(files: Storage, visibility: Visibility) -> str:
    """The address of a file of 60 MB."""
    files.put(f"large/{visibility}", itertools.repeat(PIECE, 600), visibility=visibility)
    return (files.public_url if visibility == "public" else files.signed_url)(f"large/{visibility}")


def open_files(worker: Path, name: str) -> int:
    return sum(name in str(link.readlink()) for link in (worker / "fd").iterdir())


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_large_files(
    connection: http.client.HTTPConnection, files: Storage, worker: Path, visibility: Visibility
) -> None:
    """60 MB, several times at once, encrypted ones too: no more than a piece of each is in memory."""
    address = large(files, visibility)
    ask(connection, "GET", "/api/v1/session/list")
    before = peak_memory(worker)

    def fetched() -> str:
        whole = hashlib.sha256()
        with httpx.stream("GET", f"http://127.0.0.1:{connection.port}{address}", timeout=60) as answer:
            assert (answer.status_code, answer.headers["content-length"]) == (200, "60000000")
            assert "content-encoding" not in answer.headers and "transfer-encoding" not in answer.headers
            for piece in answer.iter_raw():
                whole.update(piece)
        return whole.hexdigest()

    assert at_once(fetched, 3) == [hashlib.sha256(PIECE * 600).hexdigest()] * 3
    assert peak_memory(worker) - before < 20
    eventually(lambda: open_files(worker, f"large/{visibility}") == 0)


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_files_on_one_connection(
    connection: http.client.HTTPConnection, files: Storage, visibility: Visibility
) -> None:
    """Whole, parts, none, heads and refusals: after each the next is understood."""
    address = large(files, visibility)
    assert ask(connection, "GET", address, Range="bytes=50000000-50000009") == (206, (PIECE * 2)[:10])
    assert ask(connection, "HEAD", address) == (200, b"")
    assert ask(connection, "GET", address, Range="bytes=60000000-") == (416, b"")
    assert ask(connection, "GET", address, If_None_Match="*") == (304, b"")
    assert ask(connection, "GET", f"{address}0")[0] in (403, 404)
    assert ask(connection, "GET", address, Range="bytes=-100000", Accept_Encoding="gzip") == (206, PIECE)
    assert ask(connection, "GET", "/api/v1/session/list")[0] == 200


def test_a_caller_who_hangs_up(port: int, files: Storage, worker: Path) -> None:
    """The file is closed, and the server goes on."""
    address = large(files, "private")
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert peer.recv(100_000)
        eventually(lambda: open_files(worker, "large/private") == 1)
    eventually(lambda: open_files(worker, "large/private") == 0)


def test_a_file_that_is_damaged_in_the_middle(
    connection: http.client.HTTPConnection, files: Storage, data: Path
) -> None:
    """What was right before has been sent; then the connection ends, so that nobody takes it for the file."""
    address = large(files, "private")
    with (data / "private/storages/large/private").open("r+b") as file:
        file.seek(30_000_000)
        file.write(b"\0" * 10)
    connection.request("GET", address)
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert 29_000_000 < len(caught.value.partial) < 30_000_000

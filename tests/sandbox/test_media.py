"""Files between phones and sessions: encrypted on the media host, opened only with what the message says."""

import base64
import hashlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from sandbox.harness import SandboxProcess, Start
from support.waiting import eventually
from warest.errors import InvalidInput, NotFound
from warest.sandbox.media import HOST, Files
from warest.sandbox.store import Store
from warest.whatsapp import protos

ANI, BUDI = "628110000001", "628110000002"

PICTURE = b"\x89PNG not really" * 1000

#: All that is told of a file of which nothing is told.
PLAIN = {
    "caption": "", "name": "", "seconds": 0, "width": 0, "height": 0, "ptt": False, "gifPlayback": False,
    "viewOnce": False, "animated": False, "waveform": 0, "thumbnail": 0, "wrappers": [],
}  # fmt: skip

SMALL = base64.b64encode(b"small").decode()


@pytest.fixture
def network(sandbox: SandboxProcess) -> SandboxProcess:
    """With two phones."""
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")
    return sandbox


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    store = Store(tmp_path / "store")
    yield Files(store)
    store.close()


@pytest.mark.parametrize(
    ("kind", "told", "field", "shown"),
    [
        (
            "image",
            {"mimetype": "image/png", "caption": "look", "width": 7, "height": 5, "thumbnail": SMALL},
            "imageMessage",
            {"mimetype": "image/png", "caption": "look", "width": 7, "height": 5, "thumbnail": 5},
        ),
        (
            "image",
            {"viewOnce": True},
            "viewOnceMessageV2",
            {"mimetype": "image/jpeg", "viewOnce": True, "wrappers": ["viewOnceMessageV2"]},
        ),
        ("video", {"seconds": 3}, "videoMessage", {"mimetype": "video/mp4", "seconds": 3}),
        ("gif", {}, "videoMessage", {"mimetype": "video/mp4", "gifPlayback": True}),
        ("ptv", {"seconds": 2}, "ptvMessage", {"mimetype": "video/mp4", "seconds": 2}),
        (
            "voice",
            {"seconds": 4, "waveform": SMALL, "viewOnce": True},
            "viewOnceMessageV2Extension",
            {
                "mimetype": "audio/ogg; codecs=opus", "seconds": 4, "waveform": 5, "ptt": True, "viewOnce": True,
                "wrappers": ["viewOnceMessageV2Extension"],
            },
        ),
        ("audio", {}, "audioMessage", {"mimetype": "audio/mpeg"}),
        (
            "sticker",
            {"animated": True, "thumbnail": SMALL},
            "stickerMessage",
            {"mimetype": "image/webp", "animated": True, "thumbnail": 5},
        ),
        (
            "document",
            {"name": "a.pdf", "mimetype": "application/pdf"},
            "documentMessage",
            {"mimetype": "application/pdf", "name": "a.pdf"},
        ),
        (
            "document",
            {"name": "a.bin", "caption": "for you"},
            "documentWithCaptionMessage",
            {
                "mimetype": "application/octet-stream", "name": "a.bin", "caption": "for you",
                "wrappers": ["documentWithCaptionMessage"],
            },
        ),
    ],
)  # fmt: skip
def test_a_phone_sends_a_file(
    module_network: SandboxProcess, kind: str, told: dict[str, Any], field: str, shown: dict[str, Any]
) -> None:
    """And both see the same of it, as WhatsApp would write it."""
    message_id = module_network.send_media(ANI, BUDI, kind, PICTURE, **told)
    for phone in (ANI, BUDI):
        message = next(m for m in module_network.get(f"/phones/{phone}/messages") if m["id"] == message_id)
        assert message["kind"] == field and field in message["message"]
        assert message["file"] == {**PLAIN, "kind": kind, "size": len(PICTURE), **shown}
        answer = module_network.media(phone, message_id)
        assert (answer.content, answer.headers["content-type"]) == (PICTURE, shown["mimetype"])


@pytest.fixture(scope="module")
def module_network(tmp_path_factory: pytest.TempPathFactory, tokens: Any) -> Iterator[SandboxProcess]:
    """One for tests that leave nothing behind that disturbs the others."""
    process = SandboxProcess(tmp_path_factory.mktemp("media") / "sandbox", tokens)
    process.phone(ANI)
    process.phone(BUDI)
    yield process
    process.close()


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({}, 'needs a "kind", one of: image'),
        ({"kind": ["image"]}, 'needs a "kind"'),
        ({"kind": "hologram"}, 'needs a "kind"'),
        ({"kind": "image", "data": "?"}, '"data" must be base64'),
        ({"kind": "image", "data": 5}, '"data" must be base64'),
        ({"kind": "image"}, '"data" must be base64'),
        ({"kind": "image", "data": "", "thumbnail": "?"}, '"thumbnail" must be base64'),
        ({"kind": "image", "data": "", "speed": 1}, "Nothing is known of speed"),
        ({"kind": "sticker", "data": "", "caption": "x"}, "sticker has no caption"),
        ({"kind": "image", "data": "", "width": -1}, '"width" cannot be that'),
        ({"kind": "image", "data": "", "caption": 5}, '"caption" cannot be that'),
        ({"kind": "image", "data": "", "id": 5}, 'needs "id"'),
        ({"kind": "image", "data": "", "repeat": 0}, '"repeat" must be'),
        ({"kind": "image", "data": "", "repeat": "x"}, '"repeat" must be'),
        ({"kind": "image", "data": "AAAA", "repeat": 100_000_000}, '"repeat" must be'),
    ],
)
def test_what_is_no_file(module_network: SandboxProcess, told: dict[str, Any], error: str) -> None:
    answer = module_network.http.post(f"/phones/{ANI}/media", json={"to": BUDI, **told})
    assert answer.status_code == 400 and error in answer.json()["error"]


def test_a_message_without_a_file(module_network: SandboxProcess) -> None:
    words = module_network.send(BUDI, ANI, "only words")
    for message in (words, "nonsense"):
        assert module_network.media(ANI, message).status_code == 404


def test_an_id_is_given_once(module_network: SandboxProcess) -> None:
    assert module_network.send_media(ANI, BUDI, "image", b"one", id="3AONE") == "3AONE"
    again = module_network.http.post(f"/phones/{ANI}/media", json={"to": BUDI, "id": "3AONE", "kind": "image"})
    assert again.status_code == 409
    assert module_network.media(BUDI, "3AONE").content == b"one"


def test_a_session_sends_and_fetches_files(network: SandboxProcess, client: Start) -> None:
    """With the real neonize, which checks every hash."""
    session = client("ani").link(ANI)
    sent = session.call("send_image", to=BUDI, data=base64.b64encode(PICTURE).decode())
    eventually(lambda: sent in [m["id"] for m in network.get(f"/phones/{BUDI}/messages")], what="the file to arrive")
    (shown,) = network.get(f"/phones/{BUDI}/messages")
    expected = {"caption": "look", "width": 7, "height": 5, "thumbnail": 5, "mimetype": "image/png"}
    assert shown["file"] == {**PLAIN, "kind": "image", "size": len(PICTURE), **expected}
    assert network.media(BUDI, sent).content == PICTURE
    for kind, media_type in (("video", "video"), ("voice", "ptt"), ("document", "document"), ("sticker", "sticker")):
        got = network.send_media(BUDI, ANI, kind, PICTURE)
        told = session.wait("message", id=got)
        assert (told["type"], told["mediaType"]) == ("media", media_type)
        assert session.call("download", id=got) == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("media_status", {"status": 404}, "404"),
        ("media_status", {"status": 410}, "410"),
        ("media_truncated", {}, "EOF"),
        ("media_broken", {}, "hash"),
    ],
)
def test_what_neonize_says_of_a_bad_media_host(
    network: SandboxProcess, client: Start, fault: str, options: dict[str, Any], error: str
) -> None:
    """The fault is for one message's file, before it is sent, and until it is cleared; another is not hurt."""
    session = client("ani").link(ANI)
    network.fault(fault, message="3ABAD", **options)
    bad, good = (
        network.send_media(BUDI, ANI, "image", PICTURE, id="3ABAD"),
        network.send_media(BUDI, ANI, "image", b"x"),
    )
    session.wait("message", id=bad)
    session.wait("message", id=good)
    session.order("download", id=bad)
    assert error in session.wait("failed")["error"]
    assert session.call("download", id=good) == hashlib.sha256(b"x").hexdigest()
    network.clear_faults()
    assert session.call("download", id=bad) == hashlib.sha256(PICTURE).hexdigest()


def test_an_upload_that_is_refused(network: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    network.fault("upload_refused", times=1)
    session.order("send_image", to=BUDI, data=base64.b64encode(PICTURE).decode())
    assert "503" in session.wait("failed")["error"]
    assert network.get("/faults") == []
    session.call("send_image", to=BUDI, data=base64.b64encode(PICTURE).decode())


@contextmanager
def media_host(sandbox: SandboxProcess) -> Iterator[ssl.SSLSocket]:
    """A connection to the media host, as clients have it."""
    context = ssl.create_default_context(cadata=sandbox.get("/network")["ca"])
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as plain:
        plain.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
        assert plain.recv(100).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(plain, server_hostname=HOST) as connection:
            yield connection


def asked(connection: ssl.SSLSocket, method: str, path: str, body: bytes = b"", *, span: str = "") -> HTTPResponse:
    more = f"Range: {span}\r\n" if span else ""
    connection.sendall(f"{method} {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
    response = HTTPResponse(connection, method=method)
    response.begin()
    return response


def path_of(sandbox: SandboxProcess, message_id: str) -> str:
    shown = next(m for m in sandbox.get(f"/phones/{BUDI}/messages") if m["id"] == message_id)
    path: str = shown["message"]["documentMessage"]["directPath"]
    return path


@pytest.mark.parametrize(
    ("asks", "status", "first", "end"),
    [
        ("", 200, 0, 986),
        ("bytes=0-", 206, 0, 986),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=980-5000", 206, 980, 986),
        ("bytes=-7", 206, 979, 986),
        ("bytes=986-", 416, 0, 0),
        ("bytes=5-4", 416, 0, 0),
        ("bytes=-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("lines=1-2", 416, 0, 0),
    ],
)
def test_ranges(module_network: SandboxProcess, asks: str, status: int, first: int, end: int) -> None:
    path = path_of(
        module_network, module_network.send_media(ANI, BUDI, "document", bytes(975))
    )  # with padding and MAC: 986
    with media_host(module_network) as connection:
        whole = asked(connection, "GET", path).read()
        # On the same connection: each answer ends where it says.
        answer = asked(connection, "GET", path, span=asks)
        assert (answer.status, answer.read()) == (status, whole[first:end])
        told = {206: f"bytes {first}-{end - 1}/{len(whole)}", 416: f"bytes */{len(whole)}"}.get(status)
        assert answer.headers["content-range"] == told


def test_a_large_file_goes_up_and_comes_down(module_network: SandboxProcess) -> None:
    """100 MB, and the sandbox hardly grows: it keeps what goes through on the disk."""
    content = bytes(range(256)) * 400_000
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    before = module_network.peak_memory()
    with media_host(module_network) as connection:
        path = f"/mms/document/{digest}?auth=x&token=x"
        assert asked(connection, "POST", path, content).status == 200
    with media_host(module_network) as connection:
        answer = asked(connection, "GET", f"/mms/document/{digest}?ccb=1")
        assert answer.headers["content-length"] == str(len(content))
        assert answer.read() == content
        assert asked(connection, "DELETE", f"/mms/document/{digest}").status == 200
    assert module_network.peak_memory() - before < 32_000_000
    assert not [path for path in (module_network.data / "files").iterdir() if path.stat().st_size >= len(content)]


def test_a_phone_sends_a_large_file(module_network: SandboxProcess) -> None:
    """100 MB made of one that is sent; only who opens it holds it, once."""
    piece, before = bytes(range(256)) * 4_000, module_network.peak_memory()
    sent = module_network.send_media(ANI, BUDI, "document", piece, repeat=100)
    assert module_network.peak_memory() - before < 32_000_000
    got = module_network.media(BUDI, sent)
    assert hashlib.sha256(got.content).digest() == hashlib.sha256(piece * 100).digest()
    assert module_network.peak_memory() - before < 160_000_000


def test_an_upload_that_ends_half_way_leaves_nothing(module_network: SandboxProcess) -> None:
    before = set((module_network.data / "files").iterdir())
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x" * 100).digest()).decode()
    with media_host(module_network) as connection:
        head = f"POST /mms/image/{digest} HTTP/1.1\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 50)
        eventually(lambda: set((module_network.data / "files").iterdir()) != before, what="the upload to begin")
    eventually(lambda: set((module_network.data / "files").iterdir()) == before, what="the upload to be forgotten")
    with media_host(module_network) as connection:
        assert asked(connection, "GET", f"/mms/image/{digest}").status == 404


def test_a_slow_download_is_whole(module_network: SandboxProcess) -> None:
    """In steps of a tenth of a second."""
    path = path_of(module_network, module_network.send_media(ANI, BUDI, "document", PICTURE))
    with media_host(module_network) as connection:
        whole = asked(connection, "GET", path).read()
        module_network.fault("media_slow", bytes_per_second=50_000, times=1)
        answer = asked(connection, "GET", path)
        assert answer.headers["content-length"] == str(len(whole))
        first = answer.read1(len(whole))
        assert 0 < len(first) < len(whole)
        assert first + answer.read() == whole


def test_a_fault_of_the_media_host_is_counted(module_network: SandboxProcess) -> None:
    path = path_of(module_network, module_network.send_media(ANI, BUDI, "document", PICTURE))
    module_network.fault("media_status", status=503, times=2)
    assert module_network.get("/faults") == [{"kind": "media_status", "message": None, "status": 503, "left": 2}]
    with media_host(module_network) as connection:
        assert [asked(connection, "GET", path).status for _ in range(2)] == [503, 503]
        answer = asked(connection, "GET", path)
        assert answer.status == 200 and answer.read()


@pytest.mark.parametrize("field", ["mediaKey", "fileSHA256", "fileEncSHA256", "fileLength"])
def test_a_file_opens_only_with_what_belongs_to_it(files: Files, field: str) -> None:
    part = document(files)
    assert files.opened(part, "Document") == PICTURE
    setattr(part, field, 7 if field == "fileLength" else bytes(32))
    with pytest.raises(InvalidInput):
        files.opened(part, "Document")


def test_a_file_that_is_gone(files: Files) -> None:
    part = document(files)
    files.delete(part.directPath.partition("?")[0])
    with pytest.raises(NotFound):
        files.opened(part, "Document")


def test_what_a_killed_sandbox_left_half_done_is_swept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    files = Files(store)
    part = document(files)
    (tmp_path / "store" / "files" / "half").write_bytes(b"x")
    again = Files(store)
    assert len(list((tmp_path / "store" / "files").iterdir())) == 1
    assert again.opened(part, "Document") == PICTURE
    store.close()


def document(files: Files) -> Any:
    file = files.put("Document", [PICTURE])
    part = protos.e2e.DocumentMessage()
    part.directPath, part.mediaKey, part.fileLength = file.path, file.key, file.size
    part.fileSHA256, part.fileEncSHA256 = file.sha256, file.encrypted_sha256
    return part

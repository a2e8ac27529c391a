"""The control API's answers, and who may use the port."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.harness import SandboxProcess
from warest.errors import SetupError
from warest.sandbox import Sandbox, media
from warest.whatsapp import library

ANI, BUDI = "628110000001", "628110000002"

UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, tokens: library.Tokens) -> Iterator[SandboxProcess]:
    """One for all, because no client comes to it."""
    process = SandboxProcess(tmp_path_factory.mktemp("control") / "sandbox", tokens)
    process.phone(ANI)
    process.phone(BUDI)
    yield process
    process.close()


def test_phones_are_added_once(sandbox: SandboxProcess) -> None:
    added = sandbox.http.post("/phones", json={"phone": "628110000003", "name": "Cici"})
    assert added.status_code == 201
    account = added.json()
    assert account.pop("lid").endswith("@lid")
    assert account == {"phone": "628110000003", "name": "Cici", "jid": "628110000003@s.whatsapp.net", "devices": []}
    again = sandbox.http.post("/phones", json={"phone": "628110000003", "name": "Cici"})
    assert (again.status_code, list(again.json())) == (409, ["error"])
    assert [phone["phone"] for phone in sandbox.get("/phones")] == [ANI, BUDI, "628110000003"]


@pytest.mark.parametrize("phone", ["12345", "1234567890123456", "+628110000001", "62811000000a", "٦٢٨١١٠٠٠٠٠٠١"])
def test_a_phone_number_is_6_to_15_digits(sandbox: SandboxProcess, phone: str) -> None:
    assert sandbox.http.post("/phones", json={"phone": phone, "name": "X"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("GET", f"/phones/{ANI}/nothing", b"", 404),
        ("PUT", "/phones", b"{}", 405),
        ("POST", "/phones", b"{", 400),
        ("POST", "/phones", b"[]", 400),
        ("POST", "/phones", b"\xff", 400),
        ("POST", "/phones", b"{}", 400),
        ("POST", "/phones/628110000009/messages", b'{"to":"628110000001","text":"x"}', 404),
        ("POST", f"/phones/{ANI}/messages", b'{"to":"628110000009","text":"x"}', 404),
        ("POST", f"/phones/{ANI}/messages", b'{"to":"628110000001","text":5}', 400),
        ("GET", f"/phones/{ANI}/messages?after=x", b"", 400),
        ("GET", f"/phones/{ANI}/messages?wait=-1", b"", 400),
        ("GET", f"/phones/{ANI}/messages?wait=nan", b"", 400),
        ("POST", f"/phones/{ANI}/scan", b'{"qr":"x"}', 400),
    ],
)
def test_an_error_is_a_sentence(sandbox: SandboxProcess, method: str, path: str, body: bytes, status: int) -> None:
    answer = sandbox.http.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_a_wait_for_messages_ends_with_the_message(sandbox: SandboxProcess) -> None:
    assert sandbox.get(f"/phones/{BUDI}/messages", wait=0.1) == []
    sandbox.send(ANI, BUDI, "from phone to phone")
    (message,) = sandbox.get(f"/phones/{BUDI}/messages", wait=60)
    assert message["text"] == "from phone to phone"
    assert sandbox.get(f"/phones/{BUDI}/messages", after=message["seq"]) == []


def test_what_is_no_http_gets_an_answer_and_an_end(sandbox: SandboxProcess) -> None:
    for nonsense in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"x" * 200_000):
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
            connection.sendall(nonsense)
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_tunnel_elsewhere_is_refused_and_noted(sandbox: SandboxProcess) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")
    assert "example.com:443" in sandbox.get("/violations")[-1]["what"]


def test_what_is_no_client_is_noted(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """Through a real tunnel: no TLS, another page than the websocket's, and a websocket that does not speak Noise."""
    before = len(sandbox.get("/violations"))
    with tunnel(sandbox) as connection:
        connection.sendall(b"no TLS at all, for sure\r\n\r\n")
        connection.recv(100)  # Perhaps an alert, perhaps the end.
    context = ssl.create_default_context(cadata=sandbox.get("/network")["ca"])
    with tunnel(sandbox) as plain, context.wrap_socket(plain, server_hostname="web.whatsapp.com") as connection:
        connection.sendall(b"GET /other HTTP/1.1\r\nHost: web.whatsapp.com\r\n" + UPGRADE)
        assert connection.recv(100).startswith(b"HTTP/1.1 404 ")
    with tunnel(sandbox) as plain, context.wrap_socket(plain, server_hostname="web.whatsapp.com") as connection:
        connection.sendall(b"GET /ws/chat HTTP/1.1\r\nHost: web.whatsapp.com\r\n" + UPGRADE)
        assert connection.recv(1000).startswith(b"HTTP/1.1 101 ")
        connection.sendall(b"\x82\x84\0\0\0\0nope")
        assert connection.recv(100) == b""
    what = [violation["what"] for violation in sandbox.get("/violations")[before:]]
    assert len(what) == 3
    assert what[0].startswith("TLS to web.whatsapp.com:443 failed")
    assert what[1:] == ["a request for /other", "the connection does not begin with WA\\x06\\x03"]


def test_the_media_host_knows_three_methods(sandbox: SandboxProcess) -> None:
    context = ssl.create_default_context(cadata=sandbox.get("/network")["ca"])
    with (
        tunnel(sandbox, media.HOST) as plain,
        context.wrap_socket(plain, server_hostname=media.HOST) as connection,
    ):
        for method, status in ((b"GET", b"404"), (b"DELETE", b"404"), (b"PUT", b"501")):
            connection.sendall(method + b" /mms/image/nothing?ccb=1 HTTP/1.1\r\nHost: mmg.whatsapp.net\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 " + status)
        assert connection.recv(100) == b""
    assert sandbox.get("/violations")[-1]["what"] == "PUT /mms/image/nothing at mmg.whatsapp.net"


def tunnel(sandbox: SandboxProcess, host: str = "web.whatsapp.com") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", sandbox.port), timeout=5)
    connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    return connection


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"127\.0\.0\.1 only"):
        asyncio.run(Sandbox.start(tmp_path, host="0.0.0.0", port=0))


def test_one_folder_belongs_to_one_sandbox(sandbox: SandboxProcess) -> None:
    with pytest.raises(SetupError, match="another sandbox"):
        asyncio.run(Sandbox.start(sandbox.data, port=0))


def test_a_page_of_a_browser_is_refused(sandbox: SandboxProcess) -> None:
    assert sandbox.http.get("/phones", headers={"host": f"evil.example:{sandbox.port}"}).status_code == 400
    assert sandbox.http.get("/phones", headers={"host": f"localhost:{sandbox.port}"}).status_code == 200


def test_a_new_folder_is_all_it_needs(tmp_path: Path) -> None:
    async def start_and_stop() -> None:
        sandbox = await Sandbox.start(tmp_path / "new", port=0)
        assert sandbox.port
        await sandbox.stop()

    for _ in range(2):
        asyncio.run(start_and_stop())
    assert (tmp_path / "new" / "sandbox.sqlite3").stat().st_mode & 0o777 == 0o600


def test_faults_wait_until_they_are_cleared(sandbox: SandboxProcess) -> None:
    asked = sandbox.post("/faults", kind="login", phone=ANI, reason=402, times=2)
    assert asked == {"kind": "login", "phone": ANI, "reason": 402, "code": 101, "expire": 3600, "left": 2}
    slow = sandbox.post("/faults", kind="slow", milliseconds=5)
    assert slow == {"kind": "slow", "phone": None, "milliseconds": 5, "left": None}
    assert sandbox.get("/faults") == [asked, slow]
    for _ in range(98):
        sandbox.fault("refuse")
    assert sandbox.http.post("/faults", json={"kind": "refuse"}).status_code == 409
    sandbox.clear_faults()
    assert sandbox.get("/faults") == []


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, 'needs "kind", one of: login, refuse'),
        ({"kind": ["login"]}, 400, "one of"),
        ({"kind": "login"}, 400, '"reason" must be a whole number'),
        ({"kind": "login", "reason": 404}, 400, "one of 401, 402"),
        ({"kind": "login", "reason": 401, "times": 0}, 400, '"times" must be a whole number from 1 to 1000'),
        ({"kind": "login", "reason": 401, "phone": 5}, 400, "must be a text"),
        ({"kind": "login", "reason": 401, "phone": "628110000009"}, 404, "no phone 628110000009"),
        ({"kind": "slow", "milliseconds": 1.5}, 400, "from 1 to 60000"),
        ({"kind": "slow", "milliseconds": True}, 400, "from 1 to 60000"),
        ({"kind": "slow", "milliseconds": 5, "times": 1}, 400, "has no times"),
        ({"kind": "refuse", "phone": ANI}, 400, "has no phone"),
        ({"kind": "qr", "references": 7}, 400, "from 1 to 6"),
        ({"kind": "drop", "speed": 1}, 400, "has no speed"),
        ({"kind": "media_status"}, 400, '"status" must be a whole number from 400 to 599'),
        ({"kind": "media_status", "status": 404, "message": 5}, 400, "must be a text"),
        ({"kind": "media_broken", "phone": ANI}, 400, "has no phone"),
        ({"kind": "upload_refused", "message": "3A"}, 400, "has no message"),
        ({"kind": "drop"}, 409, "no session that"),
        ({"kind": "replaced", "phone": ANI}, 409, f"no session of {ANI} that"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    sandbox: SandboxProcess, body: dict[str, object], status: int, words: str
) -> None:
    answer = sandbox.http.post("/faults", json=body)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text

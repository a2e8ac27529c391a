"""Files on their way to WhatsApp: however they come in, they are spooled, named in a command, and never left behind."""

import base64
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from falcon import testing

from support.file_host import FileHost, says
from warest import commands
from warest.bus import answered
from warest.spool import Spool
from warest.store import Account, SessionRecord

Call = Callable[..., testing.Result]

PATH = "/messages/send/document"

CONTENT = b"%PDF-1.7 \x00\xff not really\r\n--boundary" * 50


@pytest.fixture
def received(
    online: Callable[[Account, str], SessionRecord],
    session_answers: Callable[[SessionRecord, Callable[..., Any]], None],
    admin: Account,
    spool: Spool,
) -> list[tuple[commands.SendFile, bytes]]:
    """What the process of the session `s` gets: the command, and the file that it finds."""
    got: list[tuple[commands.SendFile, bytes]] = []

    def answer(command_id: str, command: dict[str, Any]) -> Any:
        order = commands.decode(command)
        assert isinstance(order, commands.SendFile)
        with spool.open(order.file) as opened:
            got.append((order, opened.read()))
        spool.delete(order.file)
        sent = commands.Sent(
            to=order.to[0], to_pn=order.to[0], to_lid=None, message_id="M1", timestamp=5, sender="628111"
        )
        return answered([dataclasses.asdict(sent)])

    session_answers(online(admin, "s"), answer)
    return got


@pytest.fixture(autouse=True)
def nothing_is_left(spool: Spool) -> Iterator[None]:
    yield
    assert [entry.key for entry in spool._storage.walk("spool/")] == []


def form(*parts: tuple[str, str | None, str, bytes], boundary: str = "----WebKitFormBoundaryAbC") -> dict[str, Any]:
    """A multipart body of (field, file name, type, content)."""
    body = b""
    for field, name, kind, content in parts:
        file = f'; filename="{name}"' if name is not None else ""
        kind_line = f"Content-Type: {kind}\r\n" if kind else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"{file}\r\n{kind_line}\r\n'.encode()
        body += content + b"\r\n"
    return {
        "body": body + f"--{boundary}--\r\n".encode(),
        "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    }


def fields(**values: str) -> list[tuple[str, None, str, bytes]]:
    return [(name, None, "", value.encode()) for name, value in {"sessionId": "s", "to": "0811", **values}.items()]


def test_a_form_with_the_file_first(call: Call, received: list[Any]) -> None:
    """Browsers write capitals into the boundary; the original then found nothing (quirk Q10)."""
    file = ("document", "report.pdf", "application/pdf", CONTENT)
    answer = call("POST", PATH, **form(file, *fields(caption="<b>hi</b>", isForwarded="true", replyMessageId="null")))
    assert (answer.status_code, answer.json["message"]) == (200, "Document message sent")
    ((command, content),) = received
    assert content == CONTENT
    assert (command.to, command.name, command.mimetype) == (("62811@s.whatsapp.net",), "report.pdf", "application/pdf")
    assert (command.caption, command.forwarded, command.reply_to) == ("*hi*", True, None)
    (entry,) = answer.json["results"]
    assert (entry["status"], entry["messageId"]) == ("document pdf success", "M1")
    assert entry["advancedInfo"] == {
        "isForwarded": True, "quotedMessageId": None,
        "filename": "report.pdf", "mimetype": "application/pdf", "caption": "*hi*",
    }  # fmt: skip


def test_of_several_files_the_one_in_a_known_field_counts(call: Call, received: list[Any]) -> None:
    others = [("other", "a.txt", "text/plain", b"no"), ("file", "b.txt", "text/plain", b"yes"), ("x", "c", "", b"no")]
    assert call("POST", PATH, **form(*fields(), *others)).status_code == 200
    assert [(command.name, content) for command, content in received] == [("b.txt", b"yes")]


def test_a_file_waits_an_hour_for_its_session(call: Call, received: list[Any]) -> None:
    """However short others are kept: the session may have much to send before."""
    for body in (
        form(("document", "a.pdf", "", CONTENT), *fields()),
        {"json": {"sessionId": "s", "to": "1", "document": "data:,x"}},
    ):
        assert call("POST", PATH, **body).status_code == 200
    expires = [int(command.file.split("/")[1].split("-")[0]) for command, _ in received]
    assert len(expires) == 2 and all(3500 < end - time.time() < 3700 for end in expires)


def test_else_the_first(call: Call, received: list[Any]) -> None:
    files = [("one", "a.txt", "", b"first"), ("two", "b.txt", "", b"second")]
    assert call("POST", PATH, **form(*files, *fields())).status_code == 200
    assert [(command.name, content) for command, content in received] == [("a.txt", b"first")]


def test_a_raw_body_with_the_rest_in_the_query(call: Call, received: list[Any]) -> None:
    query = "?sessionId=s&to=0811&filename=dir/..%5Cx.bin&caption=c"
    assert call("POST", PATH + query, body=CONTENT, headers={"Content-Type": "image/png"}).status_code == 200
    ((command, content),) = received
    assert (command.name, command.mimetype, content) == ("x.bin", "image/png", CONTENT)


@pytest.mark.parametrize(
    ("source", "content", "mimetype"),
    [
        ("data:application/pdf;base64," + base64.b64encode(CONTENT).decode(), CONTENT, "application/pdf"),
        ("data:text/plain;charset=utf-8,a%20b", b"a b", "text/plain"),
        (base64.b64encode(CONTENT).decode(), CONTENT, "application/pdf"),
        ("base64," + base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode(), b"\xfb\xff\xfe", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("field", ["document", "url", "upload"])
def test_text_that_holds_the_file(
    call: Call, received: list[Any], source: str, content: bytes, mimetype: str, field: str
) -> None:
    """Without a name it gets a plain one, not the tail of its base64 (quirk Q16)."""
    answer = call("POST", PATH, json={"sessionId": "s", "to": "0811", field: source})
    assert (answer.status_code, answer.json["results"][0]["status"]) == (200, "document success")
    assert [(got, command.name, command.mimetype) for command, got in received] == [(content, "document", mimetype)]


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({"document": "data:text/plain,x"}, 400, 2001, "Missing or invalid 'to'"),
        ({"to": "0811"}, 400, 2000, "Invalid document input"),
        ({"to": "0811", "document": "word"}, 400, 2000, "Invalid document input"),
        ({"to": "0811", "document": "data:text/plain;base64,%%"}, 400, 2000, "the data URI is not base64"),
        ({"to": "0811", "document": "data:,x", "filename": "a.EXE"}, 415, 2007, "extension .exe are not sent"),
        ({"to": "0811", "document": "data:text/javascript,x"}, 415, 2007, "type text/javascript are not sent"),
        ({"to": "0811", "document": "data:image/png,MZ%90"}, 415, 2007, "Programs are not sent"),
    ],
)  # fmt: skip
def test_refusals(call: Call, received: list[Any], body: dict[str, str], status: int, code: int, message: str) -> None:
    answer = call("POST", PATH, json={"sessionId": "s", **body})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["message"].endswith(message)
    assert received == []


def test_without_a_session_the_form_is_read_and_forgotten(call: Call) -> None:
    answer = call("POST", PATH, **form(("document", "a.pdf", "", CONTENT), *fields()))
    assert (answer.status_code, answer.json["code"]) == (404, 1101)


def test_a_file_that_is_too_large(application: Callable[..., testing.TestClient], received: list[Any]) -> None:
    client, key = application(spool_limit_mb=0.001), {"X-WAREST-API-KEY": "admin-key-of-the-tests"}
    sent = form(("document", "a.pdf", "", b"x" * 1001), *fields())
    answer = client.simulate_post(f"/api/v1{PATH}", body=sent["body"], headers={**key, **sent["headers"]})
    assert (answer.status_code, answer.json["code"]) == (413, 2011)
    source = base64.b64encode(b"x" * 1001).decode()
    body = {"sessionId": "s", "to": "0811", "document": source}
    answer = client.simulate_post(f"/api/v1{PATH}", json=body, headers=key)
    assert (answer.status_code, answer.json["code"]) == (413, 2011)


@pytest.mark.parametrize("body", [b"no form at all", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\ncut"])
def test_a_broken_form(call: Call, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = call("POST", PATH, body=body, headers=headers)
    assert answer.status_code == 400 and "multipart" in answer.json["error"]


def test_nobody_without_a_key_fills_the_spool(call: Call, monkeypatch: pytest.MonkeyPatch, spool: Spool) -> None:
    monkeypatch.setattr(spool, "put", lambda *_, **__: pytest.fail("it was spooled"))
    assert call("POST", PATH, key=None, **form(("document", "a.pdf", "", CONTENT))).status_code == 401


def test_a_url(application: Callable[..., testing.TestClient], received: list[Any]) -> None:
    """Its name and type are what its host says; by default it may not lead to this machine."""
    with FileHost() as host:
        said = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="from-afar.pdf"'}
        host.paths["/file"] = says(200, CONTENT, **said)
        url = host.url("/file")
        ask = {"sessionId": "s", "to": "0811", "document": url}
        client, headers = application(), {"X-WAREST-API-KEY": "admin-key-of-the-tests"}
        refused = client.simulate_post(f"/api/v1{PATH}", json=ask, headers=headers)
        assert (refused.status_code, refused.json["code"]) == (400, 2000)
        assert "WAREST_FETCH_PRIVATE_NETWORKS" in refused.json["message"] and received == []
        client = application(fetch_networks="127.0.0.0/8")
        assert client.simulate_post(f"/api/v1{PATH}", json=ask, headers=headers).status_code == 200
        gone = client.simulate_post(f"/api/v1{PATH}", json={**ask, "document": f"{url}/gone"}, headers=headers)
        assert (gone.status_code, gone.json["code"]) == (502, 2800)
    ((command, content),) = received
    assert (command.name, command.mimetype, content) == ("from-afar.pdf", "application/pdf", CONTENT)

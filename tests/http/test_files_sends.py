"""/api/v1/messages/send/files: several files in one call, in all the forms that callers use."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from falcon import testing

from support.file_host import FileHost, says
from warest import commands
from warest.bus import answered, refused
from warest.errors import CommandTimeout, InvalidInput, WarestError, WhatsAppRefused
from warest.spool import Spool
from warest.store import Account, SessionRecord

Call = Callable[..., testing.Result]

PATH = "/messages/send/files"

ANI, BUDI = "628222@s.whatsapp.net", "628333@s.whatsapp.net"


class Process:
    """The session's process: takes the files, and answers as it is told to."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.ordered: list[commands.SendFiles] = []
        self.contents: list[list[bytes]] = []
        self.error: WarestError | None = None
        self.failing: tuple[str, ...] = ()

    def __call__(self, command_id: str, command: dict[str, Any]) -> Any:
        order = commands.decode(command)
        assert isinstance(order, commands.SendFiles)
        self.ordered.append(order)
        self.contents.append([self.take(file["file"]) for file in order.files])
        return refused(self.error) if self.error else answered([self.result(order, to) for to in order.to])

    def take(self, key: str) -> bytes:
        with self.spool.open(key) as opened:
            content = opened.read()
        self.spool.delete(key)
        return content

    def result(self, order: commands.SendFiles, to: str) -> dict[str, Any]:
        about = [{name: file[name] for name in ("name", "mimetype", "size", "reply_to")} for file in order.files]
        sent = [{**file, "message_id": f"M{place}", "timestamp": 5} for place, file in enumerate(about)]
        shared = {"to": to, "to_pn": to, "to_lid": None, "timestamp": 5, "sender": "628111"}
        if to not in self.failing:
            return {**shared, "files": sent}
        error = InvalidInput("The recipient is not on WhatsApp.").to_dict()
        return {"to": to, "files": [{**file, "error": error} for file in about], "error": error}


@pytest.fixture
def process(
    online: Callable[[Account, str], SessionRecord], admin: Account, session_answers: Callable[..., None], spool: Spool
) -> Process:
    made = Process(spool)
    session_answers(online(admin, "s"), made)
    return made


@pytest.fixture(autouse=True)
def nothing_is_left(spool: Spool) -> Iterator[None]:
    yield
    assert [entry.key for entry in spool._storage.walk("spool/")] == []


def post(call: Call, body: dict[str, Any]) -> testing.Result:
    return call("POST", PATH, json={"sessionId": "s", "to": ANI, **body})


def form(parts: list[tuple[str, str, bytes]], **fields: str) -> dict[str, Any]:
    """A multipart body of (field, file name, content) and fields."""
    boundary, body = "----WebKitFormBoundaryAbC", b""
    for field, value in {"sessionId": "s", "to": ANI, **fields}.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
    for field, name, content in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return {"body": body + f"--{boundary}--\r\n".encode(), "headers": headers}


HELLO = "data:text/plain;base64," + base64.b64encode(b"hello").decode()


def test_one_file(call: Call, process: Process) -> None:
    """The entry of the contract: no message id but those of the files (W4)."""
    answer = post(call, {"files": [{"file": HELLO, "filename": "a.txt", "caption": "<b>c</b>"}]})
    assert process.contents == [[b"hello"]]
    (file,) = process.ordered[0].files
    assert (file["name"], file["mimetype"], file["caption"], file["size"]) == ("a.txt", "text/plain", "*c*", 5)
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "File sent")
    (entry,) = answer.json["results"]
    assert (entry["messageId"], entry["status"], entry["timestamp"]) == (None, "file success", 5)
    assert entry["advancedInfo"] == {
        "isForwarded": False, "quotedMessageId": None,
        "files": [{"name": "a.txt", "mimetype": "text/plain", "size": 5, "messageId": "M0", "timestamp": 5}],
    }  # fmt: skip
    assert "failed" not in answer.json


def test_a_form(call: Call, process: Process) -> None:
    """Parts of any name, and the caption for the first of them."""
    files = [("a", "a.txt", b"one"), ("a", "b.pdf", b"%PDF-"), ("x", "c.bin", b"three")]
    answer = call("POST", PATH, **form(files, caption="c", replyMessageId="Q", to=f"{ANI},{BUDI}"))
    assert process.contents == [[b"one", b"%PDF-", b"three"]]
    assert [file["caption"] for file in process.ordered[0].files] == ["c", "", ""]
    assert [file["reply_to"] for file in process.ordered[0].files] == ["Q", "Q", "Q"]
    assert answer.json["message"] == "Files sent (2 recipients)"
    assert [entry["status"] for entry in answer.json["results"]] == ["files success"] * 2
    told = answer.json["results"][1]["advancedInfo"]
    assert told["quotedMessageId"] == "Q"
    assert [file["quotedMessageId"] for file in told["files"]] == ["Q", "Q", "Q"]


def test_a_raw_body(call: Call, process: Process) -> None:
    options = {"params": {"sessionId": "s", "to": ANI}, "headers": {"Content-Type": "application/pdf"}}
    assert call("POST", PATH, body=b"%PDF-1", **options).status_code == 200
    assert process.contents == [[b"%PDF-1"]] and process.ordered[0].files[0]["name"] == "file.pdf"


BUFFER = {"type": "Buffer", "data": list(b"hello")}


@pytest.mark.parametrize(
    "body",
    [
        {"files": HELLO},
        {"files": [HELLO]},
        {"files": json.dumps([HELLO])},
        {"files": json.dumps({"data": HELLO})},
        {"files": [json.dumps({"data": HELLO})]},
        {"files": base64.b64encode(b"hello").decode()},
        {"files": "base64," + base64.b64encode(b"hello").decode()},
        {"files": {"base64": base64.b64encode(b"hello").decode()}},
        {"files": BUFFER},
        {"files": [BUFFER]},
        {"files": list(b"hello")},
        *({"files": [{name: BUFFER}]} for name in ("buffer", "data", "file", "binary", "blob")),
        {"files": [{"data": list(b"hello")}]},
        *(
            {"files": [{name: HELLO}]}
            for name in (
                "file",
                "base64",
                "upload",
                "value",
                "contents",
                "body",
                "payload",
                "dataUri",
                "dataURI",
                "uri",
            )
        ),
        *({name: HELLO} for name in ("file", "media", "document", "upload", "source")),
        {"file": {"data": HELLO}},
        {"document": BUFFER},
    ],
    ids=str,
)
def test_forms_of_one_file(call: Call, process: Process, body: dict[str, Any]) -> None:
    assert post(call, body).status_code == 200
    assert process.contents == [[b"hello"]]


@pytest.mark.parametrize(
    ("name", "type", "reply"),
    [
        ("filename", "mimetype", "replyMessageId"),
        ("name", "mimeType", "quotedMessageId"),
        ("fileName", "contentType", "quoteMessageId"),
        ("label", "partMime", "replyId"),
        ("name", "type", "quoteId"),
    ],
)
def test_what_is_said_of_a_file(call: Call, process: Process, name: str, type: str, reply: str) -> None:
    """A reply of its own goes before that of all."""
    told = {"data": HELLO, name: "../x.csv", type: "text/csv", reply: "Q2"}
    answer = post(call, {"files": [told, HELLO], "quotedMessageId": "Q1"})
    first, second = process.ordered[0].files
    assert (first["name"], first["mimetype"], first["reply_to"]) == ("x.csv", "text/csv", "Q2")
    assert (second["name"], second["mimetype"], second["reply_to"]) == ("file.txt", "text/plain", "Q1")
    assert answer.json["results"][0]["advancedInfo"]["quotedMessageId"] == "Q1"


@pytest.mark.parametrize("form_of", [list, json.dumps, ",".join, "\n".join], ids=["list", "JSON", "commas", "lines"])
def test_urls(
    application: Callable[..., testing.TestClient],
    process: Process,
    admin_headers: dict[str, str],
    form_of: Callable[[list[str]], Any],
) -> None:
    """One that leads nowhere is told of; the others go out."""
    with FileHost() as host:
        host.paths |= {"/a,b.txt": says(200, b"one"), "/c.txt": says(200, b"two")}
        urls = [host.url(path) for path in ("/a,b.txt", "/gone.txt", "/c.txt")]
        body = {"sessionId": "s", "to": ANI, "urls": form_of(urls)}
        client = application(fetch_networks="127.0.0.0/8")
        answer = client.simulate_post(f"/api/v1{PATH}", json=body, headers=admin_headers)
    assert process.contents == [[b"one", b"two"]]
    (blocked,) = answer.json["results"][0]["advancedInfo"]["blockedFiles"]
    assert blocked["size"] == 0 and "404" in blocked["reason"]


def test_blocked_files(call: Call, process: Process) -> None:
    """Programs are not sent, and that is said; the others are."""
    files = [("f", "a.exe", b"x"), ("f", "b.txt", b"MZ and so on"), ("f", "c.txt", b"fine"), ("f", "d.txt", b"")]
    answer = call("POST", PATH, **form(files, files="what is this"))
    assert process.contents == [[b"fine"]]
    blocked = answer.json["results"][0]["advancedInfo"]["blockedFiles"]
    assert blocked == [
        {"name": "a.exe", "mimetype": "text/plain", "size": 1,
         "reason": "Files with the extension .exe are not sent"},
        {"name": "b.txt", "mimetype": "text/plain", "size": 12, "reason": "Programs are not sent"},
        {"name": "d.txt", "mimetype": "text/plain", "size": 0, "reason": "This file is empty"},
        {"name": "", "mimetype": "", "size": 0, "reason": "neither a URL nor a data URI nor base64"},
    ]  # fmt: skip


def test_when_all_are_blocked(call: Call, process: Process) -> None:
    """As if nobody had got anything, with an entry for each of them."""
    answer = post(call, {"to": [ANI, BUDI], "files": [{"data": HELLO, "name": "a.exe"}, {"name": "b"}, 7]})
    assert (answer.status_code, answer.json["code"]) == (502, 3002)
    assert answer.json["message"] == "Failed to send files to all recipients"
    assert [(entry["toJid"], entry["status"]) for entry in answer.json["results"]] == [
        (ANI, "file failed"), (BUDI, "file failed"),
    ]  # fmt: skip
    told = answer.json["results"][0]["advancedInfo"]
    assert told["error"] == "None of the files can be sent" and len(told["blockedFiles"]) == 3
    assert process.ordered == []


def test_who_lacks_a_file_stands_apart(call: Call, process: Process) -> None:
    process.failing = (BUDI,)
    answer = post(call, {"to": [ANI, BUDI], "files": [HELLO]})
    assert (answer.status_code, answer.json["code"]) == (207, 1004)
    assert answer.json["message"] == "Files sent to 1 of 2 recipients"
    assert [entry["toJid"] for entry in answer.json["results"]] == [ANI]
    (entry,) = answer.json["failed"]
    assert (entry["toJid"], entry["status"], entry["messageId"]) == (BUDI, "file failed", None)
    assert entry["advancedInfo"]["error"] == "The recipient is not on WhatsApp."
    assert entry["advancedInfo"]["files"] == [
        {"name": "file.txt", "mimetype": "text/plain", "size": 5, "messageId": None,
         "error": "The recipient is not on WhatsApp."},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(WhatsAppRefused("no"), 502, 3002), (InvalidInput("no"), 502, 3002), (CommandTimeout("perhaps"), 202, 1002)],
)
def test_when_nobody_gets_anything(call: Call, process: Process, error: WarestError, status: int, code: int) -> None:
    """Unless somebody may have got something."""
    process.error = error
    answer = post(call, {"files": [HELLO]})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    if status == 502:
        assert answer.json["message"] == "Failed to send files to all recipients"
        (entry,) = answer.json["results"]
        assert (entry["toJid"], entry["status"], entry["advancedInfo"]["error"]) == (ANI, "file failed", "no")


@pytest.mark.parametrize("body", [{}, {"files": []}, {"files": "", "urls": ""}, {"files": "[]"}, {"files": [None]}])
def test_no_files(call: Call, process: Process, body: dict[str, Any]) -> None:
    """Before anything else is looked at; quirk Q11."""
    for request in ({"json": body}, {"json": {"sessionId": "gone", **body}}):
        answer = call("POST", PATH, **request)
        assert (answer.status_code, answer.json) == (
            400, {"status": False, "code": 2000, "message": "No files or URLs provided", "results": None},
        )  # fmt: skip
    assert call("POST", PATH, **form([])).json["code"] == 2000


def test_too_many(call: Call, process: Process) -> None:
    """Twenty at most, whichever way they come; none is left out silently."""
    assert post(call, {"files": [HELLO] * 20}).status_code == 200
    parts = [("f", f"{number}.txt", b"x") for number in range(21)]
    for request in (
        {"json": {"files": [HELLO] * 20, "url": "http://127.0.0.1/x"}}, form(parts), form(parts[:20], files=HELLO)
    ):  # fmt: skip
        answer = call("POST", PATH, **request)
        assert (answer.status_code, answer.json["code"]) == (400, 2000)
        assert answer.json["message"] == "At most 20 files can be sent in one call"
    assert len(process.ordered) == 1


def test_what_is_too_many_is_not_read_to_its_end(call: Call, process: Process) -> None:
    """Nobody can fill the spool so: here the rest is not even a form."""
    cut = form([("f", f"{number}.txt", b"x") for number in range(30)])
    answer = call("POST", PATH, body=cut["body"][:-60], headers=cut["headers"])
    assert (answer.status_code, answer.json.get("code")) == (400, 2000)
    assert answer.json["message"] == "At most 20 files can be sent in one call"


def test_too_large(
    application: Callable[..., testing.TestClient], process: Process, admin_headers: dict[str, str]
) -> None:
    """Nothing is sent of such a call."""
    client = application(file_limit_mb=0.00001)
    big = form([("f", "a.txt", b"x"), ("f", "b.txt", b"x" * 11)])
    for request in (
        {"json": {"sessionId": "s", "to": ANI, "files": [HELLO, "data:," + "x" * 11]}},
        {"json": {"sessionId": "s", "to": ANI, "files": [{"data": list(b"x" * 11)}]}},
        {"body": big["body"], "headers": big["headers"]},
    ):
        headers = {**admin_headers, **request.pop("headers", {})}
        answer = client.simulate_post(f"/api/v1{PATH}", headers=headers, **request)
        assert (answer.status_code, answer.json["code"]) == (413, 2009), answer.text
        assert answer.json["message"] == "File too large (limit 1e-05MB)"
    assert process.ordered == []


def test_the_rest_is_as_elsewhere(call: Call, process: Process) -> None:
    """Session, then recipient."""
    assert call("POST", PATH, json={"sessionId": "gone", "files": [HELLO]}).json["code"] == 1101
    answer = post(call, {"to": "nobody", "files": [HELLO]})
    assert (answer.json["code"], answer.json["message"]) == (2001, "Missing or invalid 'to'")


def test_the_same_again(call: Call, process: Process) -> None:
    """With its key it is not sent twice; another file is another request."""
    headers = {"Idempotency-Key": "k"}
    body = {"sessionId": "s", "to": ANI, "files": [HELLO]}
    assert call("POST", PATH, json=body, headers=headers).status_code == 200
    assert call("POST", PATH, json=body, headers=headers).status_code in (200, 202)
    assert len(process.ordered) == 1
    answer = call("POST", PATH, json={**body, "files": ["data:text/plain,other"]}, headers=headers)
    assert answer.status_code == 422
    assert len(process.ordered) == 1

"""A session in a file: out of one installation, into another, on one product that the tests of this folder share."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from support.product import Product
from support.receiver import Receiver
from support.waiting import eventually
from warest.client import ApiError

Run = Callable[..., Result]

PASSPHRASE = "correct horse battery"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREST_SESSION_PASSPHRASE", PASSPHRASE)


def exported(product: Product, session: str, **body: Any) -> httpx.Response:
    url = f"http://127.0.0.1:{product.port}/api/v1/session/{session}/export"
    return product.http.post(url, headers={"X-WAREST-API-KEY": product.key}, json={"passphrase": PASSPHRASE, **body})


def imported(product: Product, file: bytes, **form: str) -> Any:
    data = {"passphrase": PASSPHRASE, **form}
    return product.api("POST", "/session/import", data=data, files={"file": ("f", file)})


@pytest.mark.usefixtures("_passphrase")
def test_a_session_goes_on_without_a_scan(product: Product, warest: Run, receiver: Receiver, tmp_path: Path) -> None:
    """Under another name, with its receivers and settings; it sends, and hears what was written meanwhile."""
    phone, other = "628130000101", "628130000102"
    product.link("mover", phone, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": other, "name": "Other"})
    product.api("POST", "/session/mover/config", json={"rejectCalls": True, "callReply": "later"})
    product.api("POST", "/webhooks", json={"sessionId": "mover", "url": receiver.url, "events": ["call"]})
    secrets = product.api("GET", f"/webhooks/{product.ulid('mover')}/secrets")["results"][0]["secrets"]
    file, folder = tmp_path / "mover.warest", product.data / "sessions" / product.ulid("mover")

    with pytest.raises(ApiError, match="stop"):
        warest("session", "export", "mover", str(file))
    assert product.session("mover")["state"] == "open" and not file.exists()
    assert "stopped here" in warest("session", "export", "mover", str(file), "--stop").output

    shown = product.session("mover")
    assert (shown["state"], "exported" in shown["reason"]) == ("stopped", True)
    assert sorted(os.listdir(folder)) == ["lock", "whatsapp.sealed"]
    content = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and not {phone.encode(), b"SQLite"} & {content}
    assert phone.encode() not in content and b"SQLite" not in content and b"whsec" not in content

    with pytest.raises(ApiError, match="here already as mover"):
        warest("session", "import", str(file), "--name", "moved")
    product.phone_sends(other, phone, "while nobody was there")
    product.api("DELETE", "/session/delete", json={"sessionId": "mover"})
    receiver.received.clear()
    assert warest("session", "import", str(file), "--name", "moved").output == "moved starts.\n"

    product.wait_open("moved")
    eventually(lambda: "while nobody was there" in receiver.texts())
    assert product.send("moved", other, "here I am")["code"] == 1000
    eventually(lambda: product.phone_has(other, "here I am"))
    product.phone_sends(other, phone, "there you are")
    eventually(lambda: "there you are" in receiver.texts())
    kept = product.api("POST", "/session/moved/config", json={})["results"][0]
    assert (kept["webhookUrl"], kept["webhookSecret"]) == (receiver.url, "a-secret")
    assert (kept["rejectCalls"], kept["callReply"]) == (True, "later")
    assert product.api("GET", f"/webhooks/{product.ulid('moved')}/secrets")["results"][0]["secrets"] == secrets
    endpoints = product.api("GET", "/webhooks", params={"sessionId": "moved"})["results"]
    assert [(each["isConfig"], each["events"]) for each in endpoints] == [(True, []), (False, ["call"])]
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in _folder(product, "moved").glob("whatsapp*")}
    assert "whatsapp.sealed" not in files and {*files.values()} == {0o600}


def _folder(product: Product, session: str) -> Path:
    return product.data / "sessions" / product.ulid(session)


def test_stopped_keys_that_cannot_be_read(product: Product) -> None:
    """The session is failed and says why, instead of asking for a scan; with the right file it is there again."""
    product.link("spoilt", "628130000103")
    assert exported(product, "spoilt", stop=True).status_code == 200
    file = _folder(product, "spoilt") / "whatsapp.sealed"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    product.api("POST", "/session/reconnect", json={"sessionId": "spoilt"})
    eventually(lambda: product.session("spoilt")["state"] == "failed")
    eventually(lambda: "cannot be read" in product.session("spoilt")["reason"])
    file.write_bytes(content)
    eventually(lambda: product.session_pid("spoilt") == 0)
    product.api("POST", "/session/create", json={"sessionId": "spoilt"})
    product.wait_open("spoilt")
    content = exported(product, "spoilt", stop=True).content
    product.api("DELETE", "/session/delete", json={"sessionId": "spoilt"})
    assert imported(product, content)["code"] == 1000
    product.wait_open("spoilt")


def test_what_is_refused(product: Product) -> None:
    """And why; a refused import leaves nothing behind."""
    product.link("mine", "628130000104")
    answer = exported(product, "mine", passphrase="too short").json()
    assert (answer["code"], "12 characters" in answer["message"]) == (2000, True)
    in_url = product.api("POST", "/session/mine/export", params={"passphrase": PASSPHRASE}, json={"stop": True})
    assert in_url["code"] == 2000 and product.session("mine")["state"] == "open"
    running = exported(product, "mine")
    assert (running.status_code, running.json()["code"]) == (409, 2003)
    assert exported(product, "nobody").json()["code"] == 1101
    product.api("POST", "/session/create", json={"sessionId": "unlinked"})
    assert exported(product, "unlinked", stop=True).json()["code"] == 1106
    answered = exported(product, "mine", stop=True)
    assert answered.headers["Content-Disposition"].startswith('attachment; filename="mine.warest"')
    assert "throw each other out" in answered.headers["X-WAREST-Advice"]
    file = answered.content
    before = sorted(os.listdir(product.data / "sessions"))
    wrong = imported(product, file, passphrase="another passphrase", sessionId="new")
    assert (wrong["code"], "passphrase" in wrong["message"]) == (2000, True)
    for spoilt in (file[:-1], file[:100], b"", b"WARMOVE" + file[7:8] + bytes([255]) * 40, b"x" * 1000):
        told = imported(product, spoilt, sessionId="new")
        assert told["code"] == 2000, told
    assert imported(product, file)["code"] == 1102
    assert imported(product, file, sessionId="new")["code"] == 1102
    assert imported(product, file, sessionId="no name/")["code"] == 1100
    assert product.api("POST", "/session/import", json={"passphrase": PASSPHRASE, "file": "%%"})["code"] == 2000
    assert sorted(os.listdir(product.data / "sessions")) == before
    assert "new" not in {each["id"] for each in product.api("GET", "/session/list")["results"][0]["items"]}

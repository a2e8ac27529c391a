"""Files between phones: encrypted on the media host, opened only with what the message says."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.harness import SandboxProcess
from warest.errors import InvalidInput, NotFound
from warest.sandbox.media import Files
from warest.sandbox.store import Store
from warest.whatsapp import protos

ANI, BUDI = "628110000001", "628110000002"

PICTURE = b"\x89PNG not really" * 1000


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


def test_a_phone_sends_a_file(network: SandboxProcess) -> None:
    told = {"kind": "image", "data": base64.b64encode(PICTURE).decode(), "mimetype": "image/png", "caption": "look"}
    answer = network.http.post(f"/phones/{ANI}/messages", json={"to": BUDI, "file": told})
    assert answer.status_code == 201
    for phone in (ANI, BUDI):
        shown = network.get(f"/phones/{phone}/messages")[-1]
        assert shown["kind"] == "imageMessage"
        assert shown["message"]["imageMessage"]["caption"] == "look"
        data = network.get(f"/phones/{phone}/file", id=shown["id"])["data"]
        assert base64.b64decode(data) == PICTURE


@pytest.mark.parametrize(
    ("file", "error"),
    [("x", "needs a kind"), ({"kind": "hologram"}, "needs a kind"), ({"kind": "image", "data": "?"}, "base64")],
)
def test_what_is_no_file(network: SandboxProcess, file: object, error: str) -> None:
    answer = network.http.post(f"/phones/{ANI}/messages", json={"to": BUDI, "file": file})
    assert answer.status_code == 400 and error in answer.json()["error"]


def test_a_message_without_a_file(network: SandboxProcess) -> None:
    network.send(BUDI, ANI, "only words")
    shown = network.get(f"/phones/{ANI}/messages")[-1]
    for message in (shown["id"], "nonsense"):
        assert network.http.get(f"/phones/{ANI}/file", params={"id": message}).status_code == 404


@pytest.mark.parametrize("field", ["mediaKey", "fileSHA256", "fileEncSHA256", "fileLength"])
def test_a_file_opens_only_with_what_belongs_to_it(files: Files, field: str) -> None:
    message = document(files)
    assert files.of_message(message) == PICTURE
    part = message.documentMessage
    setattr(part, field, 7 if field == "fileLength" else bytes(32))
    with pytest.raises(InvalidInput):
        files.of_message(message)


def test_a_file_that_is_gone(files: Files) -> None:
    message = document(files)
    files.delete(message.documentMessage.directPath.partition("?")[0])
    with pytest.raises(NotFound):
        files.of_message(message)


def document(files: Files) -> Any:
    file = files.put("Document", PICTURE)
    message = protos.e2e.Message()
    part = message.documentMessage
    part.directPath, part.mediaKey, part.fileLength = file.path, file.key, file.size
    part.fileSHA256, part.fileEncSHA256 = file.sha256, file.encrypted_sha256
    return message

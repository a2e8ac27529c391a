"""What events say of a file before and after it is stored."""

import base64
from copy import deepcopy
from typing import Any

import pytest

from warest import mirroring
from warest.mirroring import RemoteFile

KEY, HASH, SEALED = bytes(32), bytes([1] * 32), bytes([2] * 32)


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def event(kind: str = "imageMessage", *, wrapped: bool = False, **media: Any) -> dict[str, Any]:
    """The data of a message_received with a file."""
    node = {"url": "https://mmg.whatsapp.net/x", "directPath": "/x", "fileEncSha256": text(SEALED)}
    content: dict[str, Any] = {kind: node}
    if wrapped:
        content = {
            "messageContextInfo": {},
            "ephemeralMessage": {"message": {"viewOnceMessageV2": {"message": content}}},
        }
    told = {
        "hasMedia": True, "type": kind, "mimeType": "image/jpeg", "caption": "", "fileSha256": text(HASH),
        "mediaKey": text(KEY), "url": "https://mmg.whatsapp.net/x", "directPath": "/x",
        "fileLength": {"low": 5, "high": 0, "unsigned": True},
    }  # fmt: skip
    return {
        "contentType": kind,
        "sender": {"chatId": "628111@s.whatsapp.net"},
        "message": {"key": {"id": "M1"}, "messageTimestamp": 5, "message": content},
        "media": told | media,
    }


def remote(data: dict[str, Any]) -> RemoteFile:
    file = mirroring.file_of(data)
    assert file is not None
    return file


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_a_message_says_of_its_file(wrapped: bool) -> None:
    """Wherever the message proper is; and it survives the way through the database."""
    file = remote(event(wrapped=wrapped))
    assert (file.chat, file.message, file.direct_path) == ("628111@s.whatsapp.net", "M1", "/x")
    assert (file.file.media_key, file.file.sha256, file.file.encrypted_sha256, file.file.size) == (KEY, HASH, SEALED, 5)
    assert RemoteFile.from_dict(file.to_dict()) == file


@pytest.mark.parametrize(
    ("length", "size"),
    [({"low": -1, "high": 0}, 2**32 - 1), ({"low": 0, "high": 1}, 2**32), ({"low": 0, "high": 0}, 0), ({}, None)],
)
def test_long_lengths(length: dict[str, int], size: int | None) -> None:
    """Halves are signed; without a length none is compared."""
    assert remote(event(fileLength=length)).file.size == size


@pytest.mark.parametrize(
    "change", [{"mediaKey": ""}, {"mediaKey": "?"}, {"mediaKey": None}, {"type": "contactMessage"}]
)
def test_without_a_key_there_is_no_file(change: dict[str, Any]) -> None:
    assert mirroring.file_of(event(**change)) is None


@pytest.mark.parametrize(
    ("mimetype", "name", "ending"),
    [
        ("image/jpeg", "", "jpg"),
        ("audio/ogg", "", "oga"),
        ("application/pdf", "Report.PDF", "pdf"),
        ("application/octet-stream", "a.b.tar", "tar"),
        ("", "no ending", "bin"),
        ("", "bad.../../x", "bin"),
        ("", "x.<svg>", "bin"),
    ],
)
def test_storage_keys_end_as_their_file(mimetype: str, name: str, ending: str) -> None:
    """By its name, else by its type; never in what a stranger has made up."""
    key = remote(event(mimeType=mimetype, fileName=name)).storage_key("01ULID")
    assert key == f"incoming-media/01ULID/imageMessage/{HASH.hex()}.{ending}"


def test_without_hashes_the_message_is_the_name() -> None:
    data = event(fileSha256="")
    del data["message"]["message"]["imageMessage"]["fileEncSha256"]
    assert remote(data).storage_key("S").startswith("incoming-media/S/imageMessage/M1.")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_stored_file(wrapped: bool) -> None:
    """As the original tells it: no way to WhatsApp is left, in `media` and in the message; the data given stays."""
    data = event(wrapped=wrapped)
    before = deepcopy(data)
    told = mirroring.with_stored(data, "http://us/file", "the/key", "local")
    assert data == before
    media = told["media"]
    assert (media["url"], media["storageKey"], media["storageDriver"]) == ("http://us/file", "the/key", "local")
    assert media["mirror"] == {"status": "stored"} and "directPath" not in media and media["mediaKey"]
    content = told["message"]["message"]
    if wrapped:
        content = content["ephemeralMessage"]["message"]["viewOnceMessageV2"]["message"]
    assert content["imageMessage"] == {
        "url": "http://us/file", "urlDecrypt": "http://us/file", "storageKey": "the/key", "storageDriver": "local",
        "fileEncSha256": text(SEALED),
    }  # fmt: skip


def test_a_file_that_is_not_stored() -> None:
    """Marked, and all that is needed to fetch it is still there."""
    told = mirroring.with_outcome(event(), "expired", "it is gone")
    assert told["media"] == {**event()["media"], "mirror": {"status": "expired", "reason": "it is gone"}}
    assert mirroring.news_of(told)["media"] == told["media"]
    assert list(mirroring.news_of(told)) == ["message", "contentType", "sender", "media"]

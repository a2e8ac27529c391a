"""What phones send to a session lies in storage, and the webhook's link leads to the same bytes."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI = "628130002001", "628130002002"

KINDS = [
    ("image", "image/jpeg", "imageMessage"),
    ("video", "video/mp4", "videoMessage"),
    ("audio", "audio/ogg; codecs=opus", "audioMessage"),
    ("sticker", "image/webp", "stickerMessage"),
    ("document", "application/pdf", "documentMessage"),
]


@pytest.fixture
def linked(product: Product, receiver: Receiver) -> Product:
    return prepare(product, receiver)


def prepare(product: Product, receiver: Receiver) -> Product:
    """A session of Ani's with a webhook, and Budi."""
    product.link("ani", ANI, receiver.url)
    product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
    return product


def arrived(receiver: Receiver, event: str, id: str) -> dict[str, Any]:
    """The `data` of the event about this message, once it is there."""

    def found() -> list[dict[str, Any]]:
        datas = (one.json["data"] for one in receiver.of(event))
        return [data for data in datas if data["message"]["key"]["id"] == id]

    data: dict[str, Any] = eventually(found, within=20, what=f"{event} of {id}")[0]
    return data


def test_every_kind_of_file_arrives(linked: Product, receiver: Receiver) -> None:
    """Image, video, voice note, sticker and document: the link in the event gives the same bytes."""
    sent = {}
    for kind, mimetype, content_type in KINDS:
        content = os.urandom(100_003)
        id = linked.phone_sends_media(BUDI, ANI, kind, content, mimetype=mimetype)
        sent[id] = (content, mimetype, content_type)
    for id, (content, mimetype, content_type) in sent.items():
        data = arrived(receiver, "message_received", id)
        media = data["media"]
        assert (media["type"], data["contentType"], media["mirror"]) == (
            content_type,
            content_type,
            {"status": "stored"},
        )
        assert media["storageDriver"] == "local" and "directPath" not in media
        answer = linked.http.get(media["url"])
        assert answer.content == content
        assert answer.headers["Content-Type"].partition(";")[0] == mimetype.partition(";")[0]
    assert receiver.of("message_media") == []


def test_a_file_follows_when_storage_is_back(folder: Path, receiver: Receiver) -> None:
    """The event goes out without it and says so; then the file is told of, and its link works."""
    with running(folder, WAREST_DOWNLOAD_MEDIA_PATIENCE_MS="300") as product:
        prepare(product, receiver)
        root = product.data / "private" / "storages"
        root.mkdir(parents=True, exist_ok=True)
        obstacle = root / "incoming-media"
        obstacle.write_text("no folder can be here")
        content = os.urandom(5000)
        id = product.phone_sends_media(BUDI, ANI, "image", content, mimetype="image/png")
        first = arrived(receiver, "message_received", id)
        assert first["media"]["mirror"] == {"status": "pending"} and first["media"]["directPath"]
        obstacle.unlink()
        news = arrived(receiver, "message_media", id)
        assert news["media"]["mirror"] == {"status": "stored"}
        assert product.http.get(news["media"]["url"]).content == content
        answer = product.api("GET", f"/messages/{id}/media", params={"sessionId": "ani"})["results"][0]
        assert (answer["status"], answer["fileSize"]) == ("stored", 5000)
        assert product.http.get(answer["url"]).content == content
        assert len(receiver.of("message_received")) == 1


def test_deleting_a_session_deletes_its_files(linked: Product, receiver: Receiver) -> None:
    id = linked.phone_sends_media(BUDI, ANI, "image", b"a picture", mimetype="image/png")
    arrived(receiver, "message_received", id)
    kept = linked.data / "private" / "storages" / "incoming-media"
    assert [path for path in kept.rglob("*") if path.is_file()]
    linked.api("DELETE", "/session/delete", params={"sessionId": "ani"})
    eventually(lambda: not [path for path in kept.rglob("*") if path.is_file()])


def test_a_file_that_whatsapp_has_no_longer(linked: Product, receiver: Receiver) -> None:
    """The event says so, and so does the route, until it is there again."""
    linked.sandbox("POST", "/faults", json={"kind": "media_status", "status": 410})
    id = linked.phone_sends_media(BUDI, ANI, "image", b"a picture", mimetype="image/png")
    assert arrived(receiver, "message_received", id)["media"]["mirror"]["status"] == "expired"
    path = f"/messages/{id}/media?sessionId=ani"
    answer = linked.api("POST", path)
    assert (answer["code"], answer["results"][0]["status"], answer["results"][0]["url"]) == (5504, "expired", None)
    linked.sandbox("DELETE", "/faults")
    assert linked.api("GET", path)["results"][0]["status"] == "expired"
    answer = linked.api("POST", path)
    assert (answer["code"], answer["message"], answer["results"][0]["status"]) == (1000, "Media stored", "stored")
    assert httpx.get(linked.api("GET", path)["results"][0]["url"], trust_env=False).content == b"a picture"

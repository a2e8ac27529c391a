"""What phones send to a session lies in storage, and the webhook's link leads to the same bytes."""

import base64
import os
import shutil
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


def data_of(receiver: Receiver, event: str, name: str) -> dict[str, Any] | None:
    """The `data` of the event about the file with this caption or name."""
    for one in receiver.of(event):
        data: dict[str, Any] = one.json["data"]
        if name in (data.get("text"), data["media"].get("fileName"), data["message"]["key"]["id"]):
            return data
    return None


def test_every_kind_of_file_arrives(linked: Product, receiver: Receiver) -> None:
    """Image, video, voice note, sticker and document: the link in the event gives the same bytes."""
    sent = {}
    for kind, mimetype, content_type in KINDS:
        content = os.urandom(100_003)
        told = {"kind": kind, "data": base64.b64encode(content).decode(), "mimetype": mimetype, "name": f"{kind}.bin"}
        answer = linked.sandbox("POST", f"/phones/{BUDI}/messages", json={"to": ANI, "file": told})
        sent[str(answer["id"])] = (content, mimetype, content_type)
    for id, (content, mimetype, content_type) in sent.items():
        data = eventually(lambda id=id: data_of(receiver, "message_received", id))
        media = data["media"]
        assert (media["type"], data["contentType"], media["mirror"]) == (content_type, content_type, {"status": "stored"})
        assert media["storageDriver"] == "local" and "directPath" not in media
        answer = httpx.get(media["url"], trust_env=False)
        assert answer.content == content
        assert answer.headers["Content-Type"].partition(";")[0] == mimetype.partition(";")[0]
    assert receiver.of("message_media") == []

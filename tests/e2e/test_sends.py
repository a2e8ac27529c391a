"""What is sent arrives on the phone, which decrypts it, as phones write such messages themselves."""

import base64
import io
import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.file_host import FileHost, says
from support.product import Product, running
from support.waiting import eventually

ANI, BUDI = "628131003001", "628131003002"

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def product() -> Any:
    """One for all: nothing here disturbs the others."""
    loopback = {"WAREST_FETCH_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder), **loopback) as product:
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


@pytest.fixture
def send(product: Product) -> Send:
    """Sends something by JSON; the answer's entry."""

    def one(route: str, **body: Any) -> dict[str, Any]:
        answer = product.api("POST", f"/messages/send/{route}", json={"sessionId": "ani", "to": BUDI, **body})
        assert answer["code"] == 1000, answer
        entry: dict[str, Any] = answer["results"][0]
        return entry

    return one


def arrived(product: Product, message_id: str) -> dict[str, Any]:
    """What the phone has of a message."""

    def found() -> list[dict[str, Any]]:
        messages = product.sandbox("GET", f"/phones/{BUDI}/messages", params={"after": 0, "wait": 0})
        return [message for message in messages if message["id"] == message_id]

    message: dict[str, Any] = eventually(found)[0]
    return message


def stored(product: Product, message_id: str) -> dict[str, Any]:
    """What our own database has of a message, which comes a moment later, in the original's JSON."""
    with closing(sqlite3.connect(product.data / "warest.sqlite")) as database:
        ask = "select raw from messages where id = ?"
        (raw,) = eventually(lambda: database.execute(ask, [message_id]).fetchone())
    message: dict[str, Any] = json.loads(raw)["message"]
    return message


def test_a_contact_and_several(product: Product, send: Send) -> None:
    entry = send("contact", contact={"name": "Citra, Dr.", "phone": "0813"})
    message = arrived(product, entry["messageId"])["message"]["contactMessage"]
    assert message["displayName"] == "Citra, Dr."
    assert "FN:Citra\\, Dr.\n" in message["vcard"] and "waid=62813:+62813" in message["vcard"]
    entry = send("contact", contact=[{"name": "C"}, {"name": "D"}])
    message = arrived(product, entry["messageId"])["message"]["contactsArrayMessage"]
    assert [card["displayName"] for card in message["contacts"]] == ["C", "D"]


def test_a_location(product: Product, send: Send) -> None:
    entry = send("location", location={"latitude": -6.1754, "longitude": 106.8272, "name": "Monas"})
    message = arrived(product, entry["messageId"])["message"]["locationMessage"]
    assert message == {"degreesLatitude": -6.1754, "degreesLongitude": 106.8272, "name": "Monas"}


@pytest.mark.parametrize(("most", "kind"), [(1, "pollCreationMessageV3"), (2, "pollCreationMessage")])
def test_a_poll(product: Product, send: Send, most: int, kind: str) -> None:
    """Its secret is the same on the phone and in our database: votes can be read."""
    entry = send("poll", question="Tea?", options=["yes", "no"], maxSelection=most)
    message = arrived(product, entry["messageId"])["message"]
    assert [option["optionName"] for option in message[kind]["options"]] == ["yes", "no"]
    assert message[kind]["selectableOptionsCount"] == most
    secret = message["messageContextInfo"]["messageSecret"]
    assert len(secret) == 44
    assert stored(product, entry["messageId"])["messageContextInfo"]["messageSecret"] == secret


def test_buttons(product: Product, send: Send) -> None:
    """With a picture that was made fit to be sent, and the id that WhatsApp knows the message by."""
    image = io.BytesIO()
    Image.new("RGB", (1200, 600), "red").save(image, "PNG")
    entry = send(
        "button", text="Well?", footer="small", buttons=["Yes", {"type": "url", "text": "Look", "url": "https://x.id"}],
        image="data:image/png;base64," + base64.b64encode(image.getvalue()).decode(),
    )  # fmt: skip
    message = arrived(product, entry["messageId"])["message"]["interactiveMessage"]
    assert (message["body"], message["footer"]) == ({"text": "Well?"}, {"text": "small"})
    assert [button["name"] for button in message["nativeFlowMessage"]["buttons"]] == ["quick_reply", "cta_url"]
    header = message["header"]
    assert header["hasMediaAttachment"] is True
    assert header["imageMessage"]["mediaKey"] and header["imageMessage"]["JPEGThumbnail"]
    assert (header["imageMessage"]["width"], header["imageMessage"]["height"]) == (1200, 600)


def test_a_list(product: Product, send: Send) -> None:
    """Without a picture nothing is fetched (quirk Q30)."""
    entry = send("list", text="Choose", buttonText="Menu", sections=[{"title": "S", "rows": ["a", "b"]}])
    message = arrived(product, entry["messageId"])["message"]["interactiveMessage"]
    assert "header" not in message
    (button,) = message["nativeFlowMessage"]["buttons"]
    assert button["name"] == "single_select"
    told = json.loads(button["buttonParamsJSON"])
    assert (told["title"], [row["title"] for row in told["sections"][0]["rows"]]) == ("Menu", ["a", "b"])


def test_files(product: Product, send: Send) -> None:
    """Each is a document of its own, with its caption, and opens on the phone."""
    files = [
        {"data": base64.b64encode(b"one").decode(), "filename": "a.txt", "caption": "first"},
        {"file": "data:application/pdf,%25PDF-two", "filename": "b.pdf"},
        {"file": "data:,MZ", "filename": "c.exe"},
    ]
    entry = send("files", files=files)
    told = entry["advancedInfo"]
    assert (entry["messageId"], entry["status"]) == (None, "files success")
    assert [file["name"] for file in told["blockedFiles"]] == ["c.exe"]
    first, second = (arrived(product, file["messageId"])["file"] for file in told["files"])
    assert (first["kind"], first["name"], first["caption"]) == ("document", "a.txt", "first")
    assert (second["name"], second["mimetype"]) == ("b.pdf", "application/pdf")
    contents = [product.media_of(BUDI, file["messageId"]) for file in told["files"]]
    assert contents == [b"one", b"%PDF-two"]
    eventually(lambda: not [path for path in product.data.rglob("spool/*") if path.is_file()])


def test_files_to_somebody_who_is_not_there(product: Product) -> None:
    """He stands apart; if there is nobody else, that is an error."""
    body = {"sessionId": "ani", "files": ["data:text/plain,hello"]}
    answer = product.api("POST", "/messages/send/files", json={**body, "to": [BUDI, "628139999999"]})
    assert (answer["code"], len(answer["results"])) == (1004, 1)
    (failed,) = answer["failed"]
    assert (failed["to"], failed["status"]) == ("628139999999", "file failed")
    answer = product.api("POST", "/messages/send/files", json={**body, "to": "628139999999"})
    assert (answer["code"], answer["results"][0]["status"]) == (3002, "file failed")


def test_a_quote(product: Product, send: Send) -> None:
    """What is answered is shown with the answer, of whatever kind the two are; of an unknown message nothing is."""
    asked = product.phone_sends(BUDI, ANI, "where is it?")
    stored(product, asked)
    shown = arrived(product, send("text", message="here", replyMessageId=asked)["messageId"])
    assert (shown["text"], shown["quoted"]["text"]) == ("here", "where is it?")
    place = send("location", location="1,2", replyMessageId=asked)
    context = arrived(product, place["messageId"])["message"]["locationMessage"]["contextInfo"]
    assert (context["stanzaID"], context["quotedMessage"]) == (asked, {"conversation": "where is it?"})
    assert context["participant"] == f"{BUDI}@s.whatsapp.net"
    stored(product, place["messageId"])
    files = [{"file": "data:text/plain,x", "replyMessageId": place["messageId"]}, "data:text/plain,y"]
    sent = send("files", files=files)["advancedInfo"]["files"]
    assert [file.get("quotedMessageId") for file in sent] == [place["messageId"], None]
    first, second = (arrived(product, file["messageId"])["message"]["documentMessage"] for file in sent)
    quoted = first["contextInfo"]["quotedMessage"]
    assert quoted == {"locationMessage": {"degreesLatitude": 1.0, "degreesLongitude": 2.0}}
    assert first["contextInfo"]["participant"] == f"{ANI}@s.whatsapp.net"
    assert "contextInfo" not in second
    unknown = arrived(product, send("location", location="1,2", replyMessageId="NEVER")["messageId"])
    assert unknown["message"]["locationMessage"]["contextInfo"]["quotedMessage"] == {"conversation": ""}


@pytest.mark.parametrize("presence", [True, "recording", "unavailable", "available", "paused"])
def test_presence(product: Product, send: Send, presence: Any) -> None:
    """The message comes, and what was shown before is what WhatsApp knows, or the network would say so at the end."""
    assert arrived(product, send("text", message=f"after {presence}", presence=presence)["messageId"])
    assert "was not shown" not in product.log.read_text()


@pytest.mark.parametrize("nobody", ["628999999999", "999@lid"])
def test_nothing_is_shown_to_nobody(product: Product, nobody: str) -> None:
    """A number that does not exist gets no sign that somebody writes: the network would complain at the end."""
    body = {"sessionId": "ani", "to": nobody, "message": "hello", "presence": True}
    answer = product.api("POST", "/messages/send/text", json=body)
    assert not answer["status"], answer


def test_a_hidden_identity_that_is_all_one_knows(product: Product, send: Send) -> None:
    """Of somebody whose number the session has never seen: none is made up, and the chat is found by what is known."""
    lid = product.sandbox("POST", "/phones", json={"phone": "628131003003", "name": "Citra"})["lid"]
    entry = send("text", to=lid, message="hello")
    assert (entry["toJid"], entry["toPn"], entry["toLid"], entry["contactId"]) == (lid, None, lid, lid)
    eventually(lambda: product.phone_has("628131003003", "hello"))
    asked = {"sessionId": "ani", "search": lid}
    (chat,) = eventually(lambda: product.api("GET", "/chats", params=asked)["result"]["data"])
    assert (chat["jid"], chat["lid"], chat["pn"]) == (lid, lid, None)


def test_everybody_in_a_group(product: Product, send: Send) -> None:
    """All of them are named, and none in the text; what is shown before is shown in groups too."""
    told = {"name": "Friends", "by": BUDI, "members": [ANI]}
    group = product.sandbox("POST", "/groups", json=told)["id"]
    entry = send("text", to=group, message="hello", mentions="all", presence="typing")
    shown = arrived(product, entry["messageId"])
    assert (shown["text"], sorted(shown["mentions"])) == ("hello", [ANI, BUDI])
    assert "was not shown" not in product.log.read_text()


def test_a_link_preview(product: Product, send: Send) -> None:
    """A worker fetches the page and its picture."""
    image = io.BytesIO()
    Image.effect_noise((600, 300), 90).save(image, "PNG")
    page = (
        b"""<head><title>T</title><meta property="og:description" content="D"><meta property="og:image" content="i">"""
    )
    with FileHost() as host:
        host.paths |= {
            "/p": says(200, page, Content_Type="text/html; charset=utf-8"),
            "/i": says(200, image.getvalue(), Content_Type="image/png"),
        }
        entry = send("text", message=f"look: {host.url('/p')}.", linkPreview=True)
        told = stored(product, entry["messageId"])["extendedTextMessage"]
        assert (told["text"], told["matchedText"]) == (f"look: {host.url('/p')}.", host.url("/p"))
        assert (told["title"], told["description"]) == ("T", "D")
        assert Image.open(io.BytesIO(base64.b64decode(told["jpegThumbnail"]))).width <= 600
        assert arrived(product, entry["messageId"])["text"] == told["text"]
        entry = send("text", message=host.url("/gone"), linkPreview=True)
        assert stored(product, entry["messageId"]) == {"conversation": host.url("/gone")}


def test_a_file_that_is_refused(product: Product) -> None:
    """The other is sent all the same, both are told of, and the same request sends nothing again."""
    product.sandbox("POST", "/faults", json={"kind": "error_ack", "phone": ANI, "error": 463})
    body = {"sessionId": "ani", "to": BUDI, "files": ["data:text/plain,refused", "data:text/plain,taken"]}
    headers = {"Idempotency-Key": "files-1"}
    answer = product.api("POST", "/messages/send/files", json=body, headers=headers)
    assert (answer["code"], answer["results"]) == (1004, [])
    (entry,) = answer["failed"]
    refused, taken = entry["advancedInfo"]["files"]
    assert refused["messageId"] is None and "463" in refused["error"] == entry["advancedInfo"]["error"]
    assert product.media_of(BUDI, taken["messageId"]) == b"taken"
    assert eventually(lambda: again(product, body, headers)) == answer


def again(product: Product, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """The answer of the same request, as soon as its record knows what has become of it."""
    answer = product.api("POST", "/messages/send/files", json=body, headers=headers)
    return answer if answer["code"] != 1002 else None

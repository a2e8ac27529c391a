"""What the original has no routes for: the status of an account, live locations, albums, communities, channels."""

import base64
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI, CITRA = "628132003001", "628132003002", "628132003003"

STATUS = "status@broadcast"

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def receiver() -> Any:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def product(receiver: Receiver) -> Any:
    """One for all: nothing here disturbs the others. Ani knows Budi by name, and not Citra."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.link("ani", ANI, receiver.url)
        for phone, name in ((BUDI, "Budi"), (CITRA, "Citra")):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
        product.sandbox("POST", f"/phones/{ANI}/contacts", json={"phone": BUDI, "name": "Budi B"})
        yield product


@pytest.fixture
def send(product: Product) -> Send:
    """Sends something by JSON; the answer's entry."""

    def one(route: str, **body: Any) -> dict[str, Any]:
        answer = product.api("POST", route, json={"sessionId": "ani", **body})
        assert answer["code"] == 1000, answer
        entry: dict[str, Any] = answer["results"][0]
        return entry

    return one


def shown(product: Product, phone: str) -> list[dict[str, Any]]:
    """All that a phone shows."""
    found: list[dict[str, Any]] = product.sandbox("GET", f"/phones/{phone}/messages", params={"after": 0, "wait": 0})
    return found


def arrived(product: Product, phone: str, message_id: str) -> dict[str, Any]:
    """What a phone has of a message."""
    found = eventually(lambda: [message for message in shown(product, phone) if message["id"] == message_id])
    message: dict[str, Any] = found[0]
    return message


def picture(kind: str = "PNG", color: str = "red") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (80, 60), color).save(made, kind)
    return made.getvalue()


def data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def test_a_status(product: Product, send: Send, receiver: Receiver) -> None:
    """It reaches whom the account knows, in its colours, and nobody else; it can be revoked."""
    eventually(lambda: product.api("GET", "/profile/list-contacts", params={"sessionId": "ani"})["results"][0]["data"])
    entry = send("/status/text", message="Hello <b>all</b>", backgroundColor="#112233", font=8)
    assert (entry["toJid"], entry["toPn"], entry["status"]) == (STATUS, None, "status success")
    seen = arrived(product, BUDI, entry["messageId"])
    assert (seen["to"], seen["from"], seen["text"]) == (STATUS, ANI, "Hello *all*")
    told = seen["message"]["extendedTextMessage"]
    assert (told["backgroundArgb"], told["textArgb"], told["font"]) == (0xFF112233, 0xFFFFFFFF, "CALISTOGA_REGULAR")
    upload = {"media": ("a.png", picture())}
    answer = product.api("POST", "/status/media", data={"sessionId": "ani", "caption": "look"}, files=upload)
    (image,) = answer["results"]
    file = arrived(product, BUDI, image["messageId"])["file"]
    assert (file["kind"], file["mimetype"], file["caption"]) == ("image", "image/png", "look")
    assert product.media_of(BUDI, image["messageId"])[:4] == b"\x89PNG"
    send(f"/messages/{entry['messageId']}/action/revoke", to=STATUS)
    assert eventually(lambda: arrived(product, BUDI, entry["messageId"]).get("revoked"))
    assert not shown(product, CITRA)
    product.phone_sends(BUDI, STATUS, "a status of others")
    product.phone_sends(BUDI, ANI, "a message")
    assert eventually(receiver.texts) == ["a message"]
    chats = product.api("GET", "/chats", params={"sessionId": "ani"})["result"]["data"]
    assert [chat["pn"] for chat in chats] == [f"{BUDI}@s.whatsapp.net"]


def test_a_live_location(product: Product, send: Send) -> None:
    """Phones show it as one, with all that is known of it."""
    place = {"location": "-6.2, 106.8", "accuracy": "12", "speed": 1.5, "heading": 90, "caption": "on my way"}
    entry = send("/messages/send/live-location", to=BUDI, **place)
    assert entry["status"] == "live location success"
    seen = arrived(product, BUDI, entry["messageId"])
    assert (seen["kind"], seen["text"], seen["location"]["latitude"]) == ("liveLocationMessage", "on my way", -6.2)
    told = seen["message"]["liveLocationMessage"]
    about = (told["accuracyInMeters"], told["speedInMps"], told["degreesClockwiseFromMagneticNorth"])
    assert about == (12, 1.5, 90) and int(told["sequenceNumber"]) > 1_700_000_000_000_000


def test_an_album(product: Product, send: Send) -> None:
    """One message announces two more, which say that they belong to it; with one that is none nothing is sent."""
    given = [{"data": data_uri(picture()), "caption": "first"}, data_uri(picture(color="blue"))]
    entry = send("/messages/send/album", to=BUDI, files=given, presence=True)
    assert entry["status"] == "album success"
    parent = arrived(product, BUDI, entry["messageId"])["message"]["albumMessage"]
    assert (parent["expectedImageCount"], parent.get("expectedVideoCount", 0)) == (2, 0)
    told = entry["advancedInfo"]["files"]
    seen = [arrived(product, BUDI, file["messageId"]) for file in told]
    assert [one["file"].get("caption") for one in seen] == ["first", ""]
    for one in seen:
        association = one["message"]["messageContextInfo"]["messageAssociation"]
        key = association["parentMessageKey"]
        assert (association["associationType"], key["ID"], key["fromMe"]) == ("MEDIA_ALBUM", entry["messageId"], True)
        assert product.media_of(BUDI, one["id"])[:4] == b"\x89PNG"
    before = len(shown(product, BUDI))
    broken = [data_uri(picture()), data_uri(b"\x89PNG\r\n\x1a\n cut")]
    answer = product.api("POST", "/messages/send/album", json={"sessionId": "ani", "to": BUDI, "files": broken})
    assert answer["code"] == 2000 and answer["message"].startswith("Invalid media input: ")
    assert len(shown(product, BUDI)) == before
    eventually(lambda: not [path for path in product.data.rglob("spool/*") if path.is_file()])


def test_a_community(product: Product) -> None:
    """It knows its groups, and they know it; a group that is none has none."""
    told = {"name": "Village", "by": BUDI, "members": [ANI], "groups": ["Choir"]}
    community = product.sandbox("POST", "/groups", json=told)["id"]
    asked = {"sessionId": "ani", "groupId": community}
    (answer,) = product.api("GET", "/group/subgroups", params=asked)["results"]
    assert (answer["groupId"], answer["phone"]) == (community, ANI)
    assert [(one["subject"], one["isCommunityAnnounce"]) for one in answer["data"]] == [
        ("Village", True),
        ("Choir", False),
    ]
    assert all(one["subjectTime"] > 1_700_000_000 for one in answer["data"])
    (info,) = product.api("GET", "/group/info", params=asked)["results"]
    assert (info["data"]["isCommunity"], info["data"].get("linkedParent")) == (True, None)
    for one in answer["data"]:
        (info,) = product.api("GET", "/group/info", params={**asked, "groupId": one["id"]})["results"]
        found = (info["data"]["linkedParent"], info["data"]["isCommunity"], info["data"]["isCommunityAnnounce"])
        assert found == (community, False, one["isCommunityAnnounce"])
    plain = product.sandbox("POST", "/groups", json={"name": "Plain", "by": BUDI, "members": [ANI]})["id"]
    refused = product.api("GET", "/group/subgroups", params={**asked, "groupId": plain})
    assert refused["code"] == 2604, refused


def test_a_channel(product: Product, send: Send) -> None:
    """One follows that of others, and posts texts in one's own; nothing else is posted there."""
    theirs, ours = (product.sandbox("POST", "/channels", json={"name": "News", "by": by})["id"] for by in (BUDI, ANI))

    def known(channel: str) -> dict[str, Any]:
        return next(one for one in product.sandbox("GET", "/channels") if one["id"] == channel)

    entry = send("/channels/follow", channelId=theirs)
    assert (entry["toJid"], entry["status"], known(theirs)["followers"]) == (theirs, "channel followed success", [ANI])
    assert send("/channels/unfollow", channelId=theirs)["synced"] and known(theirs)["followers"] == []
    nowhere = {"sessionId": "ani", "channelId": "120363999999999999@newsletter"}
    assert product.api("POST", "/channels/follow", json=nowhere)["code"] == 2603
    assert send("/messages/send/text", to=ours, message="hello all")["toJid"] == ours
    assert known(ours)["posts"] == ["hello all"]
    refused = {"sessionId": "ani", "to": theirs, "message": "not mine"}
    assert not product.api("POST", "/messages/send/text", json=refused)["status"]
    place = {"sessionId": "ani", "to": ours, "location": "1,2"}
    assert product.api("POST", "/messages/send/location", json=place)["code"] == 8005
    assert (known(ours)["posts"], known(theirs)["posts"]) == (["hello all"], [])

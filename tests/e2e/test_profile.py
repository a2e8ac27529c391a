"""What the account shows, whom it knows, who is on WhatsApp: names, order and JSON types as clients of the original
read them, and what reaches the phone.

Facts: contract, endpoints.md section 10.
"""

import base64
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.product import Product, running
from support.receiver import Receiver
from support.shapes import NULL, Null, faults
from support.waiting import eventually

ANI, BUDI, CITRA, SHOP = "628130009001", "628130009002", "628130009003", "628130009004"
STRANGER = "628999999999"

PICTURE = {"url": str, "id": str, "type": "image", "imgFull": str, "imgPreview": str}


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all. Ani's phone knows Budi and a shop; Budi shows himself, Citra hides her picture."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        for phone, name in ((ANI, "Ani"), (BUDI, "Budi"), (CITRA, "Citra"), (SHOP, "Shop")):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
        picture = base64.b64encode(jpeg("green")).decode()
        shows: dict[str, dict[str, Any]] = {
            ANI: {"about": "At work", "privacy": {"last": "contacts", "groupadd": "contacts", "readreceipts": "none"}},
            BUDI: {"about": "Hi there", "picture": picture},
            CITRA: {"picture": picture, "privacy": {"profile": "none"}},
            SHOP: {"business": "Toko Maju"},
        }
        for phone, told in shows.items():
            product.sandbox("POST", f"/phones/{phone}/profile", json=told)
        for phone, name in ((BUDI, "Budi Santoso"), (SHOP, "The shop")):
            product.sandbox("POST", f"/phones/{ANI}/contacts", json={"phone": phone, "name": name})
        product.sandbox("POST", "/groups", json={"name": "Us", "by": BUDI, "members": [ANI, CITRA]})
        product.scan("ani", ANI)
        yield product


def jpeg(color: str, size: tuple[int, int] = (32, 32), kind: str = "jpeg") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, kind)
    return made.getvalue()


def check(product: Product, method: str, path: str, message: str, result: Any, **request: Any) -> Any:
    """The envelope of /profile, and what is in it."""
    given = {"sessionId": "ani", **request.pop("params", {})}
    answer = product.api(method, f"/profile/{path}", params=given, **request)
    expected = {"status": True, "code": 1000, "message": message, "results": result}
    assert faults(expected, answer) == []
    return answer["results"]


def test_info(product: Product) -> None:
    """Without a picture all of it is null."""
    product.sandbox("POST", f"/phones/{ANI}/profile", json={"picture": ""})
    no_picture = {"url": NULL, "id": NULL, "type": NULL, "imgFull": NULL, "imgPreview": NULL}
    info = {
        "phone": ANI, "verifiedName": NULL, "pushName": "Ani", "about": "At work", "pictureId": NULL,
        "businessProfile": NULL, "entries": {"User": ANI, "Agent": 0, "Device": int, "Server": "s.whatsapp.net"},
        "profilePicture": no_picture,
    }  # fmt: skip
    given = {"sessionId": "ani"}
    eventually(lambda: product.api("GET", "/profile/info", params=given)["results"][0]["pushName"], what="his name")
    (found,) = check(product, "GET", "info", "Profile info fetched", [info])
    assert (found["pn"], found["contactId"]) == (f"{ANI}@s.whatsapp.net", found["lid"])


def test_another_picture(product: Product) -> None:
    """Whatever it was, the phone shows a JPEG of 640 pixels; it is asked for by its number, too (quirk Q14)."""
    shown = {"phone": ANI, **PICTURE}
    (old,) = product.api("GET", "/profile/picture", params={"sessionId": "ani"})["results"]
    png = base64.b64encode(jpeg("red", (80, 40), "png")).decode()
    body = {"sessionId": "ani", "photo": f"data:image/png;base64,{png}"}
    (told,) = check(product, "POST", "picture", "Profile picture updated", [shown], json=body)
    assert told["id"] != old["id"]
    kept = product.sandbox("GET", f"/phones/{ANI}/profile")
    picture = Image.open(io.BytesIO(base64.b64decode(kept["picture"])))
    assert (picture.format, picture.size, kept["pictureId"]) == ("JPEG", (640, 640), told["id"])
    by_phone = product.api("GET", "/profile/picture", params={"PhoneNumber": ANI})
    assert faults({"status": True, "code": 1000, "message": str, "results": [shown]}, by_phone) == []


def test_a_picture_is_taken_away(product: Product) -> None:
    """And can be set again; nobody has sent an empty one, which WhatsApp does not know."""
    body = {"sessionId": "ani", "picture": base64.b64encode(jpeg("blue")).decode()}
    for _ in range(2):
        assert product.api("POST", "/profile/picture", json=body)["code"] == 1000
        assert product.sandbox("GET", f"/phones/{ANI}/profile")["picture"]
        answer = product.api("DELETE", "/profile/picture", json={"sessionId": "ani"})
        assert (answer["code"], answer["message"], answer["results"]) == (1000, "Profile picture removed", [])
        assert product.sandbox("GET", f"/phones/{ANI}/profile")["picture"] == ""
    shown = product.api("GET", "/profile/picture", params={"sessionId": "ani"})["results"][0]
    assert (shown["url"], shown["imgFull"]) == (None, None)


def test_privacy(product: Product) -> None:
    """As it is set; what the engine does not tell is null."""
    privacy = {
        "phone": ANI, "readReceipts": "none", "profilePhoto": "all", "status": "all", "online": "all",
        "lastSeen": "contacts", "groupAdd": "contacts", "callAdd": "all", "stikers": NULL, "messages": NULL,
    }  # fmt: skip
    check(product, "GET", "privacy", "Privacy settings fetched", [privacy])


def test_who_is_on_whatsapp(product: Product) -> None:
    """One is an object, several are a list, in the order that they were asked in."""
    one = {"jid": f"{BUDI}@s.whatsapp.net", "phone": BUDI, "isOnWhatsApp": True}
    check(product, "GET", "on-whatsapp", "Numbers checked", [{"data": one}], params={"checkNumbers": BUDI})
    several = {"checkNumbers": f"{STRANGER}, +{CITRA},0{BUDI[2:]}"}
    (found,) = check(product, "GET", "on-whatsapp", "Numbers checked", [{"data": list}], params=several)
    told = [(each["phone"], each["jid"], each["isOnWhatsApp"]) for each in found["data"]]
    assert told == [
        (STRANGER, f"{STRANGER}@s.whatsapp.net", False),
        (CITRA, f"{CITRA}@s.whatsapp.net", True),
        (f"0{BUDI[2:]}", f"{BUDI}@s.whatsapp.net", True),
    ]
    for person, full, about in ((BUDI, str, "Hi there"), (CITRA, NULL, NULL)):
        picture = {"full": full, "preview": full}
        deep = {"jid": str, "phone": person, "isOnWhatsApp": True, "picture": picture, "about": about}
        asked = {"number": person, "deep": "true"}
        check(product, "GET", "on-whatsapp", "Numbers checked", [{"data": deep}], params=asked)


def test_the_address_book(product: Product) -> None:
    """Those whom the phone knows have the names that they have there; a new name is known soon."""
    person = {"jid": str, "phone": Null(str), "name": Null(str)}

    def names() -> dict[str, Any]:
        found = product.api("GET", "/profile/list-contacts", params={"sessionId": "ani", "limit": 100})["results"][0]
        return {each["phone"]: each["name"] for each in found["data"]}

    eventually(lambda: {BUDI: "Budi Santoso", SHOP: "The shop"}.items() <= names().items())
    (found,) = check(product, "GET", "list-contacts", "Contacts fetched", [{"phone": ANI, "data": [person]}])
    assert len(found["data"]) == len(names())
    budi = next(each for each in found["data"] if each["phone"] == BUDI)
    assert (budi["jid"], budi["contactId"]) == (f"{BUDI}@s.whatsapp.net", budi["lid"] or budi["pn"])
    all_deep = {"sessionId": "ani", "limit": 50, "deep": "true"}
    seen = product.api("GET", "/profile/list-contacts", params=all_deep)["results"][0]["data"]
    assert {each["phone"]: each.get("verifiedName") for each in seen if each["phone"] == SHOP} == {SHOP: "Toko Maju"}
    deep = person | {"picture": {"full": Null(str), "preview": Null(str)}, "about": Null(str)}
    assert faults([deep], [{key: each[key] for key in each if key != "verifiedName"} for each in seen]) == []
    last = {"sessionId": "ani", "limit": 1, "offset": len(names()) - 1}
    assert len(product.api("GET", "/profile/list-contacts", params=last)["results"][0]["data"]) == 1


def test_people_of_groups(product: Product) -> None:
    """Everybody once; also of groups of which nothing is stored, if they are ours to see."""
    (group,) = (one["id"] for one in product.sandbox("GET", "/groups"))

    def people(**more: Any) -> list[str]:
        asked = {"sessionId": "ani", "type": "groups", **more}
        found = product.api("GET", "/profile/list-contacts", params=asked)["results"][0]["data"]
        return sorted(each["phone"] for each in found)

    assert people() == people(groupIds=f"{group},{group.partition('@')[0]}") == [ANI, BUDI, CITRA]
    assert people(groupIds="120363999999999999@g.us") == []


def test_business_profiles_are_not_there(product: Product) -> None:
    """The engine cannot ask for them."""
    answer = product.api("GET", "/profile/business-profile", params={"sessionId": "ani", "checkNumbers": SHOP})
    assert (answer["status"], answer["code"], answer["results"]) == (False, 8005, [])


def test_who_is_there(product: Product) -> None:
    """Of those to whom a presence was shown; and a session that comes online says so."""
    with Receiver() as receiver:
        product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})

        def send(session: str, to: str) -> None:
            body = {"sessionId": session, "to": to, "message": "here", "presence": "available"}
            assert product.api("POST", "/messages/send/text", json=body)["code"] == 1000

        def info(session: str) -> Any:
            return product.api("GET", "/profile/info", params={"sessionId": session})["results"][0]

        eventually(lambda: info("ani")["pushName"])
        send("ani", BUDI)
        product.scan("budi", BUDI)
        eventually(lambda: info("budi")["pushName"], what="his name, without which he cannot be seen")
        send("budi", ANI)
        name = f"{BUDI}@s.whatsapp.net"
        told = {"presence": {"id": name, "presences": {name: {"lastKnownPresence": "available"}}}}
        eventually(lambda: told.items() <= receiver.of("presence_update")[0].json["data"].items())
        product.api("POST", "/session/budi/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
        product.api("GET", "/session/reconnect", params={"sessionId": "budi"})
        data = eventually(lambda: [hook.json["data"] for hook in receiver.of("creds_update")])[0]
        assert list(data) == ["id", "eventId", "sessionId"] and data["id"] == "budi"
        eventually(lambda: len(receiver.of("presence_update")) > 1)
        left = receiver.of("presence_update")[1].json["data"]["presence"]["presences"][name]
        assert left == {"lastKnownPresence": "unavailable"}

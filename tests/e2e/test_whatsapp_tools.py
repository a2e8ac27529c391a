"""Who is on WhatsApp, under which names; files and votes as they come in events."""

import base64
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually
from support.whatsapp_files import KEY, sealed

ANI, BUDI = "628130006001", "628130006002"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


def ask(product: Product, tool: str, **body: Any) -> Any:
    return product.api("POST", f"/misc/whatsapp/{tool}", json=body)


def test_numbers(product: Product) -> None:
    """However they are written; without a session named, the first that is online is asked."""
    for phone in (BUDI, f"+{BUDI}", f"0{BUDI[2:]}", f"00{BUDI}"):
        data = ask(product, "validate/phone", phone=phone)["results"][0]["data"]
        assert (data["exists"], data["e164"], data["country"]) == (True, f"+{BUDI}", "ID")
        assert data["jid"] == f"{BUDI}@s.whatsapp.net" and data["lid"].endswith("@lid")
    data = ask(product, "validate/phone", phone="08999999999", sessionId="ani")["results"][0]["data"]
    assert (data["exists"], data["lid"]) == (False, None)
    assert ask(product, "validate/phone")["code"] == 2001
    assert ask(product, "validate/phone", phone=BUDI, sessionPhone="62811")["message"] == "Matching session not found"
    assert ask(product, "validate/phone", phone=BUDI, sessionPhone=ANI)["code"] == 1000


def test_jids_and_lids(product: Product) -> None:
    """Each leads to the other; a group is a group (quirk Q16)."""
    names = ask(product, "resolve/jid-or-lid", input=BUDI)["results"][0]["data"]
    assert (names["isValid"], names["type"], names["jid"]) == (True, "jid", f"{BUDI}@s.whatsapp.net")
    back = ask(product, "resolve/jid-or-lid", input=names["lid"])["results"][0]["data"]
    assert (back["type"], back["jid"], back["lid"]) == ("lid", names["jid"], names["lid"])
    assert ask(product, "resolve/jid-or-lid", input="nobody")["results"][0]["data"]["type"] == "invalid"
    for jid, kind, exists in (
        (f"{BUDI}@s.whatsapp.net", "user", True),
        ("628999999999@s.whatsapp.net", "user", False),
        (names["lid"], "lid", True),
        ("120363000000000000@g.us", "group", False),
    ):
        data = ask(product, "validate/jid", jid=jid)["results"][0]["data"]
        assert (data["type"], data["exists"]) == (kind, exists), jid


def test_a_file_is_decrypted(product: Product) -> None:
    """With the key of its message, and only with that."""
    told = {"mediaKey": base64.b64encode(KEY).decode(), "file": base64.b64encode(sealed(b"a picture")).decode()}
    answer = ask(product, "file-decrypt", **told, mimeType="image/png", output="string")
    assert answer["results"] == [{"data": "a picture", "meta": {"mode": "string", "mimeType": "image/png", "size": 9}}]
    assert ask(product, "file-decrypt", **told, mimeType="video/mp4")["message"] == "MAC verification failed"
    assert ask(product, "file-decrypt", **told, mimeType="image/png", fileSha256=told["mediaKey"])["code"] == 2002
    assert ask(product, "file-decrypt", file="AAAA")["message"] == "mediaKey is required"


def test_a_vote_is_opened(product: Product) -> None:
    """As an event brings it, of a poll that is stored."""
    with Receiver() as receiver:
        product.api("POST", "/session/ani/config", json={"webhookUrl": receiver.url, "webhookSecret": "a-secret"})
        question = {"to": ANI, "name": "Where?", "options": ["here", "there"]}
        id = product.sandbox("POST", f"/phones/{BUDI}/polls", json=question)["id"]
        product.sandbox("POST", f"/phones/{BUDI}/votes", json={"to": ANI, "id": id, "options": ["there"]})

        def votes() -> list[Any]:
            datas = [one.json["data"] for one in receiver.of("message_received")]
            return [data for data in datas if data["contentType"] == "pollUpdateMessage"]

        data = eventually(votes)[0]
        vote = data["message"]["message"]["pollUpdateMessage"]
        asked = {"sessionId": "ani", "pollUpdateVote": vote, "voterJid": data["sender"]["lid"]}

        def opened() -> Any:
            return next(
                (
                    answer["results"][0]
                    for creator in (data["sender"]["lid"], data["sender"]["pn"])
                    if (answer := ask(product, "poll-update-vote", **asked, pollCreatorJid=creator))["code"] == 1000
                ),
                None,
            )

        result = eventually(opened)
        assert (result["votedOptionNames"], result["votedOptionIndexes"]) == (["there"], [1])
        assert (result["pollTitle"], result["pollOptions"]) == ("Where?", ["here", "there"])
    assert ask(product, "poll-update-vote")["message"] == "pollUpdateVote is required"

"""What goes beyond the contract, since clients of other gateways know it: from the request to the phone, and back as an
event."""

import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually

ANI, BUDI, STRANGER = "628130010001", "628130010002", "628999999999"
BUDI_JID = f"{BUDI}@s.whatsapp.net"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def product(receiver: Receiver) -> Iterator[Product]:
    """One for all: Ani has a session, Budi a phone; both are in a group."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        for phone, name in ((ANI, "Ani"), (BUDI, "Budi")):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
        product.sandbox("POST", "/groups", json={"name": "Us", "by": ANI, "members": [BUDI]})
        product.scan("ani", ANI, receiver.url)
        eventually(lambda: product.api("GET", "/profile/info", params={"sessionId": "ani"})["results"][0]["pushName"])
        yield product


@pytest.fixture
def ask(product: Product) -> Any:
    """A call that succeeds, for Ani's session; its result."""

    def one(method: str, path: str, **told: Any) -> Any:
        answer = product.api(method, path, json={"sessionId": "ani", **told})
        assert answer["code"] == 1000, answer
        return answer["result"] if "result" in answer else answer["results"][0]

    return one


def test_what_the_account_says_of_itself(product: Product, ask: Any) -> None:
    """The phone has it, and so have those who ask."""
    assert ask("POST", "/profile/name", name=" Ani's shop ") == {"phone": ANI, "pushName": "Ani's shop"}
    assert ask("POST", "/profile/about", about="Open from nine 🕘") == {"phone": ANI, "about": "Open from nine 🕘"}
    names = product.sandbox("GET", f"/phones/{ANI}/app-state")["critical_block"]
    assert names[-1]["value"]["pushNameSetting"]["name"] == "Ani's shop"
    eventually(lambda: ask("GET", "/profile/info")["pushName"] == "Ani's shop")
    assert ask("GET", "/profile/info")["about"] == "Open from nine 🕘"
    assert ask("POST", "/profile/about", about="")["about"] == ""
    assert ask("GET", "/profile/info")["about"] is None


def test_who_is_blocked(product: Product, receiver: Receiver, ask: Any) -> None:
    """What they write does not arrive, until they are let again."""
    assert ask("GET", "/profile/blocklist") == {"phone": ANI, "blocked": []}
    (budi,) = ask("POST", "/profile/blocklist", contact=BUDI)["blocked"]
    assert (budi["jid"], budi["phone"], budi["contactId"]) == (BUDI_JID, BUDI, budi["lid"])
    assert ask("GET", "/profile/blocklist")["blocked"] == [budi]
    assert product.sandbox("GET", f"/phones/{ANI}/profile")["blocked"] == [BUDI]
    product.phone_sends(BUDI, ANI, "let me in")
    assert ask("DELETE", "/profile/blocklist", contactId=budi["lid"])["blocked"] == []
    product.phone_sends(BUDI, ANI, "thank you")
    eventually(lambda: "thank you" in receiver.texts())
    assert "let me in" not in receiver.texts()
    for method in ("POST", "DELETE"):
        assert product.api(method, "/profile/blocklist", json={"sessionId": "ani", "to": STRANGER})["code"] == 2000


def test_who_calls(product: Product, receiver: Receiver, ask: Any) -> None:
    """It rings, is rejected, and ends; of a group it is said which."""

    def heard() -> list[Any]:
        return [call for one in receiver.of("call") for call in one.json["data"]["calls"]]

    def calls(**told: Any) -> str:
        return str(product.sandbox("POST", f"/phones/{BUDI}/calls", json=told)["id"])

    def states() -> list[str]:
        return [call["state"] for call in product.sandbox("GET", f"/phones/{BUDI}/calls")]

    id = calls(to=ANI, video=True)
    (offer,) = eventually(heard)
    lid = offer["lid"]
    names = {"pn": BUDI_JID, "lid": lid, "contactId": lid}
    told = {"from": BUDI_JID, "chatId": BUDI_JID, "isVideo": True, "isGroup": False, "offline": False, **names}
    assert offer == {"id": id, "status": "offer", "date": offer["date"], **told} and lid.endswith("@lid")
    assert abs(datetime.fromisoformat(offer["date"]).timestamp() - time.time()) < 60
    assert ask("POST", f"/calls/{id}/reject") == {"phone": ANI, "id": id, "from": BUDI_JID}
    eventually(lambda: states() == ["rejected"])
    calls(to=ANI, id=id, reason="timeout")
    end = eventually(lambda: heard()[1:])[0]
    assert end == {**offer, "status": "timeout", "reason": "timeout", "date": end["date"]}

    (group,) = (one["id"] for one in product.sandbox("GET", "/groups"))
    second = calls(to=group)
    in_group = eventually(lambda: heard()[2:])[0]
    told = {"from": BUDI_JID, "chatId": group, "isVideo": False, "isGroup": True}
    assert in_group["id"] == second and told.items() <= in_group.items()
    calls(to=group, id=second)
    ended = eventually(lambda: heard()[3:])[0]
    assert ended == {**in_group, "status": "terminate", "date": ended["date"]}
    product.api("GET", "/session/reconnect", params={"sessionId": "ani"})
    eventually(lambda: receiver.of("creds_update")[1:], what="a new process, which knows of no call")
    unknown = product.api("POST", f"/calls/{second}/reject", json={"sessionId": "ani"})
    assert (unknown["code"], unknown["results"]) == (2600, [])
    ask("POST", f"/calls/{second}/reject", **{"from": BUDI})
    eventually(lambda: states() == ["ended", "rejected"])
    assert len(heard()) == 4, "each is told once"


def test_calls_are_rejected_by_themselves(product: Product, ask: Any) -> None:
    """And the caller is told why, once the owner wants it so; not in groups."""
    config = ask("POST", "/session/ani/config", rejectCalls=True, callReply="Please write.")
    assert (config["rejectCalls"], config["callReply"]) == (True, "Please write.")
    (group,) = (one["id"] for one in product.sandbox("GET", "/groups"))
    ids = [product.sandbox("POST", f"/phones/{BUDI}/calls", json={"to": to})["id"] for to in (group, ANI)]

    def states() -> list[str]:
        made = {call["id"]: call["state"] for call in product.sandbox("GET", f"/phones/{BUDI}/calls")}
        return [made[id] for id in ids]

    eventually(lambda: states() == ["ringing", "rejected"])
    eventually(lambda: product.phone_has(BUDI, "Please write."))
    assert product.texts(BUDI).count("Please write.") == 1
    assert not ask("POST", "/session/ani/config", rejectCalls=False)["rejectCalls"]
    ids[:] = [product.sandbox("POST", f"/phones/{BUDI}/calls", json={"to": ANI})["id"]]
    assert product.send("ani", BUDI, "still there")["code"] == 1000
    assert states() == ["ringing"]


def test_messages_disappear(product: Product, ask: Any) -> None:
    """In a chat of two, in a group, and in those that will be; whoever has set it."""
    (group,) = (one["id"] for one in product.sandbox("GET", "/groups"))

    def expiry(chat: str) -> int:
        found = product.api("GET", "/chats", params={"sessionId": "ani", "limit": 100})["result"]["data"]
        return next((int(each["ephemeralExpiry"]) for each in found if each["id"] == chat), -1)

    def said() -> list[Any]:
        return list(product.sandbox("GET", f"/phones/{BUDI}/messages", params={"after": 0, "wait": 0}))

    told = ask("POST", f"/chats/{BUDI}/disappearing", duration="24h")
    assert told == {"sessionId": "ani", "phone": ANI, "chatId": BUDI_JID, "ephemeralExpiry": 86400}
    protocol = eventually(lambda: [each for each in said() if each["kind"] == "protocolMessage"])[-1]["message"]
    assert protocol["protocolMessage"]["type"] == "EPHEMERAL_SETTING"
    assert protocol["protocolMessage"]["ephemeralExpiration"] == 86400
    eventually(lambda: expiry(BUDI_JID) == 86400)
    assert product.send("ani", BUDI, "gone tomorrow")["code"] == 1000
    assert eventually(lambda: [each for each in said() if each["text"] == "gone tomorrow"])[0]["expiration"] == 86400
    off = {"protocolMessage": {"type": "EPHEMERAL_SETTING", "ephemeralExpiration": 0}}
    product.sandbox("POST", f"/phones/{BUDI}/messages", json={"to": ANI, "message": off})
    eventually(lambda: expiry(BUDI_JID) == 0)

    assert ask("POST", f"/chats/{group}/disappearing", duration=604800)["ephemeralExpiry"] == 604800
    eventually(lambda: expiry(group) == 604800)
    assert product.sandbox("GET", "/groups")[0]["expiration"] == 604800
    assert ask("POST", "/profile/disappearing", duration="90d") == {"phone": ANI, "ephemeralExpiry": 7776000}
    assert product.sandbox("GET", f"/phones/{ANI}/profile")["timer"] == 7776000


def test_many_numbers_at_once(ask: Any) -> None:
    data = ask("POST", "/profile/on-whatsapp", checkNumbers=[BUDI, STRANGER])["data"]
    assert [each["isOnWhatsApp"] for each in data] == [True, False]


def test_who_is_there_and_writes(product: Product, receiver: Receiver, ask: Any) -> None:
    """Both ways. A word for writing that nobody knows does not end the session, though the engine stumbles over it."""

    def on(phone: str) -> Any:
        return product.sandbox("GET", f"/phones/{phone}/presence")

    def budi_sees(chat: str, state: str) -> None:
        eventually(lambda: on(BUDI)["writing"].get(chat) == {"from": ANI, "state": state}, what=state)

    assert ask("POST", "/profile/presence", presence="online") == {"phone": ANI, "presence": "available"}
    eventually(lambda: on(ANI)["available"])
    for word, state in (("typing", "composing"), ("recording", "recording"), ("paused", "paused")):
        told = ask("POST", f"/chats/{BUDI}/presence", presence=word)
        assert told == {"sessionId": "ani", "phone": ANI, "chatId": BUDI_JID, "presence": state}
        budi_sees(ANI, state)
    (group,) = (one["id"] for one in product.sandbox("GET", "/groups"))
    ask("POST", f"/chats/{group}/presence", presence="composing")
    budi_sees(group, "composing")

    assert ask("POST", f"/chats/{BUDI}/presence/subscribe")["subscribed"]
    for state in ("composing", "dancing"):
        product.sandbox("POST", f"/phones/{BUDI}/presence", json={"to": ANI, "state": state})
    for change in ({"available": True}, {"available": False, "lastSeen": 1767225600}):
        product.sandbox("POST", f"/phones/{BUDI}/presence", json=change)
    heard = eventually(lambda: receiver.of("presence_update")[1:] and receiver.of("presence_update"))
    assert [one.json["data"]["presence"]["presences"] for one in heard] == [
        {BUDI_JID: {"lastKnownPresence": "available"}},
        {BUDI_JID: {"lastKnownPresence": "unavailable", "lastSeen": 1767225600}},
    ]
    for path in ("presence", "presence/subscribe"):
        answer = product.api("POST", f"/chats/{STRANGER}/{path}", json={"sessionId": "ani", "presence": "typing"})
        assert answer["code"] == 2000, "nobody writes to a number that does not exist"
    ask("POST", "/profile/presence", presence="unavailable")
    eventually(lambda: not on(ANI)["available"])

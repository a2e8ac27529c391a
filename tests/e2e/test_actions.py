"""What is done to messages and chats: the other one's phone shows it, and our own knows it by the app state."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from support.product import Product, running
from support.waiting import eventually
from warest import keys

ANI, BUDI = "628130006001", "628130006002"
BUDI_JID = f"{BUDI}@s.whatsapp.net"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all; each test has messages of its own."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        product.link("ani", ANI)
        yield product


def act(product: Product, action: str, about: str = "", /, *, method: str = "POST", **told: Any) -> dict[str, Any]:
    """The answer's entry."""
    path = f"/messages/{about}/action/{action}" if about else f"/messages/action/{action}"
    answer = product.api(method, path, json={"sessionId": "ani", "to": BUDI, **told})
    assert answer["code"] == 1000, answer
    (entry,) = answer["results"]
    expected = {"sessionId": "ani", "phone": ANI, "to": BUDI, "toJid": BUDI_JID}
    assert entry.items() >= (expected | ({"messageId": about} if about else {})).items()
    return {**entry, "message": answer["message"]}


def shown(product: Product, phone: str, message: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        everything = product.sandbox("GET", f"/phones/{phone}/messages", params={"after": 0, "wait": 0})
        return [each for each in everything if each["id"] == message]

    return eventually(found, what=f"{phone} to show {message}")[0]


def messages(product: Product) -> list[dict[str, Any]]:
    """Those of the chat that we know, newest first."""
    query = {"sessionId": "ani", "limit": 100}
    return list(product.api("GET", f"/chats/{BUDI}/messages", params=query)["result"]["data"])


def kept(product: Product, message: str) -> dict[str, Any] | None:
    return next((each for each in messages(product) if each["id"] == message), None)


def chat(product: Product) -> dict[str, Any]:
    return dict(product.api("GET", "/chats", params={"sessionId": "ani"})["result"]["data"][0])


def last_mutation(product: Product, collection: str) -> dict[str, Any]:
    """The newest thing that our phone has read in its app state, which happened just now."""
    mutation = product.sandbox("GET", f"/phones/{ANI}/app-state")[collection][-1]
    assert abs(int(mutation["value"].pop("timestamp")) / 1000 - time.time()) < 600
    return {"index": mutation["index"], **mutation["value"]}


def reported(product: Product) -> list[dict[str, Any]]:
    """The data of every message_received."""
    with redis.Redis(unix_socket_path=str(product.data / "redis.sock")) as client:
        entries: Any = client.xrange(keys.EVENTS)
    return [json.loads(fields[b"body"])["data"] for _, fields in entries if fields[b"event"] == b"message_received"]


@pytest.fixture
def mine(product: Product) -> str:
    """A message of ours that has arrived and is kept."""
    message: str = product.send("ani", BUDI, "mine")["results"][0]["messageId"]
    shown(product, BUDI, message)
    eventually(lambda: kept(product, message), what="the message to be kept")
    return message


@pytest.fixture
def theirs(product: Product) -> str:
    message = product.phone_sends(BUDI, ANI, "theirs")
    eventually(lambda: kept(product, message), what="the message to be kept")
    return message


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_a_reaction(product: Product, request: pytest.FixtureRequest, whose: str) -> None:
    """To a message of either side, and taken back; whose message it is stands in the key."""
    message = request.getfixturevalue(whose)
    entry = act(product, "reaction", message, emoji="🎉")
    assert (entry["message"], entry["status"], entry["synced"]) == (
        "Reaction applied", "reaction applied success", True,
    )  # fmt: skip
    eventually(lambda: shown(product, BUDI, message).get("reactions") == {ANI: "🎉"}, what="the reaction")
    eventually(
        lambda: [each["emoji"] for each in (kept(product, message) or {})["reactions"]] == ["🎉"],
        what="the reaction to be kept",
    )
    entry = act(product, "unreaction", message)
    assert (entry["message"], entry["status"]) == ("Reaction removed", "reaction removed success")
    eventually(lambda: shown(product, BUDI, message)["reactions"] == {}, what="the reaction to be gone")
    everything = product.sandbox("GET", f"/phones/{BUDI}/messages", params={"after": 0, "wait": 0})
    keys = [each["message"]["reactionMessage"]["key"] for each in everything if "reaction" in each]
    assert [key["fromMe"] for key in keys if key["ID"] == message] == [whose == "mine"] * 2


def test_at_once(product: Product) -> None:
    """What was sent just now is our own, also before it is kept."""
    for number in range(5):
        sent: str = product.send("ani", BUDI, f"number {number}")["results"][0]["messageId"]
        act(product, "star", sent)
        assert last_mutation(product, "regular_high")["index"] == ["star", BUDI_JID, sent, "1", "0"]


def test_an_edit(product: Product, mine: str) -> None:
    entry = act(product, "edit", mine, message=f"<b>new</b> @{BUDI}")
    assert (entry["message"], entry["status"], entry["synced"]) == ("Message edited", "message edited success", True)
    eventually(lambda: shown(product, BUDI, mine).get("edited"), what="the edit")
    assert shown(product, BUDI, mine)["text"] == f"*new* @{BUDI}"
    known = eventually(lambda: (one := kept(product, mine)) and one["isEdited"] and one, what="the edit to be kept")
    assert known and known["body"] == f"*new* @{BUDI}"


def test_a_revoke(product: Product, mine: str) -> None:
    entry = act(product, "revoke", mine)
    assert (entry["message"], entry["status"], entry["synced"]) == ("Message revoked", "message revoked success", True)
    eventually(lambda: shown(product, BUDI, mine).get("revoked"), what="the revoke")
    eventually(lambda: (kept(product, mine) or {}).get("isDeleted"), what="the revoke to be kept")


def test_a_revoke_that_leaves_nothing(product: Product, mine: str) -> None:
    assert act(product, "revoke", mine, deleteForMe=True)["synced"]
    eventually(lambda: shown(product, BUDI, mine).get("revoked"), what="the revoke")
    assert last_mutation(product, "regular_high")["index"] == ["deleteMessageForMe", BUDI_JID, mine, "1", "0"]
    assert kept(product, mine) is None


def test_a_read_mark(product: Product, theirs: str) -> None:
    """The sender's phone knows, and the chat has nothing unread any more."""
    assert chat(product)["unreadCount"] > 0
    entry = act(product, "mark-as-read", theirs)
    assert (entry["message"], entry["status"]) == ("Message marked as read", "message read success")
    eventually(lambda: shown(product, BUDI, theirs)["status"] == "read", what="the receipt")
    assert chat(product)["unreadCount"] == 0


def test_a_star(product: Product, theirs: str, mine: str) -> None:
    for message, ours in ((theirs, "0"), (mine, "1")):
        entry = act(product, "star", message)
        assert (entry["message"], entry["status"], entry["synced"]) == (
            "Message starred", "message starred success", True,
        )  # fmt: skip
        index = ["star", BUDI_JID, message, ours, "0"]
        assert last_mutation(product, "regular_high") == {"index": index, "starAction": {"starred": True}}
        assert "starredAt" in (kept(product, message) or {})["messageTypeDetails"]
        entry = act(product, "unstar", message)
        assert (entry["message"], entry["status"]) == ("Message unstarred", "message unstarred success")
        assert last_mutation(product, "regular_high") == {"index": index, "starAction": {"starred": False}}
        assert "starredAt" not in (kept(product, message) or {})["messageTypeDetails"]


def test_a_message_is_deleted_for_us(product: Product, theirs: str) -> None:
    sent_at = (kept(product, theirs) or {})["timestamp"]
    entry = act(product, "delete", theirs, method="DELETE", withMedia=False)
    assert (entry["message"], entry["status"], entry["synced"]) == (
        "Message deleted for me", "message deleted success", True,
    )  # fmt: skip
    assert last_mutation(product, "regular_high") == {
        "index": ["deleteMessageForMe", BUDI_JID, theirs, "0", "0"],
        "deleteMessageForMeAction": {"deleteMedia": False, "messageTimestamp": str(sent_at)},
    }
    assert kept(product, theirs) is None and "revoked" not in shown(product, BUDI, theirs)


def test_a_chat_is_muted(product: Product, mine: str) -> None:
    entry = act(product, "mute", duration=90)
    assert (entry["message"], entry["status"], entry["synced"]) == ("Chat muted", "chat muted success", True)
    until = chat(product)["mutedUntil"]
    assert last_mutation(product, "regular_high") == {
        "index": ["mute", BUDI_JID], "muteAction": {"muted": True, "muteEndTimestamp": str(until * 1000)},
    }  # fmt: skip
    entry = act(product, "unmute")
    assert (entry["message"], entry["status"]) == ("Chat unmuted", "chat unmuted success")
    assert last_mutation(product, "regular_high") == {"index": ["mute", BUDI_JID], "muteAction": {"muted": False}}
    assert chat(product)["mutedUntil"] == 0


def test_a_chat_is_archived(product: Product, mine: str) -> None:
    """With the message that it ends with."""
    newest = messages(product)[0]["id"]
    entry = act(product, "archive")
    assert (entry["message"], entry["status"], entry["synced"]) == ("Chat archived", "chat archived success", True)
    assert last_mutation(product, "regular_low") == {"index": ["pin_v1", BUDI_JID], "pinAction": {"pinned": False}}
    mutations = product.sandbox("GET", f"/phones/{ANI}/app-state")["regular_low"]
    action = mutations[-2]["value"]["archiveChatAction"]
    assert (mutations[-2]["index"], action["archived"]) == (["archive", BUDI_JID], True)
    (last,) = action["messageRange"]["messages"]
    assert last["key"] == {"remoteJID": BUDI_JID, "fromMe": True, "ID": newest}
    assert last["timestamp"] == action["messageRange"]["lastMessageTimestamp"]
    assert chat(product)["archived"] is True
    entry = act(product, "unarchive")
    assert (entry["message"], entry["status"]) == ("Chat unarchived", "chat unarchived success")
    assert last_mutation(product, "regular_low")["archiveChatAction"]["archived"] is False
    assert chat(product)["archived"] is False


def test_a_chat_is_cleared(product: Product, mine: str) -> None:
    newest = messages(product)[0]["id"]
    entry = act(product, "clear-all", method="DELETE")
    assert (entry["message"], entry["status"], entry["synced"]) == ("Chat cleared", "chat cleared success", True)
    mutation = last_mutation(product, "regular_high")
    assert mutation["index"] == ["clearChat", BUDI_JID, "1", "0"]
    assert mutation["clearChatAction"]["messageRange"]["messages"][0]["key"]["ID"] == newest
    assert kept(product, mine) is None and not chat(product)["lastMessage"]


def test_the_chat_by_its_hidden_identity(product: Product, theirs: str) -> None:
    """It is the same chat, and the same message in it (quirk Q33)."""
    lid = next(each["lid"] for each in product.sandbox("GET", "/phones") if each["phone"] == BUDI)
    answer = product.api("POST", f"/messages/{theirs}/action/star", json={"sessionId": "ani", "to": lid})
    assert answer["results"][0]["toJid"] == lid and answer["results"][0]["synced"]
    assert last_mutation(product, "regular_high")["index"] == ["star", lid, theirs, "0", "0"]
    assert "starredAt" in (kept(product, theirs) or {})["messageTypeDetails"]


def test_a_group(product: Product) -> None:
    """What somebody says there reaches us once, with his words; and what is done to it names him."""
    by = product.sandbox("POST", "/groups", json={"name": "Friends", "by": BUDI, "members": [ANI]})
    group: str = by["id"]
    said = product.sandbox("POST", f"/phones/{BUDI}/messages", json={"to": group, "text": "halo group"})["id"]

    def heard() -> list[Any]:
        asked = {"sessionId": "ani", "limit": 100}
        return list(product.api("GET", f"/chats/{group}/messages", params=asked)["result"]["data"])

    (message,) = eventually(heard, what="the message to be kept")
    assert (message["id"], message["body"], message["senderJid"]) == (said, "halo group", BUDI_JID)
    assert [data["text"] for data in reported(product) if data["sender"]["chatId"] == group] == ["halo group"]
    for action in ("reaction", "mark-as-read", "star"):
        told = {"sessionId": "ani", "to": group, "emoji": "🎉"}
        assert product.api("POST", f"/messages/{said}/action/{action}", json=told)["code"] == 1000
    eventually(lambda: shown(product, BUDI, said).get("reactions") == {ANI: "🎉"}, what="the reaction")
    eventually(lambda: shown(product, BUDI, said)["status"] == "read", what="the receipt")
    assert last_mutation(product, "regular_high")["index"] == ["star", group, said, "0", BUDI_JID]
    sent = product.api("POST", "/messages/send/text", json={"sessionId": "ani", "to": group, "message": "halo Budi"})
    assert shown(product, BUDI, sent["results"][0]["messageId"])["text"] == "halo Budi"


def test_without_the_fix_it_stays_here(tmp_path: Path) -> None:
    """The answers say so, nothing goes out that WhatsApp would refuse, and messages are as ever."""
    with running(tmp_path, WAREST_APP_STATE_FIX="false") as product:
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        product.link("ani", ANI)
        message: str = product.send("ani", BUDI, "mine")["results"][0]["messageId"]
        eventually(lambda: kept(product, message), what="the message to be kept")
        assert act(product, "reaction", message, emoji="🎉")["synced"]
        assert not act(product, "star", message)["synced"]
        assert not act(product, "archive")["synced"]
        assert "starredAt" in (kept(product, message) or {})["messageTypeDetails"] and chat(product)["archived"]
        state = product.sandbox("GET", f"/phones/{ANI}/app-state")
        assert state["regular_low"] == state["regular_high"] == []

"""Every operation of the n8n node, as the node sends it, on the running product: it gets the items that it expects.

The operations run in the order of the table, in one world: later ones need what earlier ones have made.
"""

import base64
import io
import json
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.n8n import OPERATIONS, Node
from support.product import Product, running
from support.receiver import Receiver
from support.waiting import eventually
from support.whatsapp_files import KEY, sealed

ANI, BUDI, CICI, DEWI = "628131009001", "628131009002", "628131009003", "628131009004"
CHAT = f"{BUDI}@s.whatsapp.net"


@dataclass
class World:
    """What operations leave behind for others."""

    product: Product
    hook: Receiver
    texts: list[str] = field(default_factory=list)
    heard: str = ""
    group: str = ""
    link: str = ""

    def items(self, operation: str) -> list[Any]:
        return Node(self.product).run(operation, **FIELDS[operation](self))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with (
        tempfile.TemporaryDirectory(prefix="warest-test-") as folder,
        running(Path(folder)) as product,
        Receiver() as hook,
    ):
        for phone in (BUDI, CICI, DEWI):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": phone})
        product.link("me", ANI, hook.url)
        product.sandbox("POST", f"/phones/{BUDI}/profile", json={"business": "Budi's Books"})
        yield World(product, hook)


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(*colours: str) -> str:
    made, form = io.BytesIO(), "GIF" if len(colours) > 1 else "PNG"
    first, *others = (Image.new("RGB", (96, 96), colour) for colour in colours)
    first.save(made, form, **({"save_all": True, "append_images": others, "duration": 200} if others else {}))
    return data_uri(f"image/{form.lower()}", made.getvalue())


def sound() -> str:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 4000)
    return data_uri("audio/wav", made.getvalue())


def of_session(**fields: Any) -> Callable[[World], dict[str, Any]]:
    return lambda _: {"sessionId": "me", **fields}


def to(**fields: Any) -> Callable[[World], dict[str, Any]]:
    return of_session(to=BUDI, **fields)


def of_group(**fields: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"sessionId": "me", "groupId": world.group, **fields}


def plain(**fields: Any) -> Callable[[World], dict[str, Any]]:
    return lambda _: fields


def heard(**fields: Any) -> Callable[[World], dict[str, Any]]:
    """About a message of Budi's."""
    return lambda world: {"sessionId": "me", "to": BUDI, "messageId": _heard(world), **fields}


def said(number: int, **fields: Any) -> Callable[[World], dict[str, Any]]:
    """About a text of our own."""
    return lambda world: {"sessionId": "me", "to": BUDI, "messageId": world.texts[number], **fields}


def _heard(world: World) -> str:
    if not world.heard:
        world.heard = world.product.phone_sends(BUDI, ANI, "hello")
        eventually(lambda: _stored(world, world.heard))
    return world.heard


def _stored(world: World, id: str) -> bool:
    asked = {"sessionId": "me"}
    found = world.product.api("GET", f"/chats/{CHAT}/messages", params=asked)["result"]["data"]
    return any(message["id"] == id for message in found)


def vote(world: World) -> dict[str, Any]:
    """One in a poll of Budi's, as its event has it; the node sends it as text."""
    product = world.product
    poll = {"to": ANI, "name": "Where?", "options": ["here", "there"]}
    id = product.sandbox("POST", f"/phones/{BUDI}/polls", json=poll)["id"]
    eventually(lambda: _stored(world, id))
    product.sandbox("POST", f"/phones/{BUDI}/votes", json={"to": ANI, "id": id, "options": ["there"]})

    def votes() -> list[Any]:
        found = [one.json["data"] for one in world.hook.of("message_received")]
        return [data for data in found if data["contentType"] == "pollUpdateMessage"]

    data = eventually(votes)[0]
    told = data["message"]["message"]["pollUpdateMessage"]
    names = {"pollCreatorJid": data["sender"]["lid"], "voterJid": data["sender"]["lid"]}
    return {"sessionId": "me", "pollUpdateVote": json.dumps(told), **names}


def request_to_join(world: World, phone: str) -> dict[str, Any]:
    product = world.product
    group = next(one for one in product.sandbox("GET", "/groups") if one["id"] == world.group)
    if not group["approval"]:
        product.sandbox("POST", f"/phones/{ANI}/groups/settings", json={"group": world.group, "approval": True})
    product.sandbox("POST", f"/phones/{phone}/groups/join", json={"code": group["invite"]})
    return {"sessionId": "me", "groupId": world.group, "participants": [phone]}


def by_link(world: World) -> dict[str, Any]:
    """A group of Cici's."""
    product = world.product
    group = product.sandbox("POST", "/groups", json={"name": "Cici's", "by": CICI, "members": []})["id"]
    invite = next(one["invite"] for one in product.sandbox("GET", "/groups") if one["id"] == group)
    return {"sessionId": "me", "inviteLink": f"https://chat.whatsapp.com/{invite}"}


BUTTONS = [{"type": "reply", "displayText": "Yes", "id": "yes"}]
LIST = {"buttonText": "Choose", "sections": [{"title": "Drinks", "rows": [{"id": "tea", "title": "Tea"}]}]}

SEALED = base64.b64encode(sealed(b"hello", b"WhatsApp Document Keys")).decode()

#: Operation -> the node's fields.
FIELDS: dict[str, Callable[[World], dict[str, Any]]] = {
    "server:ping": plain(), "server:info": plain(), "server:health": plain(), "server:ready": plain(),
    "server:cpuHistory": plain(), "server:scheduleRestart": plain(schedule="02:30"),
    "session:createSession": plain(sessionId="other"),
    "session:createPairCode": plain(sessionId="paired", phone="628131009009"),
    "session:devices": of_session(), "session:listSessions": plain(), "session:updateConfig": of_session(),
    "messages:sendText": to(message="one"), "messages:sendFiles": to(files=[{"file": picture("red"), "caption": "a"}]),
    "messages:sendMedia": to(media=picture("red")), "messages:sendDocument": to(document="data:text/plain,hello"),
    "messages:sendAudio": to(audio=sound(), isVN=False), "messages:sendGif": to(gif=picture("red", "blue")),
    "messages:sendSticker": to(sticker=picture("blue")), "messages:sendButton": to(text="Well?", buttons=BUTTONS),
    "messages:sendList": to(text="Well?", list=LIST), "messages:sendContact": to(contact={"name": "C", "phone": CICI}),
    "messages:sendLocation": to(location={"latitude": -6.2, "longitude": 106.8, "name": "here"}),
    "messages:sendPoll": to(question="Where?", options=["here", "there"], maxSelection=1),
    "chats:listChats": of_session(), "chats:getChatMessages": of_session(chatId=CHAT),
    "messageAction:reactToMessage": heard(emoji="\N{THUMBS UP SIGN}"), "messageAction:removeReaction": heard(),
    "messageAction:starMessage": heard(), "messageAction:unstarMessage": heard(),
    "messageAction:markMessageRead": heard(), "chats:markChatRead": of_session(chatId=CHAT),
    "messageAction:editMessage": said(0, message="two"),
    "chats:pinMessage": lambda world: {"sessionId": "me", "chatId": CHAT, "messageId": _heard(world), "pin": True},
    "messageAction:revokeMessage": said(0), "messageAction:deleteMessage": heard(),
    "chats:pinChat": of_session(chatId=CHAT, pin=True),
    "chats:archiveChat": to(), "chats:unarchiveChat": to(), "chats:muteChat": to(), "chats:unmuteChat": to(),
    "group:createGroup": of_session(groupName="Friends", participants=[BUDI]), "group:listGroups": of_session(),
    "group:getGroupInfo": of_group(), "group:getGroupInvite": of_group(), "group:revokeGroupInvite": of_group(),
    "group:previewGroupByLink": by_link, "group:joinGroupByLink": by_link,
    "group:updateGroupName": of_group(groupName="Good friends"),
    "group:updateGroupDescription": of_group(groupDescription="About us"),
    "group:setGroupAnnouncement": of_group(announcement=True), "group:setGroupLocked": of_group(locked=True),
    "group:getGroupParticipants": of_group(), "group:addGroupParticipants": of_group(participants=[CICI]),
    "group:promoteGroupParticipants": of_group(participants=[BUDI]),
    "group:demoteGroupParticipants": of_group(participants=[BUDI]),
    "group:removeGroupParticipants": of_group(participants=[CICI]),
    "group:setGroupPicture": of_group(picture=picture("green")), "group:getGroupPicture": of_group(),
    "group:deleteGroupPicture": of_group(), "group:listJoinRequests": of_group(),
    "group:approveJoinRequest": lambda world: request_to_join(world, CICI),
    "group:rejectJoinRequest": lambda world: request_to_join(world, DEWI), "group:deleteGroup": of_group(),
    "group:leaveGroup": lambda world: {"sessionId": "me", "groupId": world.product.api(
        "GET", "/groups", params={"sessionId": "me"})["results"][0]["data"][0]["id"]},
    "profile:getProfileInfo": of_session(), "profile:setProfilePicture": of_session(picture=picture("red")),
    "profile:getProfilePicture": of_session(), "profile:deleteProfilePicture": of_session(),
    "profile:getPrivacySettings": of_session(), "profile:listContacts": of_session(),
    "profile:checkOnWhatsapp": of_session(checkNumbers=BUDI),
    "profile:getBusinessProfile": of_session(checkNumbers=BUDI),
    "misc:convertStringToQr": plain(target="png", string="hello"), "misc:base64": plain(action="encode", input="hello"),
    "misc:cryptoHash": plain(input="hello", algo="sha256"), "misc:cryptoHmac": plain(key="k", input="hello"),
    "misc:thumbnail": plain(file=picture("red"), type="image"),
    "misc:processImage": plain(file=picture("red"), actions={"resize": {"width": 32}}),
    "misc:uuidGenerate": plain(), "misc:uuidValidate": plain(value="00000000-0000-0000-0000-000000000000"),
    "misc:decryptWhatsappFile": plain(mediaKey=base64.b64encode(KEY).decode(), file=SEALED, mimeType="text/plain"),
    "misc:decryptPollVote": vote, "misc:validatePhone": of_session(phone=BUDI),
    "misc:validateJid": of_session(jid=CHAT),
    "misc:resolveJidOrLid": of_session(input=CHAT),
    "chats:clearChat": to(), "session:reconnect": plain(sessionId="other"), "session:logout": plain(sessionId="paired"),
    "session:deleteSession": plain(sessionId="other"), "server:restart": plain(),
}  # fmt: skip

#: Words that have to be in the first item; of E3 the node takes the whole answer for one.
EXPECTED: dict[str, tuple[str, ...]] = {
    "server:ping": ("ping",), "server:info": ("serviceName", "sessions"), "server:health": ("services",),
    "server:ready": ("dependencies",), "server:cpuHistory": ("data",), "server:restart": ("restartInitiated",),
    "session:listSessions": ("items",), "session:createSession": ("qrString",), "session:createPairCode": ("pairCode",),
    "chats:listChats": ("result", "code"), "chats:getChatMessages": ("result", "code"),
    "chats:pinChat": ("result",), "chats:pinMessage": ("result",), "chats:markChatRead": ("result",),
    "group:listGroups": ("data",), "group:getGroupInfo": ("data",), "group:getGroupInvite": ("inviteLink",),
    "group:createGroup": ("groupId",), "group:listJoinRequests": ("joinRequests",),
    "misc:decryptPollVote": ("votedOptionNames",),
}  # fmt: skip

#: A success without results: the node goes on with no item.
EMPTY = {"session:reconnect", "profile:deleteProfilePicture"}

#: What the engine cannot do fails in the workflow, and says so.
UNSUPPORTED = {"profile:getBusinessProfile": 501, "group:rejectJoinRequest": 501}


def test_all_are_here() -> None:
    assert set(FIELDS) == set(OPERATIONS)


@pytest.mark.parametrize("operation", FIELDS)
def test_an_operation(world: World, operation: str) -> None:
    if status := UNSUPPORTED.get(operation):
        with pytest.raises(AssertionError, match=str(status)):
            world.items(operation)
        return
    items = world.items(operation)
    assert len(items) == (0 if operation in EMPTY else 1), items
    for word in EXPECTED.get(operation, ()):
        assert word in items[0], items
    if operation.startswith("messages:"):
        assert items[0]["status"].endswith("success")
        world.texts.append(items[0]["messageId"])
    if operation == "group:createGroup":
        world.group = items[0]["groupId"]
    if operation == "session:listSessions":
        assert {"id", "status"} <= set(items[0]["items"][0])

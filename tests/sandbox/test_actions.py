"""What people do with messages: on phones, which sessions hear of, and by sessions, which phones show."""

import base64
import hashlib
from typing import Any

import pytest

from sandbox.harness import SandboxProcess, Start
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"


@pytest.fixture(autouse=True)
def phones(sandbox: SandboxProcess) -> None:
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")


def without(shown: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in (*names, "seq", "timestamp", "message")}


def test_what_a_phone_does_reaches_a_session(sandbox: SandboxProcess, client: Start) -> None:
    """As stanza and as protobuf; both phones show it with the message that it is about."""
    session = client("ani").link(ANI)
    text = sandbox.send(BUDI, ANI, "halo")
    session.wait("message", id=text)

    def hears(what: str, kind: str, edit: str, **told: Any) -> dict[str, Any]:
        event = session.wait("message", id=sandbox.write(BUDI, what, to=ANI, **told))
        assert (event["type"], event["edit"]) == (kind, edit), event
        content: dict[str, Any] = event["content"]
        return content

    reaction = hears("reactions", "reaction", "", id=text, emoji="👍")["reactionMessage"]
    assert (reaction["key"]["ID"], reaction["key"]["fromMe"], reaction["text"]) == (text, True, "👍")
    assert sandbox.shown(ANI, text)["reactions"] == sandbox.shown(BUDI, text)["reactions"] == {BUDI: "👍"}
    hears("reactions", "reaction", "7", id=text, emoji="")
    assert sandbox.shown(ANI, text)["reactions"] == {}

    hears("pins", "text", "2", id=text)
    assert sandbox.shown(ANI, text)["pinned"]
    hears("pins", "text", "2", id=text, pin=False)
    assert not sandbox.shown(ANI, text)["pinned"]

    edited = hears("edits", "text", "1", id=text, text="hello")["protocolMessage"]
    assert (edited["type"], edited["editedMessage"]["conversation"]) == ("MESSAGE_EDIT", "hello")
    assert without(sandbox.shown(ANI, text), "id", "reactions", "pinned") == {
        "kind": "text", "text": "hello", "edited": True, "from": BUDI, "to": ANI, "fromMe": False,
    }  # fmt: skip

    hears("revokes", "text", "7", id=text)
    assert (sandbox.shown(ANI, text)["revoked"], sandbox.shown(ANI, text)["text"]) == (True, "")


def test_a_phone_quotes(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    question = session.send(BUDI, "how are you?")
    sandbox.shown(BUDI, question)
    answer = sandbox.write(BUDI, "messages", to=ANI, reply={"id": question}, text="fine")
    context = session.wait("message", id=answer)["content"]["extendedTextMessage"]["contextInfo"]
    assert (context["stanzaID"], context["quotedMessage"]) == (question, {"conversation": "how are you?"})
    shown = sandbox.shown(ANI, answer)
    assert (shown["text"], shown["quoted"]) == (
        "fine", {"id": question, "from": ANI, "kind": "text", "text": "how are you?"}
    )  # fmt: skip


def test_votes_for_the_poll_of_a_session(sandbox: SandboxProcess, client: Start) -> None:
    """The phone's vote is one that whatsmeow can open."""
    session = client("ani").link(ANI)
    secret = base64.b64encode(bytes(range(32))).decode()
    content = {
        "pollCreationMessage": {
            "name": "When?", "options": [{"optionName": "now"}, {"optionName": "later"}], "selectableOptionsCount": 1,
        },
        "messageContextInfo": {"messageSecret": secret},
    }  # fmt: skip
    poll = session.call("send_content", to=BUDI, content=content)
    assert sandbox.shown(BUDI, poll)["poll"] == {
        "name": "When?", "options": ["now", "later"], "selectable": 1, "votes": {"now": [], "later": []},
    }  # fmt: skip
    for option in ("now", "later"):
        vote = sandbox.write(BUDI, "votes", to=ANI, id=poll, options=[option])
        session.wait("message", id=vote, type="poll")
        assert session.call("open_vote", id=vote) == [
            base64.b64encode(hashlib.sha256(option.encode()).digest()).decode()
        ]
    for phone in (ANI, BUDI):
        assert sandbox.shown(phone, poll)["poll"]["votes"] == {"now": [], "later": [BUDI]}
        assert sandbox.shown(phone, vote)["vote"] == {"id": poll, "options": ["later"]}


def test_votes_for_the_poll_of_a_phone(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    poll = sandbox.write(BUDI, "polls", to=ANI, name="Where?", options=["here", "there", "nowhere"], selectable=2)
    told = session.wait("message", id=poll)
    assert (told["type"], told["content"]["pollCreationMessage"]["selectableOptionsCount"]) == ("poll", 2)
    sandbox.shown(BUDI, session.call("vote", poll=poll, options=["here", "there"]))
    votes = {"here": [ANI], "there": [ANI], "nowhere": []}
    assert sandbox.shown(BUDI, poll)["poll"]["votes"] == sandbox.shown(ANI, poll)["poll"]["votes"] == votes


def test_cards_places_and_whatever_else(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    card = sandbox.write(BUDI, "messages", to=ANI, contact={"name": "Cici", "phone": "628110000003"})
    told = session.wait("message", id=card)
    assert (told["type"], told["mediaType"]) == ("media", "vcard")
    contact = sandbox.shown(ANI, card)["contact"]
    assert (contact["name"], "waid=628110000003:+628110000003" in contact["vcard"]) == ("Cici", True)
    place = sandbox.write(BUDI, "messages", to=ANI, location={"latitude": -6.2, "longitude": 106.8, "name": "Monas"})
    told = session.wait("message", id=place)
    assert (told["type"], told["mediaType"]) == ("media", "location")
    assert sandbox.shown(ANI, place)["location"] == {
        "latitude": -6.2, "longitude": 106.8, "name": "Monas", "address": ""
    }  # fmt: skip
    context = {"isForwarded": True, "forwardingScore": 3, "expiration": 86400}
    raw = {
        "extendedTextMessage": {"text": "hot", "contextInfo": {**context, "mentionedJID": [f"{ANI}@s.whatsapp.net"]}}
    }
    sent = sandbox.write(BUDI, "messages", to=ANI, message=raw, id="3AOWN")
    assert sent == "3AOWN" and session.wait("message", id=sent)["content"]["extendedTextMessage"]["text"] == "hot"
    shown = sandbox.shown(ANI, sent)
    assert (shown["forwarded"], shown["expiration"], shown["mentions"]) == (3, 86400, [ANI])
    assert shown["message"] == raw


def test_lists_and_buttons_of_a_session(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    rows = [{"title": "Tea", "description": "hot", "rowID": "t"}]
    menu = {
        "title": "Menu",
        "buttonText": "Open",
        "listType": "SINGLE_SELECT",
        "sections": [{"title": "A", "rows": rows}],
    }
    sent = session.call("send_content", to=BUDI, content={"listMessage": menu})
    assert sandbox.shown(BUDI, sent)["list"] == {
        "title": "Menu", "description": "", "button": "Open", "footer": "",
        "sections": [{"title": "A", "rows": [{"id": "t", "title": "Tea", "description": "hot"}]}],
    }  # fmt: skip
    flow = {"buttons": [{"name": "quick_reply", "buttonParamsJSON": '{"id": "y"}'}]}
    inner = {"interactiveMessage": {"body": {"text": "Sure?"}, "footer": {"text": "f"}, "nativeFlowMessage": flow}}
    sent = session.call("send_content", to=BUDI, content={"viewOnceMessage": {"message": inner}})
    shown = sandbox.shown(BUDI, sent)
    assert (shown["kind"], shown["interactive"]) == (
        "viewOnceMessage",
        {"header": "", "body": "Sure?", "footer": "f", "buttons": [{"name": "quick_reply", "params": {"id": "y"}}]},
    )


def test_receipts_of_a_phone(sandbox: SandboxProcess, client: Start) -> None:
    """Delivered at once; read and played when the phone is told so. The reader's own sessions hear of it, too."""
    session, readers = client("ani").link(ANI), client("budi").link(BUDI)
    sent = [session.send(BUDI, "one"), session.send(BUDI, "two")]
    for each in sent:
        session.wait("receipt", ids=[each], type=1)
        sandbox.shown(BUDI, each)
    sandbox.post(f"/phones/{BUDI}/receipts", to=ANI, ids=sent, type="read")
    session.wait("receipt", ids=sent, type=4)
    readers.wait("receipt", ids=sent)
    sandbox.post(f"/phones/{BUDI}/receipts", to=ANI, ids=sent[:1], type="played")
    session.wait("receipt", ids=sent[:1])
    assert [sandbox.shown(ANI, each)["status"] for each in sent] == ["played", "read"]


def test_a_session_edits_and_revokes(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sent = session.send(BUDI, "wrong")
    key = {"remoteJID": f"{BUDI}@s.whatsapp.net", "fromMe": True, "ID": sent}
    protocol = {"key": key, "type": "MESSAGE_EDIT", "editedMessage": {"conversation": "right"}}
    session.call("send_content", to=BUDI, content={"editedMessage": {"message": {"protocolMessage": protocol}}})
    eventually(lambda: bool(sandbox.shown(BUDI, sent)["text"] == "right"), what="the edit")
    session.call("send_content", to=BUDI, content={"protocolMessage": {"key": key, "type": "REVOKE"}})
    eventually(lambda: bool(sandbox.shown(BUDI, sent).get("revoked")), what="the revoke")


def test_nobody_changes_what_somebody_else_has_written(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    text = sandbox.send(BUDI, ANI, "mine")
    session.wait("message", id=text)
    key = {"remoteJID": f"{BUDI}@s.whatsapp.net", "fromMe": False, "ID": text}
    sent = session.call("send_content", to=BUDI, content={"protocolMessage": {"key": key, "type": "REVOKE"}})
    assert sandbox.shown(BUDI, sent)["revoke"] == {"id": text}
    assert "revoked" not in sandbox.shown(BUDI, text)


@pytest.mark.parametrize(
    ("what", "told", "status", "error"),
    [
        ("messages", {"message": {"nonsense": 1}}, 400, "nonsense"),
        ("messages", {"message": {"conversation": 5}}, 400, '"message" is none'),
        ("messages", {"message": {}}, 400, "not empty"),
        ("messages", {"text": ""}, 400, 'needs "text"'),
        ("messages", {"text": "x", "id": "3AONE"}, 409, "already"),
        ("messages", {"text": "x", "reply": "3AONE"}, 404, "no message"),
        ("messages", {"location": {"latitude": 1}}, 400, "longitude"),
        ("messages", {"location": {"latitude": "north", "longitude": 1}}, 400, "cannot be that"),
        ("messages", {"contact": "Cici"}, 400, "an object"),
        ("reactions", {"id": "3ANONE", "emoji": "x"}, 404, "no message"),
        ("reactions", {"id": "3AONE"}, 400, 'needs "emoji"'),
        ("edits", {"id": "3AOTHER", "text": "x"}, 400, "not the phone's own"),
        ("revokes", {"id": "3AOTHER"}, 400, "not the phone's own"),
        ("pins", {"id": "3AONE", "seconds": "x"}, 400, '"seconds"'),
        ("polls", {"name": "x", "options": ["a", "a"]}, 400, "different"),
        ("polls", {"name": "x", "options": ["a", "b"], "selectable": 3}, 400, '"selectable"'),
        ("votes", {"id": "3AONE", "options": []}, 400, "no poll"),
        ("receipts", {"ids": ["3AONE"]}, 400, "own message"),
        ("receipts", {"ids": ["3AOTHER"], "type": "seen"}, 400, '"type"'),
    ],
)  # fmt: skip
def test_what_cannot_be_written(
    sandbox: SandboxProcess, what: str, told: dict[str, Any], status: int, error: str
) -> None:
    sandbox.write(ANI, "messages", to=BUDI, text="one", id="3AONE")
    sandbox.write(BUDI, "messages", to=ANI, text="other", id="3AOTHER")
    answer = sandbox.http.post(f"/phones/{ANI}/{what}", json={"to": BUDI, **told})
    assert (answer.status_code, error in answer.json()["error"]) == (status, True), answer.text

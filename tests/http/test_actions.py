"""What is done to messages and chats: how a request becomes a command, and its outcome an answer."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands
from warest.bus import answered, refused
from warest.commands import Key
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.http import acting
from warest.store import Account, ChatNews, ContactNews, Message, SessionRecord, Store

Call = Callable[..., testing.Result]

CHAT, LID, GROUP, AUTHOR = "628222@s.whatsapp.net", "5@lid", "1@g.us", "628333@s.whatsapp.net"

ONE = ("star", "unstar", "reaction", "unreaction", "revoke", "edit", "mark-as-read")
ALL = [("POST", f"/messages/M1/action/{name}") for name in ONE]
ALL += [("DELETE", "/messages/M1/action/delete"), ("DELETE", "/messages/action/clear-all")]
ALL += [("POST", f"/messages/action/{name}") for name in ("mute", "unmute", "archive", "unarchive")]

#: All that any of them needs.
BODY = {"sessionId": "s", "to": "628222", "emoji": "x", "message": "x"}


@pytest.fixture
def session(online: Callable[[Account, str], SessionRecord], admin: Account) -> SessionRecord:
    return online(admin, "s")


@pytest.fixture
def ordered(session: SessionRecord, session_answers: Any) -> list[commands.Command]:
    """The commands that came to the session's process, which has done them."""
    seen: list[commands.Command] = []

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        seen.append(commands.decode(command))
        return answered({"synced": True})

    session_answers(session, execute)
    return seen


def message(id: str, *, from_me: bool, chat: str = CHAT, sender: str = CHAT, ts: int = 1_700_000_000) -> Message:
    return Message(chat=chat, id=id, from_me=from_me, ts=ts, sender=sender, body="x", type="conversation")


@pytest.mark.parametrize(("method", "path"), ALL)
def test_the_session_comes_first(call: Call, method: str, path: str) -> None:
    """Before whatever else is wrong; a session that is not there and one of nobody are the same."""
    answer = call(method, path, json={"to": []})
    assert (answer.status_code, answer.json) == (
        404, {"status": False, "code": 1101, "message": "Session not found", "results": None},
    )  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ALL)
@pytest.mark.parametrize("to", [None, "", [], {}, "nobody", "@s.whatsapp.net"])
def test_whose_chat(call: Call, session: SessionRecord, method: str, path: str, to: Any) -> None:
    answer = call(method, path, json={**BODY, "to": to})
    missing = "Missing destination or messageId" if "M1" in path else "Missing destination"
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (400, 2001, missing)


@pytest.mark.parametrize(("method", "path"), ALL)
def test_one_chat_at_a_time(call: Call, session: SessionRecord, method: str, path: str) -> None:
    """The original made one wrong number of two."""
    answer = call(method, path, json={**BODY, "to": "628222,628333"})
    assert (answer.status_code, answer.json["code"]) == (400, 2002)


@pytest.mark.parametrize(("method", "path"), ALL)
def test_actions_arm_no_cooldown(application: Any, admin_headers: Any, ordered: Any, method: str, path: str) -> None:
    """Quirk Q22: two at once go through."""
    client = application(cooldown_ms=60_000)
    for _ in range(2):
        answer = client.simulate_request(method, f"/api/v1{path}", headers=admin_headers, json=BODY)
        assert answer.status_code == 200, answer.json


@pytest.mark.parametrize(
    ("action", "told", "message"),
    [
        ("reaction", {"emoji": ""}, "Emoji is required"),
        ("reaction", {"emoji": ["x"]}, "Emoji is required"),
        ("edit", {"message": None}, "Message text is required"),
        ("edit", {"message": ""}, "Message text is required"),
    ],
)
def test_what_is_missing(call: Call, session: SessionRecord, action: str, told: dict[str, Any], message: str) -> None:
    answer = call("POST", f"/messages/M1/action/{action}", json={**BODY, **told})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (400, 2001, message)


@pytest.mark.parametrize("id", ["a%20b", "a%00b", "%C3%A4", "x" * 129])
def test_what_is_no_message_id(call: Call, session: SessionRecord, id: str) -> None:
    """The engine would make several of it, or cut it off (trap 44)."""
    assert call("POST", f"/messages/{id}/action/mark-as-read", json=BODY).json["code"] == 2002


@pytest.mark.parametrize(
    ("path", "told", "command"),
    [
        ("star", {}, lambda key: commands.Star(key=key(False), starred=True)),
        ("unstar", {}, lambda key: commands.Star(key=key(False), starred=False)),
        ("reaction", {"emoji": "🎉"}, lambda key: commands.React(key=key(False), emoji="🎉")),
        ("unreaction", {}, lambda key: commands.React(key=key(False), emoji="")),
        ("revoke", {}, lambda key: commands.Revoke(key=key(True))),
        (
            "edit",
            {"message": "<b>x</b> @628333"},
            lambda key: commands.Edit(key=key(True), text="*x* @628333", mentions=(AUTHOR,)),
        ),
        ("mark-as-read", {}, lambda key: commands.MarkRead(chat=CHAT, ids=("M1",), sender=CHAT)),
    ],
)
def test_of_a_message_that_is_not_known(
    call: Call, ordered: list[commands.Command], path: str, told: dict[str, Any], command: Any
) -> None:
    """Whoever revokes or edits means his own, anybody else another's (contract, endpoints.md section 7)."""
    answer = call("POST", f"/messages/M1/action/{path}", json={**BODY, **told})
    assert answer.status_code == 200, answer.json
    assert ordered == [command(lambda ours: Key(chat=CHAT, id="M1", from_me=ours))]
    (entry,) = answer.json["results"]
    assert list(entry) == ["sessionId", "phone", "to", "toJid", "messageId", "status", "synced"]
    assert list(entry.values())[:5] == ["s", "628111", "628222", CHAT, "M1"] and entry["synced"] is True


def test_of_a_message_that_is_known(
    call: Call, opened: Store, session: SessionRecord, ordered: list[commands.Command]
) -> None:
    """The key says whose it is, in a group also who wrote it; the same id in another chat is another message."""
    opened.messages.put(
        session.ulid,
        [
            message("M1", from_me=True),
            message("M1", from_me=False, chat=GROUP, sender=AUTHOR),
            message("M1", from_me=False, chat="628999@s.whatsapp.net", ts=1_700_000_009),
        ],
    )
    for to in (CHAT, GROUP):
        call("POST", "/messages/M1/action/unreaction", json={**BODY, "to": to})
    mine = Key(chat=CHAT, id="M1", from_me=True, timestamp=1_700_000_000)
    theirs = Key(chat=GROUP, id="M1", from_me=False, participant=AUTHOR, timestamp=1_700_000_000)
    assert ordered == [commands.React(key=mine, emoji=""), commands.React(key=theirs, emoji="")]


def test_of_a_message_that_was_sent_just_now(
    call: Call, opened: Store, session: SessionRecord, ordered: list[commands.Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in the database yet, and is waited for; an unknown one is given up in the end."""
    look = opened.messages.find

    def look_and_learn(*asked: Any) -> list[Message]:
        """What is known; and then the message comes, right after the first look."""
        found = look(*asked)
        opened.messages.put(session.ulid, [message("3EB0AA", from_me=True)])
        return found

    monkeypatch.setattr(acting, "PATIENCE", 20.0)
    monkeypatch.setattr(opened.messages, "find", look_and_learn)
    assert call("POST", "/messages/3EB0AA/action/unreaction", json=BODY).status_code == 200
    key = Key(chat=CHAT, id="3EB0AA", from_me=True, timestamp=1_700_000_000)
    assert ordered == [commands.React(key=key, emoji="")]
    monkeypatch.setattr(acting, "PATIENCE", 0.02)
    assert call("POST", "/messages/3EB0BB/action/unreaction", json=BODY).status_code == 200
    assert ordered[1:] == [commands.React(key=Key(chat=CHAT, id="3EB0BB", from_me=False), emoji="")]


def test_a_chat_by_its_hidden_identity(
    call: Call, opened: Store, admin: Account, session: SessionRecord, ordered: list[commands.Command]
) -> None:
    """It is stored under the number, and found (quirk Q33)."""
    opened.contacts.put(session.ulid, [ContactNews(jid=LID, pn=CHAT, lid=LID)])
    opened.messages.put(session.ulid, [message("M1", from_me=True)])
    call("POST", "/messages/M1/action/star", json={**BODY, "to": LID})
    call("POST", "/messages/action/archive", json={**BODY, "to": LID})
    key = Key(chat=LID, id="M1", from_me=True, timestamp=1_700_000_000)
    assert ordered == [
        commands.Star(key=key, starred=True), commands.ArchiveChat(chat=LID, archived=True, last=key)
    ]  # fmt: skip
    known, chat = opened.messages.get(admin, session.ulid, CHAT, "M1"), opened.chats.get(admin, session.ulid, CHAT)
    assert known and known.starred and chat and chat.archived
    assert opened.chats.get(admin, session.ulid, LID) is None


def test_somebody_elses_message_cannot_be_edited(
    call: Call, opened: Store, session: SessionRecord, ordered: list[commands.Command]
) -> None:
    opened.messages.put(session.ulid, [message("M1", from_me=False)])
    answer = call("POST", "/messages/M1/action/edit", json=BODY)
    assert (answer.status_code, answer.json["code"], ordered) == (403, 4001, [])


def test_read_marks(call: Call, opened: Store, admin: Account, session: SessionRecord, ordered: Any) -> None:
    """To whoever wrote it; the newest makes the chat read, an older one does not; our own need none."""
    known = [message("M1", from_me=False, chat=GROUP, sender=AUTHOR), message("M2", from_me=True, chat=GROUP)]
    known.append(message("M3", from_me=False, chat=GROUP, sender=AUTHOR, ts=1_700_000_005))
    opened.messages.put(session.ulid, known, live=True)
    for id, unread in (("M1", 2), ("M2", 2), ("M3", 0)):
        assert call("POST", f"/messages/{id}/action/mark-as-read", json={**BODY, "to": GROUP}).status_code == 200
        chat = opened.chats.get(admin, session.ulid, GROUP)
        assert chat and chat.unread == unread
    assert ordered == [commands.MarkRead(chat=GROUP, ids=(id,), sender=AUTHOR) for id in ("M1", "M3")]
    answer = call("POST", "/messages/M4/action/mark-as-read", json={**BODY, "to": GROUP})
    assert (answer.status_code, answer.json["code"]) == (404, 2601)


def test_a_message_goes(call: Call, opened: Store, admin: Account, session: SessionRecord, ordered: Any) -> None:
    opened.messages.put(session.ulid, [message("M1", from_me=False), message("M2", from_me=True)])
    call("DELETE", "/messages/M1/action/delete", json={**BODY, "withMedia": "false"})
    call("POST", "/messages/M2/action/revoke", json={**BODY, "deleteForMe": "true"})
    theirs, mine = (Key(chat=CHAT, id=id, from_me=id == "M2", timestamp=1_700_000_000) for id in ("M1", "M2"))
    assert ordered == [
        commands.DeleteForMe(key=theirs, with_media=False), commands.Revoke(key=mine), commands.DeleteForMe(key=mine)
    ]  # fmt: skip
    assert opened.messages.count(admin, session.ulid) == 0


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [(None, 60), ("", 60), (1, 1), ("90", 90), (0, 1), (-5, 1), (1e9, 43_200), ("2.0", 2)],
)
def test_how_long_a_chat_is_muted(
    call: Call, opened: Store, admin: Account, session: SessionRecord, ordered: Any, duration: Any, minutes: int
) -> None:
    before = int(time.time())
    assert call("POST", "/messages/action/mute", json={**BODY, "duration": duration}).status_code == 200
    (command,) = ordered
    assert before + minutes * 60 <= command.until <= time.time() + minutes * 60
    chat = opened.chats.get(admin, session.ulid, CHAT)
    assert chat and chat.muted_until == command.until


@pytest.mark.parametrize("duration", ["long", [], {}, "nan", "inf", True])
def test_what_is_no_time(call: Call, session: SessionRecord, duration: Any) -> None:
    answer = call("POST", "/messages/action/mute", json={**BODY, "duration": duration})
    assert (answer.status_code, answer.json["code"]) == (400, 2002)


def test_a_chat(call: Call, opened: Store, admin: Account, session: SessionRecord, ordered: Any) -> None:
    """Muted, archived, cleared: ordered with the newest message, and known here."""
    opened.messages.put(session.ulid, [message("M1", from_me=False), message("M2", from_me=True, ts=1_700_000_005)])
    opened.chats.put(session.ulid, [ChatNews(jid=CHAT, muted_until=2_000_000_000, pinned=True)])
    last = Key(chat=CHAT, id="M2", from_me=True, timestamp=1_700_000_005)
    for method, action, status, command, expected in (
        ("POST", "unmute", "unmuted", commands.MuteChat(chat=CHAT, until=0), (0, False, True)),
        ("POST", "archive", "archived", commands.ArchiveChat(chat=CHAT, archived=True, last=last), (0, True, False)),
        (
            "POST", "unarchive", "unarchived", commands.ArchiveChat(chat=CHAT, archived=False, last=last),
            (0, False, False),
        ),
        ("DELETE", "clear-all", "cleared", commands.ClearChat(chat=CHAT, last=last), (0, False, False)),
    ):  # fmt: skip
        answer = call(method, f"/messages/action/{action}", json=BODY)
        assert answer.json == {
            "status": True, "code": 1000, "message": f"Chat {status}",
            "results": [
                {
                    "sessionId": "s", "phone": "628111", "to": "628222", "toJid": CHAT,
                    "status": f"chat {status} success", "synced": True,
                }
            ],
        }  # fmt: skip
        chat = opened.chats.get(admin, session.ulid, CHAT)
        assert chat and (chat.muted_until, chat.archived, chat.pinned) == expected
        assert ordered.pop() == command
    assert opened.messages.count(admin, session.ulid) == 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("M1/action/reaction", 502, 4005),
        ("M1/action/unreaction", 502, 4005),
        ("M1/action/revoke", 502, 4000),
        ("M1/action/edit", 403, 4001),
        ("M1/action/star", 500, 8000),
        ("action/archive", 500, 8000),
    ],
)
def test_what_whatsapp_refuses(
    call: Call, opened: Store, admin: Account, session: SessionRecord, session_answers: Any,
    path: str, status: int, code: int,
) -> None:  # fmt: skip
    """With the code of the route; nothing changes here."""
    opened.messages.put(session.ulid, [message("M1", from_me=True)])
    session_answers(session, lambda **_: refused(WhatsAppRefused("WhatsApp refused: 463")))
    answer = call("POST", f"/messages/{path}", json=BODY)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (status, code, None)
    known, chat = opened.messages.get(admin, session.ulid, CHAT, "M1"), opened.chats.get(admin, session.ulid, CHAT)
    assert known and not known.starred and chat and not chat.archived


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotConnected("The session is reconnecting."), 404, 1101),
        (InvalidInput("The recipient is not on WhatsApp."), 400, 2000),
        (CommandTimeout("No answer."), 202, 1002),
    ],
)
def test_other_errors_are_those_of_all_routes(
    call: Call, session: SessionRecord, session_answers: Any, error: WarestError, status: int, code: int
) -> None:
    """Quirk Q29: an edit that found the session gone was never forbidden."""
    session_answers(session, lambda **_: refused(error))
    answer = call("POST", "/messages/M1/action/edit", json=BODY)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_what_only_stays_here(
    call: Call, opened: Store, admin: Account, session: SessionRecord, session_answers: Any
) -> None:
    session_answers(session, lambda **_: answered({"synced": False}))
    answer = call("POST", "/messages/action/archive", json=BODY)
    assert (answer.status_code, answer.json["results"][0]["synced"]) == (200, False)
    chat = opened.chats.get(admin, session.ulid, CHAT)
    assert chat and chat.archived


def test_another_tenants_messages_are_not_seen(
    call: Call, opened: Store, online: Any, user: Account, session: SessionRecord, ordered: Any
) -> None:
    theirs = online(user, "theirs")
    opened.messages.put(theirs.ulid, [message("M1", from_me=True)])
    assert call("POST", "/messages/M1/action/star", json={**BODY, "sessionId": "theirs"}).json["code"] == 1101
    call("POST", "/messages/M1/action/star", json=BODY)
    assert ordered == [commands.Star(key=Key(chat=CHAT, id="M1", from_me=False), starred=True)]

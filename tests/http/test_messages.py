"""/api/v1/messages/send: how a request becomes a command, and its outcome an answer."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from support.waiting import eventually
from warest import commands, keys
from warest.bus import answered, refused
from warest.commands import SendText
from warest.config.house import House
from warest.errors import (
    CommandTimeout,
    InvalidInput,
    LoggedOut,
    NotConnected,
    RateLimited,
    Unsupported,
    WarestError,
    WhatsAppRefused,
)
from warest.http import sessions as http_sessions
from warest.http.errors import Refusal
from warest.store import Account, ChatNews, Message, SessionRecord, Store

Call = Callable[..., testing.Result]

SENT = {
    "to": "628222@s.whatsapp.net", "to_pn": "628222@s.whatsapp.net", "to_lid": "5@lid", "message_id": "3EB0",
    "timestamp": 1_700_000_000, "sender": "628111",
}  # fmt: skip


@pytest.fixture
def session(online: Callable[[Account, str], SessionRecord], admin: Account) -> SessionRecord:
    return online(admin, "s")


@pytest.fixture
def ordered(session: SessionRecord, session_answers: Any) -> list[commands.Command]:
    """The commands that came to the session's process, which answers that it has sent."""
    seen: list[commands.Command] = []

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        decoded = commands.decode(command)
        seen.append(decoded)
        assert isinstance(decoded, SendText)
        return answered([{**SENT, "to": to} for to in decoded.to])

    session_answers(session, execute)
    return seen


def test_a_text(call: Call, ordered: list[commands.Command]) -> None:
    """The command, and the entry of the contract with both identities beside it (decision 18)."""
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "08222", "message": "<b>hi</b>"})
    assert ordered == [SendText(to=("628222@s.whatsapp.net",), text="*hi*")]
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (200, 1000, "Text message sent")
    assert answer.json["results"] == [
        {
            "phone": "628111", "to": "628222", "toJid": "628222@s.whatsapp.net", "toPn": "628222@s.whatsapp.net",
            "toLid": "5@lid", "contactId": "5@lid", "messageId": "3EB0", "status": "text success",
            "timestamp": 1_700_000_000, "advancedInfo": {"isForwarded": False, "quotedMessageId": None},
        }
    ]  # fmt: skip


def test_everything_that_can_be_said(call: Call, ordered: list[commands.Command]) -> None:
    """Mentions from the text and beside it, a reply, a forward; all of it comes back."""
    body = {
        "sessionId": "s", "to": ["08222", "9@lid"], "message": "@628333 and @12345", "mentions": ["628444"],
        "replyMessageId": "Q1", "isForwarded": True,
    }  # fmt: skip
    answer = call("POST", "/messages/send/text", json=body)
    mentions = ("628333@s.whatsapp.net", "628444@s.whatsapp.net")
    to = ("628222@s.whatsapp.net", "9@lid")
    assert ordered == [
        SendText(to=to, text="@628333 and @12345", mentions=mentions, reply_to="Q1", forwarded=True),
    ]
    assert answer.json["message"] == "Text message sent (2 recipients)"
    assert [entry["toJid"] for entry in answer.json["results"]] == list(to)
    assert answer.json["results"][0]["advancedInfo"] == {
        "isForwarded": True, "quotedMessageId": "Q1", "mentions": list(mentions),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("to", "jids"),
    [
        ("628222", ["628222@s.whatsapp.net"]),
        (628222, ["628222@s.whatsapp.net"]),
        (628222.0, ["628222@s.whatsapp.net"]),
        ("628222,628333;628222", ["628222@s.whatsapp.net", "628333@s.whatsapp.net"]),
        (["628222", [628333, "1@g.us"]], ["628222@s.whatsapp.net", "628333@s.whatsapp.net", "1@g.us"]),
        ('["628222@s.whatsapp.net", "1@g.us"]', ["628222@s.whatsapp.net", "1@g.us"]),
        (["", None, True, {}, "x", "628222"], ["628222@s.whatsapp.net"]),
    ],
)
def test_recipients(call: Call, ordered: list[commands.Command], to: Any, jids: list[str]) -> None:
    """Strings, numbers, lists of them and lists of lists (contract, endpoints.md 0.7; quirk Q12)."""
    assert call("POST", "/messages/send/text", json={"sessionId": "s", "to": to, "message": "x"}).status_code == 200
    assert [command.to for command in ordered if isinstance(command, SendText)] == [tuple(jids)]


@pytest.mark.parametrize("name", ["to", "jid", "target", "number"])
@pytest.mark.parametrize("text", ["message", "text"])
def test_other_names(call: Call, ordered: list[commands.Command], name: str, text: str) -> None:
    """For recipient and text, in the body and in the query of a GET."""
    assert call("POST", "/messages/send/text", json={"sessionId": "s", name: "628222", text: "x"}).status_code == 200
    query = {"sessionId": "s", name: "628222", text: "x", "quotedMessageId": "null", "forwarded": "1"}
    assert call("GET", "/messages/send/text", params=query).status_code == 200
    assert ordered == [
        SendText(to=("628222@s.whatsapp.net",), text="x"),
        SendText(to=("628222@s.whatsapp.net",), text="x", forwarded=True),
    ]


@pytest.mark.parametrize(
    ("given", "meant"),
    [(True, True), ("true", True), ("1", True), (1, True), ("Yes", True), ("on", True), (False, False),
     ("false", False), ("", False), (None, False), ("perhaps", False), ([], False), (0, False)],
)  # fmt: skip
def test_flags(call: Call, ordered: list[commands.Command], given: Any, meant: bool) -> None:
    """Every way to say yes; whatever else is no, and never an error."""
    body = {"sessionId": "s", "to": "628222", "message": "x", "isForwarded": given}
    assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert ordered == [SendText(to=("628222@s.whatsapp.net",), text="x", forwarded=meant)]


@pytest.mark.parametrize("text", ["a\0b", "\u2028", "😀" * 10, "\ufeff", "x" * 65536, "٣", "@٣٤٥٦٧٨٩", " "])
def test_odd_texts_arrive_as_they_are(call: Call, ordered: list[commands.Command], text: str) -> None:
    """To the letter, through JSON, Redis and Dramatiq."""
    assert (
        call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": text}).status_code == 200
    )
    assert ordered == [SendText(to=("628222@s.whatsapp.net",), text=text)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Parameter 'to' is required"),
        ({"to": "", "message": "x"}, "Parameter 'to' is required"),
        ({"to": {"a": 1}, "message": "x"}, "Parameter 'to' is required"),
        ({"to": [], "message": "x"}, "Parameter 'to' is required"),
        ({"to": "628222"}, "Parameter 'message' is required"),
        ({"to": "628222", "message": ""}, "Parameter 'message' is required"),
        ({"to": "628222", "message": ["x"]}, "Parameter 'message' is required"),
        ({"to": "nobody", "message": "x"}, "Invalid 'to' value"),
        ({"to": "@s.whatsapp.net", "message": "x"}, "Invalid 'to' value"),
    ],
)
def test_what_is_missing(call: Call, session: SessionRecord, body: dict[str, Any], message: str) -> None:
    """400/1100, and which parameter."""
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", **body})
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (400, 1100, message)


def test_the_session_is_checked_first(call: Call) -> None:
    """Before the parameters, whatever they are."""
    assert call("POST", "/messages/send/text", json={"sessionId": "x", "to": {}, "message": []}).json["code"] == 1101


@pytest.mark.parametrize("phone", ["628111", "+62 8111", 628111])
def test_a_session_by_its_number(call: Call, ordered: list[commands.Command], phone: Any) -> None:
    """Of the caller's own open ones (quirk Q14)."""
    body = {"phone": phone, "to": "628222", "message": "x"}
    assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert call("POST", "/messages/send/text", json={**body, "phone": "628112"}).status_code == 404


def test_somebody_elses_number(call: Call, online: Any, user: Account) -> None:
    """It finds nothing."""
    online(user, "theirs")
    body = {"phone": "628111", "to": "628222", "message": "x"}
    assert call("POST", "/messages/send/text", json=body).json["code"] == 1101


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (NotConnected("The session is reconnecting."), 404, 1101, "Session not found"),
        (LoggedOut("gone"), 404, 1101, "Session not found"),
        (WhatsAppRefused("WhatsApp refused: 463"), 502, 3002, "WhatsApp refused: 463"),
        (InvalidInput("The recipient is not on WhatsApp."), 400, 2000, "The recipient is not on WhatsApp."),
        (Unsupported("The engine cannot."), 501, 8005, "The engine cannot."),
        (RateLimited("Slowly.", retry_after=7), 429, 2400, "Slowly."),
        (WarestError("a detail"), 500, 8000, "Internal server error"),
    ],
)
def test_what_the_session_refuses(
    call: Call, session: SessionRecord, session_answers: Any, error: WarestError, status: int, code: int, message: str
) -> None:
    """The error of the session's process in the envelope of the route."""
    session_answers(session, lambda **_: refused(error))
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": "x"})
    assert (answer.status_code, answer.json) == (
        status, {"status": False, "code": code, "message": message, "results": None},
    )  # fmt: skip
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


def test_an_unknown_outcome(call: Call, session: SessionRecord, session_answers: Any) -> None:
    """202 with the id of the job: it is not an error, and must not be tried again blindly."""
    session_answers(session, lambda **_: refused(CommandTimeout("It may have been sent.")))
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": "x"})
    assert (answer.status_code, answer.json["status"], answer.json["code"]) == (202, True, 1002)
    (job,) = answer.json["results"]
    assert job["jobId"].startswith("cmd_") and job["status"] == "pending"


def test_an_actor_that_breaks(call: Call, session: SessionRecord, session_answers: Any) -> None:
    """500 at once, not a wait until the time is up."""

    def execute(**_: Any) -> Any:
        raise RuntimeError("a detail of the inside")

    session_answers(session, execute)
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": "x"})
    assert (answer.status_code, answer.json["message"]) == (500, "Internal server error")


@pytest.mark.parametrize("state", ["starting", "connecting", "reconnecting", "crashed"])
def test_a_session_that_comes_back_is_waited_for(
    call: Call, ordered: list[commands.Command], session: SessionRecord, parts: House, state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It was open a moment ago: its process died, or another host takes it."""
    monkeypatch.setattr(http_sessions, "BACK_PATIENCE", 10)
    parts.states.put(session.ulid, state=state)
    back = threading.Timer(0.3, lambda: parts.states.put(session.ulid, state="open"))
    back.start()
    assert call("POST", "/messages/send/text", json={"sessionId": "s", "to": "1", "message": "x"}).status_code == 200
    back.join()


@pytest.mark.parametrize(
    ("state", "me"), [("qr", True), ("stopped", True), ("logged_out", True), ("connecting", False)]
)
def test_one_that_does_not_is_not(
    call: Call, session: SessionRecord, parts: House, state: str, me: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_sessions, "BACK_PATIENCE", 60)
    parts.states.put(session.ulid, state=state, **({} if me else {"me": None}))
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "1", "message": "x"})
    assert (answer.status_code, answer.json["code"]) == (404, 1101)


def test_only_so_many_wait(
    call: Call, session: SessionRecord, parts: House, opened: Store, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest hears at once, and the web has threads left for others."""
    monkeypatch.setattr(http_sessions, "BACK_PATIENCE", 10)
    monkeypatch.setattr(http_sessions, "WAITERS", 2)
    parts.states.put(session.ulid, state="reconnecting")
    access = http_sessions.SessionAccess(opened, parts.states)
    heard: list[str] = []

    def ask(name: str) -> None:
        try:
            access.open(admin, "s", None)
            heard.append(f"{name} open")
        except Refusal:
            heard.append(f"{name} refused")

    threads = [threading.Thread(target=ask, args=["waiter"]) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: access._waiters._value == 0)
    ask("third")
    parts.states.put(session.ulid, state="open")
    for thread in threads:
        thread.join()
    assert heard == ["third refused", "waiter open", "waiter open"]


def test_a_long_text(call: Call, ordered: list[commands.Command]) -> None:
    """Up to what WhatsApp takes."""
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": "x" * 65_537})
    assert (answer.status_code, answer.json["code"]) == (400, 3015) and ordered == []
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "628222", "message": "x" * 65_536})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        *((yes, "composing") for yes in (True, 1, 0.5, "1", "yes", "on", "please", " Typing ", "text", "compose")),
        *((word, "recording") for word in ("recording", "rec", "audio", "voice", "mic", "microphone", "ptt")),
        *((word, "available") for word in ("available", "ONLINE")),
        *((word, "unavailable") for word in ("unavailable", "offline")),
        ("paused", "paused"),
        *((no, "") for no in (None, False, 0, -1, "", "0", "false", "No", "off")),
        ([], ""),
    ],
)
def test_presence(call: Call, ordered: list[Any], given: Any, shown: str) -> None:
    """In all the words for it (contract, endpoints.md 0.7)."""
    body = {"sessionId": "s", "to": "628222", "message": "x", "presence": given}
    assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert ordered[0].presence == shown


@pytest.mark.parametrize(
    "body",
    [
        {"mentions": "all"},
        {"mentions": ["ALL", "628333"]},
        {"mentionAll": True},
        {"mentionAll": "1", "mentions": "628333"},
    ],
)
def test_everybody_is_named(call: Call, ordered: list[Any], body: dict[str, Any]) -> None:
    """By the session, which knows who that is."""
    answer = call("POST", "/messages/send/text", json={"sessionId": "s", "to": "1@g.us", "message": "x", **body})
    assert ordered[0].mention_all and answer.json["results"][0]["advancedInfo"]["mentionAll"] is True
    assert ordered[0].mentions == (("628333@s.whatsapp.net",) if "628333" in str(body) else ())


def note(chat: str, id: str, **more: Any) -> Message:
    raw = {"key": {"id": id}, "message": {"conversation": f"in {chat}"}}
    return Message(**{"chat": chat, "id": id, "from_me": False, "ts": 5, "sender": "9@lid", "raw": raw, **more})


TO, OTHER = "628222@s.whatsapp.net", "628333@s.whatsapp.net"


def test_the_quoted_message(call: Call, ordered: list[Any], opened: Store, session: SessionRecord) -> None:
    """The one in the chat that the answer goes to, if several have this id; none that was deleted or is not known."""
    known = [note(TO, "A"), note(OTHER, "A", ts=9), note(OTHER, "B"), note(TO, "C", deleted=True)]
    opened.messages.put(session.ulid, known)
    for id in ("A", "B", "C", "D"):
        body = {"sessionId": "s", "to": TO, "message": "x", "quotedMessageId": id}
        assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert [command.quoted for command in ordered] == [
        {"chat": TO, "participant": "9@lid", "message": {"conversation": f"in {TO}"}},
        {"chat": OTHER, "participant": "9@lid", "message": {"conversation": f"in {OTHER}"}},
        None,
        None,
    ]
    assert [command.reply_to for command in ordered] == ["A", "B", "C", "D"]


def test_messages_that_disappear(call: Call, ordered: list[Any], opened: Store, session: SessionRecord) -> None:
    """The command says in which of its chats, and when."""
    opened.chats.put(session.ulid, [ChatNews(jid=TO, ephemeral=86400), ChatNews(jid=OTHER)])
    body = {"sessionId": "s", "to": [TO, OTHER, "1@g.us"], "message": "x"}
    assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert ordered[0].expirations == {TO: 86400}


def test_a_link_preview(call: Call, ordered: list[Any], parts: House, serve: Any) -> None:
    """A worker makes it before the session gets the text; of a text without a link there is none."""
    seen: list[Any] = []

    def prepare(session: str, command_id: str, command: dict[str, Any], **_: Any) -> None:
        seen.append(order := commands.decode(command))
        parts.bus.give(session, command_id, order)

    serve(keys.MEDIA_QUEUE, "prepare_file", prepare)
    for text in ("look (https://x.id/a?b=1).", "no link"):
        body = {"sessionId": "s", "to": TO, "message": text, "linkPreview": True}
        assert call("POST", "/messages/send/text", json=body).status_code == 200
    assert [command.link for command in seen] == ["https://x.id/a?b=1"]
    assert [command.link for command in ordered] == ["https://x.id/a?b=1", ""]

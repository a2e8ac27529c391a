"""What sessions tell of their chats is written down in order, and one bad note holds nothing up."""

from typing import Any

import pytest

from warest import keys
from warest.actors.history import History
from warest.config.house import House
from warest.errors import DriverError
from warest.store import Account, Store

CHAT = "628222@s.whatsapp.net"


@pytest.fixture
def admin(opened: Store) -> Account:
    account = opened.account_by_key("admin-key-of-the-tests")
    assert account is not None
    return account


@pytest.fixture
def session(opened: Store, admin: Account) -> str:
    return opened.create_session(admin, "ani").ulid


def said(id: str, text: str = "hello", **fields: Any) -> dict[str, Any]:
    raw = {"key": {"remoteJid": CHAT, "id": id}, "message": {"conversation": text}}
    note = {
        "do": "message", "chat": CHAT, "id": id, "fromMe": False, "ts": 100, "sender": CHAT, "recipient": "628111",
        "type": "conversation", "isMedia": False, "body": text, "raw": raw, "pn": CHAT, "lid": "5@lid",
        "notify": "Budi", "live": True,
    }  # fmt: skip
    return note | fields


def edited(id: str, text: str, own: str = "E1") -> dict[str, Any]:
    content = {"conversation": text}
    return {"do": "edit", "chat": CHAT, "id": id, "by": CHAT, "at": 200, "own": own, "message": content}


def test_in_the_order_in_which_it_was_told(parts: House, opened: Store, admin: Account, session: str) -> None:
    """A message, its edit, its reaction; told twice, nothing changes."""
    history = History(parts, opened)
    reaction = {"do": "reaction", "chat": CHAT, "id": "1", "by": CHAT, "at": 300, "own": "R1", "emoji": "x"}
    for _ in range(2):
        parts.bus.remember(session, said("1"), edited("1", "hi"), reaction, said("2"))
        history.remember(session)
    message = opened.messages.get(admin, session, CHAT, "1")
    assert message and (message.body, message.edited) == ("hi", True)
    assert message.raw["meta"]["reactions"] == [{"from": CHAT, "emoji": "x", "timestamp": 300}]
    assert message.raw["meta"]["messageBeforeEdit"] == {"conversation": "hello"}
    assert len(message.raw["meta"]["editEvents"]) == 1
    chat = opened.chats.get(admin, session, CHAT)
    assert chat and chat.unread == 2
    contact = opened.contacts.find(admin, session, CHAT)
    assert contact and (contact.lid, contact.notify) == ("5@lid", "Budi")
    assert parts.redis.xlen(keys.notes(session)) == 0


def test_a_note_that_cannot_be_written(parts: House, opened: Store, admin: Account, session: str) -> None:
    """It becomes a dead letter; those beside it and behind it are written."""
    bad = said("2")
    del bad["body"]
    parts.bus.remember(session, said("1"), bad, said("3"), {"do": "hologram", "chat": CHAT, "id": "1"})
    History(parts, opened).remember(session)
    found = {message.id for message in opened.messages.page(admin, session, CHAT, limit=9).rows}
    assert found == {"1", "3"}
    assert [letter.reason for letter in parts.broker.dead_letters(keys.HISTORY_QUEUE)] == [
        "KeyError: 'hologram'", "KeyError: 'body'",
    ]  # fmt: skip


def test_a_session_that_was_deleted(parts: House, opened: Store, admin: Account, session: str) -> None:
    """Its notes go, and nothing is a dead letter."""
    opened.delete_session(admin, session)
    parts.bus.remember(session, said("1"))
    History(parts, opened).remember(session)
    assert parts.redis.xlen(keys.notes(session)) == 0 and parts.broker.dead_letters(keys.HISTORY_QUEUE) == []


def test_a_database_that_is_away(parts: House, opened: Store, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything waits for it."""

    def away(*_: object, **__: object) -> None:
        raise DriverError("away")

    parts.bus.remember(session, said("1"))
    with monkeypatch.context() as patched:
        patched.setattr(opened.messages, "put", away)
        with pytest.raises(DriverError):
            History(parts, opened).remember(session)
    assert parts.redis.xlen(keys.notes(session)) == 1
    History(parts, opened).remember(session)
    assert parts.redis.xlen(keys.notes(session)) == 0

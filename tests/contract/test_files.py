"""The files of incoming messages, the same on every database."""

from dataclasses import replace

import pytest

from warest.errors import NotFound
from warest.ids import new_ulid
from warest.store import Account, MessageFile, Store

CHAT = "628111@s.whatsapp.net"

FILE = MessageFile(
    chat=CHAT, message="M1", kind="imageMessage", mime_type="image/jpeg", name="a\0b", size=2**40,
    source={"url": "x" * 3000}, state="pending", reason="why", tries=1,
)  # fmt: skip


def test_a_file_is_kept_and_changes(opened: Store, admin: Account, session: str) -> None:
    """Every field; what no database can hold costs nothing else."""
    opened.files.put(session, FILE)
    kept = opened.files.find(admin, session, "M1")
    assert kept and replace(kept, created_at=0.0, updated_at=0.0) == replace(FILE, name="a\ufffdb")
    opened.files.put(session, replace(kept, state="stored", told="stored", storage_key="a/key", name="n" * 999))
    now = opened.files.of_message(session, CHAT, "M1")
    assert now and (now.state, now.told, now.storage_key, now.name) == ("stored", "stored", "a/key", "n" * 255)
    assert now.created_at == kept.created_at and now.updated_at > kept.updated_at


def test_only_a_chat_and_an_id_are_one_message(opened: Store, admin: Account, session: str) -> None:
    """By its id alone, the newest is found."""
    opened.files.put(session, FILE)
    opened.files.put(session, replace(FILE, chat="other", name="newer"))
    found = opened.files.find(admin, session, "M1")
    assert found and found.chat == "other"
    assert opened.files.of_message(session, CHAT, "M2") is None and opened.files.find(admin, session, "x" * 999) is None


def test_somebody_elses_files(opened: Store, admin: Account, other: Account, session: str) -> None:
    """They are none; and they go with their session, for which none comes any more."""
    opened.files.put(session, FILE)
    assert opened.files.find(other, session, "M1") is None
    opened.delete_session(admin, session)
    assert opened.files.of_message(session, CHAT, "M1") is None
    for gone in (session, new_ulid()):
        with pytest.raises(NotFound):
            opened.files.put(gone, FILE)

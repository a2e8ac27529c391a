"""Pony entities: one class a table, as warest/migrations creates them. Only warest/store uses them.

Pony binds entities to one database object for good, so `define` makes both anew: a process may hold several stores.
docs/data.md says what each table is for. Texts that people wrote are kept as they are: Pony would strip them.
"""

from dataclasses import dataclass
from typing import Any

from pony.orm import Database, LongStr, Optional, PrimaryKey, Required, composite_key

Row = Any  # Pony publishes no types

#: Length of an id of ours, characters.
ID = 26

#: Longest address or name of a message, characters; four such columns still fit into a key of MySQL.
KEY = 191

#: Longest name of a person, URL aside.
NAME = 255


@dataclass(frozen=True)
class Entities:
    db: Any
    User: Any
    ApiKey: Any
    Session: Any
    Chat: Any
    Contact: Any
    Group: Any
    GroupMember: Any
    Message: Any
    File: Any
    Send: Any
    Endpoint: Any
    Delivery: Any
    Attempt: Any
    Reaction: Any
    Audit: Any
    Event: Any
    StreamCursor: Any


def define() -> Entities:
    db = Database()
    parts = (
        _accounts, _sessions, _chats, _groups, _messages, _files, _sends, _webhooks, _reactions, _audit, _events,
    )  # fmt: skip
    for part in parts:
        part(db)
    return Entities(db, **db.entities)


def _text(**options: Any) -> Any:
    """A text of any length; none is empty."""
    return Optional(LongStr, lazy=False, autostrip=False, **options)


def _short(length: int, **options: Any) -> Any:
    """One that may be empty."""
    return Optional(str, length, autostrip=False, **options)


def _seconds() -> Any:
    """WhatsApp's times: whole epoch seconds, 0 for none."""
    return Required(int, size=64)


def _accounts(db: Any) -> None:
    class User(db.Entity):  # type: ignore[misc]
        _table_ = "users"
        id = PrimaryKey(str, ID)
        registry = Required(str, 255, unique=True)
        username = Required(str, 255, unique=True)
        password = Required(str, 255)  # a hash, see accounts.py
        api_key = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        is_admin = Required(bool)
        is_active = Required(bool, default=True)
        created_at = Required(float)
        updated_at = Required(float)
        last_login_at = Optional(float)

    class ApiKey(db.Entity):  # type: ignore[misc]
        _table_ = "api_keys"
        id = PrimaryKey(str, ID)
        registry = Required(str, 255)
        name = Required(str, 255)
        hash = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        kind = Required(str, 16)
        hint = _short(16)  # the end of the key
        scopes = _short(255)  # words with spaces between
        sessions = Optional(LongStr, lazy=False, nullable=True)  # JSON, ULIDs; none: all of the registry
        addresses = _text()  # JSON, networks
        created_at = Required(float)
        expires_at = Optional(float)
        last_used_at = Optional(float)
        last_address = _short(64)


def _sessions(db: Any) -> None:
    class Session(db.Entity):  # type: ignore[misc]
        _table_ = "sessions"
        id = PrimaryKey(str, ID)
        name = Required(str, 64, unique=True)
        registry = Required(str, 255)
        auto_start = Required(bool)
        created_at = Required(float)
        updated_at = Required(float)
        # A copy of warest/states.py, for the day on which Redis has lost everything.
        state = Required(str, 32, default="stopped")
        reason = Optional(str, NAME, nullable=True, autostrip=False)
        state_until = Optional(float)
        me = Optional(LongStr, lazy=False, nullable=True)  # JSON
        connected_at = Optional(float)
        groups_at = Optional(float)
        reject_calls = Required(bool, default=False)
        call_reply = Optional(str, 1000, autostrip=False)
        proxy = Optional(str, 2000, autostrip=False)  # encrypted (vault.py)


def _chats(db: Any) -> None:
    class Chat(db.Entity):  # type: ignore[misc]
        _table_ = "chats"
        session = Required(str, ID)
        jid = Required(str, KEY)
        PrimaryKey(session, jid)
        name = _short(NAME)
        is_group = Required(bool)
        unread = Required(int)
        archived = Required(bool)
        pinned = Required(bool)
        muted_until = _seconds()
        last_message = _text()
        last_message_ts = _seconds()
        ephemeral = Required(int)
        created_at = Required(float)
        updated_at = Required(float)

    class Contact(db.Entity):  # type: ignore[misc]
        _table_ = "contacts"
        session = Required(str, ID)
        jid = Required(str, KEY)
        PrimaryKey(session, jid)
        pn = _short(KEY)
        lid = _short(KEY)
        name = _short(NAME)
        notify = _short(NAME)
        verified_name = _short(NAME)
        is_me = Required(bool)
        is_my_contact = Required(bool)
        updated_at = Required(float)


def _groups(db: Any) -> None:
    class Group(db.Entity):  # type: ignore[misc]
        _table_ = "chat_groups"  # `groups` is a word of MySQL's
        session = Required(str, 26)
        jid = Required(str, KEY)
        PrimaryKey(session, jid)
        name = _short(NAME)
        named_at = _seconds()
        named_by = _short(KEY)
        description = _text()
        description_id = _short(KEY)
        described_at = _seconds()
        described_by = _short(KEY)
        owner = _short(KEY)
        created = _seconds()
        locked = Required(bool)
        announcement = Required(bool)
        ephemeral = Required(int)
        is_community = Required(bool)
        is_community_announce = Required(bool)
        parent = _short(KEY)
        by_lid = Required(bool)
        size = Required(int)
        asked_at = Required(float)
        members_at = Required(float)
        settles_at = Required(float)
        updated_at = Required(float)

    class GroupMember(db.Entity):  # type: ignore[misc]
        _table_ = "group_members"
        session = Required(str, 26)
        chat = Required(str, KEY)
        jid = Required(str, KEY)
        PrimaryKey(session, chat, jid)
        pn = _short(KEY)
        lid = _short(KEY)
        role = _short(16)


def _messages(db: Any) -> None:
    class Message(db.Entity):  # type: ignore[misc]
        _table_ = "messages"
        session = Required(str, ID)
        chat = Required(str, KEY)
        id = Required(str, KEY)
        PrimaryKey(session, chat, id)
        from_me = Required(bool)
        sender = _short(KEY)
        recipient = _short(KEY)
        type = _short(64)
        is_media = Required(bool)
        body = _text()
        ts = _seconds()
        raw = _text()  # JSON
        status = _short(16)
        starred = Required(bool)
        deleted = Required(bool)
        edited = Required(bool)
        created_at = Required(float)
        updated_at = Required(float)


def _files(db: Any) -> None:
    class File(db.Entity):  # type: ignore[misc]
        _table_ = "files"
        session = Required(str, ID)
        chat = Required(str, KEY)
        message = Required(str, KEY)
        PrimaryKey(session, chat, message)
        kind = _short(64)
        mime_type = _short(NAME)
        name = _short(NAME)
        size = _seconds()
        source = _text()  # JSON
        state = Required(str, 16)
        reason = _text()
        told = _short(16)
        storage_key = _text()
        tries = Required(int)
        created_at = Required(float)
        updated_at = Required(float)


def _sends(db: Any) -> None:
    class Send(db.Entity):  # type: ignore[misc]
        _table_ = "sends"
        id = PrimaryKey(str, 64)
        registry = Required(str, 255)
        session = Required(str, ID)
        recipient = _short(KEY)
        kind = _short(32)
        state = Required(str, 16)
        message = _short(KEY)  # what WhatsApp calls it; empty until it is sent
        fingerprint = _short(64)  # of the request's body
        idempotency_key = Optional(str, KEY, nullable=True, autostrip=False)
        composite_key(registry, idempotency_key)
        command = _text()  # JSON, for one that is sent later
        answer = _text()  # JSON
        error = _text()  # JSON
        send_at = Optional(float)  # none: at once
        claimed_at = Optional(float)
        created_at = Required(float)
        updated_at = Required(float)


def _webhooks(db: Any) -> None:
    class Endpoint(db.Entity):  # type: ignore[misc]
        _table_ = "endpoints"
        id = PrimaryKey(str, ID)  # that of its session, if it is the one of the contract's config
        registry = Required(str, 255)
        session = Optional(str, ID, nullable=True)  # none: of all sessions of the registry
        url = _text()
        events = _text()  # JSON; an empty list is all of them
        secrets = _text()  # JSON, the newest first
        state = Required(str, 16)
        reason = _text()
        created_at = Required(float)
        updated_at = Required(float)

    class Delivery(db.Entity):  # type: ignore[misc]
        _table_ = "deliveries"
        id = PrimaryKey(str, ID)
        event_id = Required(str, 64)
        endpoint = Required(str, ID)
        session = Required(str, ID)
        registry = Required(str, 255)
        event = Required(str, 64)
        state = Required(str, 16)
        tries = Required(int)
        next_attempt_at = Optional(float)  # none: it is held, or done
        status_code = Optional(int)
        error = _text()
        created_at = Required(float)
        updated_at = Required(float)

    class Attempt(db.Entity):  # type: ignore[misc]
        _table_ = "attempts"
        delivery = Required(str, ID)
        number = Required(int)
        PrimaryKey(delivery, number)
        at = Required(float)
        url = _text()
        status_code = Optional(int)
        latency_ms = Required(int)
        excerpt = _text()
        error = _text()


def _reactions(db: Any) -> None:
    class Reaction(db.Entity):  # type: ignore[misc]
        _table_ = "reactions"
        delivery = Required(str, ID)
        position = Required(str, KEY)  # in the answer, such as `2.then.0`
        PrimaryKey(delivery, position)
        session = Required(str, ID)
        action = _short(32)
        state = Required(str, 16)
        message = _short(KEY)
        job = _short(64)
        error = _text()
        repeatable = Required(bool)
        at = Required(float)


def _audit(db: Any) -> None:
    class Audit(db.Entity):  # type: ignore[misc]
        _table_ = "audit"
        id = PrimaryKey(str, ID)
        registry = _short(255)
        username = _short(NAME)
        key_name = _short(NAME)
        action = Required(str, 64)
        target = _short(NAME)
        address = _short(64)
        at = Required(float)
        detail = _text()  # JSON


def _events(db: Any) -> None:
    class Event(db.Entity):  # type: ignore[misc]
        _table_ = "events"
        id = PrimaryKey(int, size=64, auto=False)  # the cursor, see ids.cursor_number
        event_id = Required(str, 64)
        session = Required(str, 64)  # its public id
        registry = _short(255)
        event = Required(str, 64)
        ts_ms = Required(int, size=64)
        body = _text()

    class StreamCursor(db.Entity):  # type: ignore[misc]
        _table_ = "stream_cursors"
        stream = PrimaryKey(str, 64)
        id = Required(int, size=64)

"""What the store takes and gives about chats, contacts, messages and sends: plain dataclasses.

Times called `ts`, `..._ts` and `muted_until` are whole epoch seconds, as WhatsApp has them, 0 for none.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatNews:
    """What somebody has learned about a chat. None, and the empty name, leave what is known.

    `unread` is their number, `more_unread` is added to it.
    """

    jid: str
    name: str = ""
    unread: int | None = None
    more_unread: int = 0
    archived: bool | None = None
    pinned: bool | None = None
    muted_until: int | None = None
    last_message: str = ""
    last_message_ts: int = 0
    ephemeral: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """`ephemeral` is how long its messages stay, s; 0: for good."""

    jid: str
    name: str
    is_group: bool
    unread: int
    archived: bool
    pinned: bool
    muted_until: int
    last_message: str
    last_message_ts: int
    ephemeral: int
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNews:
    """What somebody has learned about a contact. None, and an empty text, leave what is known."""

    jid: str
    pn: str = ""
    lid: str = ""
    name: str = ""
    notify: str = ""
    verified_name: str = ""
    is_me: bool | None = None
    is_my_contact: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`notify` is the name that the contact goes by, `name` the one in our address book."""

    jid: str
    pn: str
    lid: str
    name: str
    notify: str
    verified_name: str
    is_me: bool
    is_my_contact: bool
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`status` is a word of messages.STATUSES. `created_at` and `updated_at` are the store's, whatever is put in."""

    chat: str
    id: str
    from_me: bool
    ts: int
    sender: str = ""
    recipient: str = ""
    type: str = ""
    is_media: bool = False
    body: str = ""
    raw: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    starred: bool = False
    deleted: bool = False
    edited: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSend:
    """A send that somebody asks for. `id` is the command's.

    `fingerprint` is a hash of the request: the same `idempotency_key` with another one is another request. `send_at`
    (epoch s) is for one that waits; then `command` is what to give to the session.
    """

    id: str
    session: str
    kind: str
    recipient: str = ""
    fingerprint: str = ""
    idempotency_key: str | None = None
    command: dict[str, Any] = field(default_factory=dict)
    send_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """`state` is a word of sends.NEXT; `message` what WhatsApp calls the message, empty until it is sent."""

    id: str
    registry: str
    session: str
    recipient: str
    kind: str
    state: str
    message: str
    fingerprint: str
    idempotency_key: str | None
    command: dict[str, Any]
    answer: dict[str, Any]
    error: dict[str, Any]
    send_at: float | None
    created_at: float
    updated_at: float

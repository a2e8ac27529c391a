"""What the store gives out about accounts and sessions: plain dataclasses. Chats and messages: history_records.py."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from warest.events import SessionIdentity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `registry` is the tenant that owns sessions; `only`, of a caller whose key is for some of them, is which
    (ULIDs); None: all."""

    registry: str
    username: str
    is_admin: bool
    only: frozenset[str] | None = None

    def may(self, session: str | None) -> bool:
        """Whether the key is for this session of the registry; None: for what belongs to all of them."""
        return self.only is None or session in self.only


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What was decided about a session, and how it was when that was last written down (`state` to `connected_at`).

    `ulid` is its name inside the house, `id` the one that its owner gave it. How it is just now stands in its state
    (warest/states.py); the copy here, in the same words, is for when Redis has lost it. Times are epoch seconds.
    `call_reply` is written to whose call was rejected; empty: nothing.
    """

    ulid: str
    id: str
    owner: Account
    auto_start: bool
    created_at: float
    state: str
    reason: str | None
    until: float | None
    me: dict[str, Any] | None
    connected_at: float | None
    reject_calls: bool
    call_reply: str

    @property
    def identity(self) -> SessionIdentity:
        """Who it is, in its events."""
        return SessionIdentity(
            ulid=self.ulid,
            id=self.id,
            label=self.id,
            registry=self.owner.registry,
            username=self.owner.username,
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of `total` rows."""

    rows: list[T]
    total: int


@dataclass(frozen=True, slots=True)
class Log(Generic[T]):
    """Some rows, newest first. `cursor` gets the next ones; None: there are none."""

    rows: list[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who (`registry`, `username`, `key_name`) did what to whom, from where; `at` is epoch seconds."""

    id: str
    registry: str
    username: str
    key_name: str
    action: str
    target: str
    address: str
    at: float
    detail: dict[str, Any]

"""What the store gives out: plain dataclasses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `registry` is the tenant that owns sessions."""

    registry: str
    username: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What was decided about a session; how it is just now stands in its state (warest/states.py).

    `ulid` is its name inside the house, `id` the one that its owner gave it.
    """

    ulid: str
    id: str
    owner: Account
    auto_start: bool
    webhook_url: str
    webhook_secret: str
    created_at: float

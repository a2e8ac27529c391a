"""What the store gives out about users and their keys: plain dataclasses. Times are epoch seconds."""

from dataclasses import dataclass

from warest.scopes import ALL, Scope
from warest.store.records import Account

#: The key that a user has from the first, one of those that logins make, one that somebody has made.
FIRST, LOGIN, MADE = "first", "login", "made"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """One who is not active cannot log in, and his keys open nothing; his sessions go on."""

    registry: str
    username: str
    is_admin: bool
    is_active: bool
    created_at: float
    updated_at: float
    last_login_at: float | None
    sessions: int

    @property
    def account(self) -> Account:
        return Account(self.registry, self.username, self.is_admin)


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """A key, without what it is: only its end, in `hint`. `owner.only` are the sessions that it is for, `addresses`
    the networks in which it counts; none: everywhere. `expires_at` None: never."""

    id: str
    owner: Account
    name: str
    kind: str
    hint: str
    scopes: frozenset[Scope]
    addresses: tuple[str, ...]
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    last_address: str

    @property
    def is_limited(self) -> bool:
        """Whether it opens less than a login with the owner's password does."""
        return self.owner.only is not None or self.scopes != ALL

"""Users and their keys, the same on every database."""

import time

import pytest

from support.threads import at_once
from warest import accounts, scopes
from warest.errors import Conflict, InvalidInput, NotAllowed, NotFound
from warest.scopes import Scope
from warest.store import Account, NewSend, Store
from warest.store.api_keys import MOST, NOTED_EVERY


def test_users(opened: Store, admin: Account) -> None:
    made = accounts.add_user(opened, "Ani 🙂", "a long password")
    assert made.account == Account(made.registry, "Ani 🙂", False) and made.is_active and made.sessions == 0
    assert opened.users.get(made.registry) == opened.users.named("Ani 🙂") == made
    assert opened.users.get("nobody") is opened.users.named("nobody\0") is opened.users.named("x" * 999) is None
    page = opened.users.page(limit=1, offset=1)
    assert page.total == 2 and [each.username for each in page.rows] == ["boss"]
    with pytest.raises(Conflict, match="taken"):
        accounts.add_user(opened, "boss", "a long password")
    with pytest.raises(Conflict, match="taken"):
        opened.users.change(made.registry, username="boss")
    with pytest.raises(NotFound):
        opened.users.change("nobody", is_admin=True)
    assert accounts.log_in(opened, "Ani 🙂", "a long password") == made.account
    changed = opened.users.change(made.registry, username="Ani", is_admin=True, is_active=False)
    assert (changed.username, changed.is_admin, changed.is_active) == ("Ani", True, False)
    assert changed.last_login_at and accounts.log_in(opened, "Ani", "a long password") is None
    assert opened.account(made.registry) is None


def test_a_user_goes_with_all_that_is_his(opened: Store, admin: Account, other: Account) -> None:
    record = opened.create_session(other, "one")
    opened.api_keys.make(other.registry, "made", name="x")
    opened.endpoints.create(other, None, url="https://example.com")
    with pytest.raises(Conflict, match="1 sessions"):
        opened.users.remove(other.registry)
    opened.delete_session(other, record.ulid)
    opened.users.remove(other.registry)
    assert opened.account_by_key("made") is None and opened.endpoints.of(other) == []
    with pytest.raises(NotFound):
        opened.users.remove(other.registry)


def test_keys(opened: Store, admin: Account, other: Account) -> None:
    """What a key was made with comes back with it, as long as it is valid."""
    record = opened.create_session(other, "one")
    made = opened.api_keys.make(
        other.registry,
        "a key that ends in 1234",
        name="for n8n",
        scopes={Scope.SEND, Scope.READ},
        sessions=[record.ulid],
        addresses=["10.0.0.0/8"],
        expires_at=time.time() + 60,
    )
    assert opened.api_keys.holder("a key that ends in 1234") == made
    assert made.owner == Account("TENANT", "user", False, frozenset({record.ulid})) and made.is_limited
    assert (made.hint, made.kind, made.addresses) == ("1234", "made", ("10.0.0.0/8",))
    assert made.scopes == {Scope.READ, Scope.SEND}
    first = opened.api_keys.holder("user key")
    assert first and first.kind == "first" and not first.is_limited and first.scopes == scopes.ALL
    assert opened.api_keys.of(other.registry) == [made, first] and opened.api_keys.of("nobody") == []
    opened.api_keys.make(other.registry, "over", name="x", expires_at=time.time() - 1)
    assert opened.api_keys.holder("over") is None and len(opened.api_keys.of(other.registry)) == 3
    with pytest.raises(NotFound):
        opened.api_keys.make("nobody", "x", name="x")
    with pytest.raises(Conflict):
        opened.api_keys.make(other.registry, "over", name="x")
    with pytest.raises(InvalidInput, match="admin"):
        opened.api_keys.make(other.registry, "x", name="x", sessions=[record.ulid])


def test_revoking(opened: Store, admin: Account, other: Account) -> None:
    """Once; a first key too, in whose place one comes that nobody knows. Nobody else's."""
    made = opened.api_keys.make(other.registry, "made", name="x")
    assert opened.api_keys.revoke(admin.registry, made.id) is None
    assert opened.api_keys.revoke(other.registry, made.id) == made
    assert opened.api_keys.revoke(other.registry, made.id) is opened.api_keys.holder("made") is None
    first = opened.api_keys.holder("user key")
    assert first and opened.api_keys.revoke(other.registry, first.id, instead="unknown") == first
    assert opened.api_keys.holder("user key") is None and opened.account_by_name("user") == other
    assert opened.api_keys.revoke("nobody", "x") is opened.api_keys.revoke(other.registry, "\0") is None


def test_last_use(opened: Store, admin: Account) -> None:
    """Noted, but not at each of a thousand calls a second."""
    made = opened.api_keys.make(admin.registry, "made", name="x")
    opened.api_keys.used(made, "1.2.3.4")
    noted = opened.api_keys.holder("made")
    assert noted and noted.last_address == "1.2.3.4" and noted.last_used_at and noted.last_used_at > time.time() - 60
    assert noted.last_used_at < time.time() + NOTED_EVERY
    opened.api_keys.used(noted, "5.6.7.8")
    assert opened.api_keys.holder("made") == noted


def test_the_most_keys(opened: Store, admin: Account) -> None:
    """Also when several are made at the same time."""
    for number in range(MOST - 1):
        opened.api_keys.make(admin.registry, f"key {number}", name="x")
    numbers = iter(range(1_000))
    got = at_once(lambda: _made(opened, f"more {next(numbers)}"), 4)
    assert sorted(map(bool, got)) == [False, False, False, True]


def _made(opened: Store, key: str) -> bool:
    try:
        opened.api_keys.make("admin", key, name="x")
    except Conflict:
        return False
    return True


def test_some_sessions_only(opened: Store, admin: Account) -> None:
    """Whatever belongs to others is as good as none, and so is what belongs to all."""
    one, two = opened.create_session(admin, "one"), opened.create_session(admin, "two")
    limited = Account("admin", "boss", True, frozenset({one.ulid}))
    everything = opened.endpoints.create(admin, None, url="https://example.com")
    assert [each.id for each in opened.sessions_of(limited)] == ["one"]
    assert opened.session_of(limited, "one") and opened.session_of(limited, "two") is None
    assert [each.id for each in opened.endpoints.of(limited)] == [one.ulid]
    assert [each.id for each in opened.endpoints.of(limited, one.ulid)] == [one.ulid]
    assert opened.endpoints.get(limited, everything.id) is opened.endpoints.get(limited, two.ulid) is None
    with pytest.raises(NotAllowed):
        opened.create_session(limited, "three")
    with pytest.raises(NotAllowed):
        opened.endpoints.create(limited, None, url="https://example.com")
    with pytest.raises(NotFound):
        opened.delete_session(limited, two.ulid)
    with pytest.raises(NotFound):
        opened.endpoints.change(limited, two.ulid, url="https://example.com")
    new = NewSend(id="the send", session=two.ulid, kind="text", idempotency_key="once")
    opened.sends.begin(admin, new)
    assert opened.sends.get(admin, "the send") and opened.sends.get(limited, "the send") is None
    with pytest.raises(NotFound):
        opened.sends.begin(limited, new)
    assert opened.chats.page(limited, two.ulid, limit=1).total == 0
    nobody = Account("admin", "boss", True, frozenset())
    assert not opened.sessions_of(nobody) and not opened.endpoints.of(nobody)

"""The store, the same on every database."""

import hashlib
import re
import time

import pytest

from support import databases
from support.threads import at_once
from support.waiting import eventually
from warest import accounts, store
from warest.errors import Conflict, NotFound
from warest.ids import new_ulid
from warest.proxies import LOCKED
from warest.store import Account, Store
from warest.vault import Vault

ADMIN = Account("admin", "boss", True)


def test_the_admin_is_found_by_its_key_only(opened: Store, admin: Account) -> None:
    """Neither the stored hash nor another case is a key (quirk S5)."""
    assert opened.account_by_key("the key") == admin
    for wrong in ("THE KEY", "the key ", "", "\0", "x" * 10_000, hashlib.sha256(b"the key").hexdigest()):
        assert opened.account_by_key(wrong) is None


def test_a_proxy_of_a_session(opened: Store, admin: Account, other: Account) -> None:
    """Its owner sets it, and takes it away; it is in no repr, since it may hold a password."""
    record = opened.create_session(admin, "mine")
    assert record.proxy == ""
    for url in (f"http://u:{'p' * 980}@h:1", "direct", ""):
        opened.set_proxy(admin, record.ulid, url)
        kept = opened.session_by_ulid(record.ulid)
        assert kept and kept.proxy == url and (not url or url not in repr(kept))
    with pytest.raises(NotFound):
        opened.set_proxy(other, record.ulid, "direct")


def test_a_proxy_is_encrypted(database: store.Database, opened: Store, admin: Account) -> None:
    """With the newest key, also what was kept before; without the key it is there, and cannot be read."""
    record, url = opened.create_session(admin, "mine"), "http://u:hush@h:1"
    opened.set_proxy(admin, record.ulid, url)
    one, both = Vault(lambda: ["one"]), Vault(lambda: ["two", "one"])
    for vault, count in ((one, 2), (one, 0), (both, 2)):  # the proxy, and the endpoint of its config
        again = store.open(database, vault)
        assert again.reseal() == (count, 0)
        kept = again.session_by_ulid(record.ulid)
        assert kept and kept.proxy == url
    ((text,),) = databases.execute(database, "select proxy from sessions")
    assert "hush" not in text
    without = store.open(database, Vault(lambda: ["three"]))
    locked = without.session_by_ulid(record.ulid)
    assert locked and locked.proxy == LOCKED and without.reseal() == (0, 2)


def test_seeding_again_changes_nothing(opened: Store, admin: Account) -> None:
    """Every boot of every process may do it."""
    before = opened.password_of(admin)
    accounts.seed_admin(opened, "boss", "a password", "the key")
    assert opened.password_of(admin) == before


def test_a_changed_password_counts(opened: Store, admin: Account) -> None:
    """The variable says what it is, not what it once was; it is kept as a hash."""
    accounts.seed_admin(opened, "boss", "another", "the key")
    kept = opened.password_of(admin)
    assert accounts.is_password_of(kept, "another") and not accounts.is_password_of(kept, "a password")
    assert "another" not in kept and not accounts.is_password_of("not a hash", "another")


def test_a_changed_name_or_key_keeps_the_sessions(opened: Store, admin: Account) -> None:
    """The admin is the tenant `admin`, whatever it is called (quirk Q20); the old key ends."""
    opened.create_session(admin, "mine")
    accounts.seed_admin(opened, "chief", "a password", "new key")
    account = opened.account_by_key("new key")
    assert account == Account("admin", "chief", True) and opened.account_by_key("the key") is None
    assert [record.id for record in opened.sessions_of(account)] == ["mine"]


def test_seeding_at_once(opened: Store) -> None:
    """Processes that boot together end with one admin."""
    got = at_once(lambda: accounts.seed_admin(opened, "boss", "a password", "the key"), threads=4)
    assert got == [None] * 4 and opened.account_by_key("the key") == ADMIN


def test_more_keys(opened: Store, admin: Account, other: Account) -> None:
    """Each opens its owner's account until it expires; the first key goes on."""
    soon = time.time() + 1
    opened.api_keys.add_login(other, "second", name="login", expires_at=time.time() + 60, keep=5)
    opened.api_keys.add_login(other, "short", name="login", expires_at=soon, keep=5)
    for key in ("user key", "second", "short"):
        assert opened.account_by_key(key) == other
    assert opened.account_by_key("the key") == admin and opened.account_by_key(store.key_hash("second")) is None
    eventually(lambda: time.time() >= soon)
    assert opened.account_by_key("short") is None and opened.account_by_key("second") == other


def test_the_newest_keys_are_kept(opened: Store, admin: Account, other: Account) -> None:
    """So many of each owner; nobody else's go, and nobody else gets the same key."""
    opened.api_keys.add_login(admin, "theirs", name="login", expires_at=time.time() + 60, keep=1)
    for number in range(5):
        opened.api_keys.add_login(other, f"key {number}", name="login", expires_at=time.time() + 60, keep=3)
    assert [opened.account_by_key(f"key {number}") for number in range(5)] == [None, None, other, other, other]
    assert opened.account_by_key("theirs") == admin and opened.account_by_key("user key") == other
    with pytest.raises(Conflict):
        opened.api_keys.add_login(admin, "key 4", name="login", expires_at=time.time() + 60, keep=3)
    assert opened.account_by_key("key 4") == other


def test_keys_made_at_once(opened: Store, admin: Account) -> None:
    """Nobody hears of the others, and no more stay than may."""
    made = [new_ulid() for _ in range(12)]
    names = iter(list(made))
    got = at_once(
        lambda: opened.api_keys.add_login(admin, next(names), name="login", expires_at=time.time() + 60, keep=4), 12
    )
    assert got == [None] * 12 and sum(opened.account_by_key(key) == admin for key in made) == 4


def test_accounts_are_found(opened: Store, admin: Account, other: Account) -> None:
    """By exact name and by registry."""
    assert opened.account_by_name("user") == opened.account("TENANT") == other
    assert opened.account_by_name("USER") is None and opened.account("user") is None
    opened.set_password(other, "a hash")
    assert opened.password_of(other) == "a hash" and opened.password_of(admin) != "a hash"


def test_a_session_is_found_by_both_names(opened: Store, admin: Account) -> None:
    """New ones start by themselves; names are exact."""
    made = opened.create_session(admin, "..")
    assert (made.id, made.owner, made.auto_start) == ("..", admin, True)
    assert opened.session("..") == opened.session_by_ulid(made.ulid) == made
    assert opened.session("...") is None and opened.session_by_ulid("..") is None
    opened.create_session(admin, "Case")
    assert opened.session("case") is None


def test_names_are_global(opened: Store, admin: Account, other: Account) -> None:
    """A name is taken, whoever has it (quirk W9)."""
    opened.create_session(admin, "name")
    for account in (admin, other):
        with pytest.raises(Conflict):
            opened.create_session(account, "name")


def test_one_of_those_who_create_at_once_wins(opened: Store, admin: Account) -> None:
    """The others hear that the name is taken, not that the database is broken."""
    got = at_once(lambda: opened.create_session(admin, "name"))
    assert sum(isinstance(one, Conflict) for one in got) == 7
    assert [one for one in got if not isinstance(one, Conflict)] == [opened.session("name")]


def test_a_stranger_changes_nothing(opened: Store, admin: Account, other: Account) -> None:
    """A row of another owner is as good as none, an admin's no less than a user's."""
    mine, theirs = opened.create_session(admin, "mine"), opened.create_session(other, "theirs")
    for account, ulid in ((other, mine.ulid), (admin, theirs.ulid), (admin, "nothing")):
        with pytest.raises(NotFound):
            opened.configure_calls(account, ulid, reject=True, reply="")
        with pytest.raises(NotFound):
            opened.set_auto_start(account, ulid, False)
        with pytest.raises(NotFound):
            opened.delete_session(account, ulid)
    assert opened.sessions_of(admin) == [mine] and opened.sessions_of(other) == [theirs]


def test_configuring(opened: Store, admin: Account) -> None:
    """What becomes of calls, and where events go: kept as given, and cleared for good (quirk Q3)."""
    ulid = opened.create_session(admin, "name").ulid
    opened.configure_calls(admin, ulid, reject=True, reply="\U0001f600" * 1000)
    assert (record := opened.session_by_ulid(ulid)) and record.reject_calls and len(record.call_reply) == 1000
    url = "https://example.com/" + "ä" * 3000
    opened.endpoints.change(admin, ulid, url=url, secret="s" * 255)
    made = opened.endpoints.of_config(ulid)
    assert (made.url, made.secrets[0].secret) == (url, "s" * 255)
    opened.endpoints.change(admin, ulid, url="")
    assert opened.endpoints.of_config(ulid).url == ""


def test_configuring_at_once(opened: Store, admin: Account) -> None:
    """Whoever is last has it; nobody hears of the others."""
    ulid = opened.create_session(admin, "name").ulid

    def work() -> None:
        for number in range(10):
            opened.endpoints.change(admin, ulid, url=f"u{number}", secret="")

    assert at_once(work) == [None] * 8


def test_which_sessions_start(opened: Store, admin: Account, other: Account) -> None:
    """Those of all owners that are to run; a stopped one stays down."""
    first, second = opened.create_session(admin, "first"), opened.create_session(other, "second")
    assert {record.id for record in opened.sessions_to_start()} == {"first", "second"}
    opened.set_auto_start(admin, first.ulid, False)
    assert opened.sessions_to_start() == [second]


def test_deleting(opened: Store, admin: Account) -> None:
    """The name is free again, for a session that is another one inside."""
    first = opened.create_session(admin, "name")
    opened.delete_session(admin, first.ulid)
    assert opened.session("name") is None and opened.sessions_of(admin) == []
    assert opened.create_session(admin, "name").ulid != first.ulid


def test_the_list_is_in_the_order_of_making(opened: Store, admin: Account) -> None:
    """Oldest first, whatever the names."""
    for name in ("c", "a", "b"):
        opened.create_session(admin, name)
    assert [record.id for record in opened.sessions_of(admin)] == ["c", "a", "b"]


def test_names_and_words_are_exact(opened: Store, admin: Account) -> None:
    """Case, accents and characters of four bytes make a difference, in keys too; a long text stays whole."""
    names = ["a", "A", "\xe4", "\U0001f600", "\U0001f601", "\U00020000"]
    made = {name: opened.create_session(admin, name) for name in names}
    for name in names:
        assert opened.session(name) == made[name]
    url = "https://example.com/" + "\U0001f600" * 100_000
    endpoint = opened.endpoints.change(admin, made["a"].ulid, url=url, secret="\U0001f600" * 255)
    assert opened.endpoints.of_config(made["a"].ulid) == endpoint and endpoint.url == url


def test_what_no_database_has_a_place_for_is_nobodys(opened: Store, admin: Account) -> None:
    """PostgreSQL refuses a NUL, and MySQL what is longer than its column: to ask for such a name finds nothing."""
    for name in ("\0", "boss\0", "x" * 10_000, "\U0001f600" * 300):
        assert opened.account_by_name(name) is None
    assert opened.session("\0") is None and opened.session_by_ulid("\0") is None


def test_the_last_state_of_a_session(opened: Store, admin: Account) -> None:
    """It outlives Redis; the account and the time of the last connection outlive a state that says nothing of them."""
    ulid = opened.create_session(admin, "name").ulid
    record = opened.session("name")
    assert record and (record.state, record.reason, record.until, record.me, record.connected_at) == (
        "stopped", None, None, None, None,
    )  # fmt: skip
    me = {"id": "628:1@s.whatsapp.net", "name": "\U0001f600\0\ud800"}
    opened.remember_state(ulid, state="open", me=me, connected_at=12.5)
    opened.remember_state(ulid, state="banned", reason="because\0" * 100, until=99.5)
    record = opened.session_of(admin, "name")
    assert record and (record.state, record.until, record.connected_at) == ("banned", 99.5, 12.5)
    assert record.reason and record.reason.startswith("because\ufffd") and len(record.reason) == 255
    assert record.me == {"id": me["id"], "name": "\U0001f600\0\ufffd"}
    opened.remember_state(ulid, state="logged_out", me={})
    record = opened.session_by_ulid(ulid)
    assert record and (record.state, record.reason, record.until, record.me) == ("logged_out", None, None, None)
    opened.remember_state(new_ulid(), state="open")


def test_the_version_of_the_database(opened: Store) -> None:
    """As it says itself; whoever asks also learns that it answers."""
    assert re.match(r"\d+\.\d+", opened.version())

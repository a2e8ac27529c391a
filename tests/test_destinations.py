"""Where events go, as every process remembers it."""

import time
from typing import Any

import pytest

from warest import farewell, keys, store
from warest.config.house import House
from warest.config.settings import Settings
from warest.destinations import Directory, reopen
from warest.errors import DriverError
from warest.store import Account, SessionRecord, Store
from warest.vault import Vault


@pytest.fixture
def admin() -> Account:
    return Account("admin", "admin", True)


@pytest.fixture
def session(opened: Store, admin: Account) -> SessionRecord:
    return opened.create_session(admin, "s")


def directory(parts: House, opened: Store, **defaults: str) -> Directory:
    return Directory(parts.redis, opened, **{"default_url": "", "default_secret": "the default", **defaults})


def test_the_defaults(parts: House, opened: Store, admin: Account, session: SessionRecord) -> None:
    """A session without a receiver, or a secret, of its own has those of the settings, each by itself."""
    assert directory(parts, opened).of(session.ulid).targets == ()
    known = directory(parts, opened, default_url="http://d/")
    (target,) = known.of(session.ulid).targets
    assert (target.url, target.is_default, target.secrets[0].secret) == ("http://d/", True, "the default")
    assert (target.is_trusted, target.is_enabled, target.endpoint) == (True, True, session.ulid)
    opened.endpoints.change(admin, session.ulid, url="http://own/")
    opened.endpoints.create(admin, None, url="http://all/", secret="s2", events=("call",))
    known.changed()
    own, every = known.of(session.ulid).targets
    assert (own.url, own.is_default, own.secrets[0].secret) == ("http://own/", False, "the default")
    assert (every.url, every.secrets[0].secret, every.wants("call"), every.wants("test")) == (
        "http://all/",
        "s2",
        True,
        False,
    )
    assert own.wants("call") and not own.wants("endpoint_disabled")


def test_it_is_remembered_until_somebody_says_otherwise(
    parts: House, opened: Store, admin: Account, session: SessionRecord
) -> None:
    """By one process or another."""
    known, other = directory(parts, opened), directory(parts, opened)
    assert known.of(session.ulid).targets == ()
    opened.endpoints.change(admin, session.ulid, url="http://own/")
    assert known.of(session.ulid).targets == ()
    other.changed()
    assert [each.url for each in known.of(session.ulid).targets] == ["http://own/"]


def test_without_the_database(
    parts: House, opened: Store, session: SessionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered is enough; it is looked up again after a while, and that may fail then."""
    known = directory(parts, opened, default_url="http://d/")
    before = known.of(session.ulid)

    def away(ulid: str) -> None:
        raise DriverError("the database is away")

    monkeypatch.setattr(opened, "session_by_ulid", away)
    assert known.of(session.ulid) == before
    monkeypatch.setattr("warest.destinations.REMEMBERED", -1.0)
    known.changed()
    with pytest.raises(DriverError):
        known.of(session.ulid)


def test_secrets_that_were_replaced_sign_until_their_time_is_over(
    parts: House, opened: Store, admin: Account, session: SessionRecord
) -> None:
    """And no longer."""
    opened.endpoints.change(admin, session.ulid, url="http://own/", secret="old")
    opened.endpoints.rotate(admin, session.ulid, "new", overlap=0.2)
    known = directory(parts, opened)
    (target,) = known.of(session.ulid).targets
    assert [each.secret for each in target.secrets] == ["new", "old"]
    assert target.secrets[1].until and target.secrets[1].until <= time.time() + 0.2


def test_a_deleted_session(parts: House, opened: Store, admin: Account, session: SessionRecord) -> None:
    """Its last events still know where to go."""
    opened.endpoints.change(admin, session.ulid, url="http://own/", secret="s")
    opened.endpoints.create(admin, None, url="http://all/", events=("call",))
    known = directory(parts, opened)
    before = known.of(session.ulid)
    farewell.keep(parts.redis, opened.vault, known.targets(session))
    opened.delete_session(admin, session.ulid)
    known.changed()
    after = known.of(session.ulid)
    assert after.is_deleted and after.targets == before.targets and "s2" not in repr(after)
    assert known.of("01NOBODY").targets == ()


def test_an_endpoint_that_begins_anew(parts: House, opened: Store, admin: Account, session: SessionRecord) -> None:
    """What waits for it is ordered."""
    reopen(parts.bus, session.ulid)
    entries: Any = parts.redis.xrange(keys.queue_stream(keys.WEBHOOK_QUEUE))
    (entry,) = entries
    assert b"release_deliveries" in entry[1][b"message"]


def test_one_whose_secrets_cannot_be_read(
    parts: House, opened: Store, settings: Settings, admin: Account, session: SessionRecord
) -> None:
    """It gets nothing, rather than something that is signed with another secret; nor is it told of the end."""
    sealed = store.open(store.Sqlite(settings.sqlite_path), Vault(lambda: ("a key of sixteen and more",)))
    lost = sealed.endpoints.create(admin, session.ulid, url="http://lost/", secret="s")
    fine = opened.endpoints.create(admin, session.ulid, url="http://fine/", secret="s2")
    known = directory(parts, opened)
    found = {each.endpoint: each for each in known.of(session.ulid).targets}
    assert (found[lost.id].is_enabled, found[lost.id].secrets) == (False, ())
    assert found[fine.id].is_enabled and found[fine.id].secrets[0].secret == "s2"
    farewell.keep(parts.redis, opened.vault, known.targets(session))
    assert [each.endpoint for each in farewell.of(parts.redis, opened.vault, session.ulid)] == [fine.id]
    assert {each.is_enabled for each in directory(parts, sealed).of(session.ulid).targets} == {True}


def test_the_last_words_are_not_there_to_be_read(parts: House, settings: Settings, opened: Store) -> None:
    """What Redis keeps of a deleted session is encrypted for that session."""
    vault = Vault(lambda: ("a key of sixteen and more",))
    sealed = store.open(store.Sqlite(settings.sqlite_path), vault)
    admin = Account("admin", "admin", True)
    record, other = sealed.create_session(admin, "one"), sealed.create_session(admin, "other")
    sealed.endpoints.create(admin, record.ulid, url="http://r/", secret="looked-for")
    farewell.keep(parts.redis, vault, directory(parts, sealed).targets(record))
    (target,) = farewell.of(parts.redis, vault, record.ulid)
    assert target.secrets[0].secret == "looked-for"
    kept: Any = parts.redis.get(keys.farewell(record.ulid))
    assert b"looked-for" not in kept
    parts.redis.set(keys.farewell(other.ulid), kept)
    with pytest.raises(DriverError):
        farewell.of(parts.redis, vault, other.ulid)

"""Endpoints, deliveries and the audit trail, the same on every database."""

import time
from typing import Any

import pytest

from support.threads import at_once
from warest.errors import NotAllowed, NotFound
from warest.ids import new_ulid
from warest.store import Account, Attempt, DeliveryRecord, Endpoint, Note, Store
from warest.store.deliveries import DEAD, DELIVERED, PENDING

#: What strangers may ask for.
ODD = ("", "\0", "x" * 5000, "\ud800")

URL = "https://example.com"


@pytest.fixture
def endpoint(opened: Store, admin: Account, session: str) -> Endpoint:
    return opened.endpoints.create(admin, session, url=URL, secret="a secret")


def note(endpoint: Endpoint, session: str, **fields: Any) -> Note:
    told = {"event_id": f"evt_{new_ulid()}", "event": "e", "created_at": time.time(), "state": PENDING, **fields}
    return Note(delivery=new_ulid(), endpoint=endpoint.id, session=session, registry=endpoint.registry, **told)


def attempt(number: int = 1, status: int | None = 500, **fields: Any) -> Attempt:
    return Attempt(number=number, at=1.5, url=URL, status_code=status, latency_ms=20, **fields)


def ordered(opened: Store, endpoint: Endpoint, session: str, **fields: Any) -> DeliveryRecord:
    opened.deliveries.write([told := note(endpoint, session, **fields)])
    record = opened.deliveries.get(Account(endpoint.registry, "", False), told.delivery)
    assert record
    return record


def test_an_endpoint_is_kept_as_it_is(opened: Store, admin: Account, session: str) -> None:
    """All of it; its secret for Standard Webhooks is made for it."""
    url = "https://example.com/" + "\U0001f600" * 3000
    made = opened.endpoints.create(admin, session, url=url, events=("a", "b"), secret="s" * 999)
    assert (made.url, made.events, made.secrets[0].secret) == (url, ("a", "b"), "s" * 999)
    assert made.secrets[0].standard.startswith("whsec_") and "s" * 9 not in repr(made)
    assert (made.session, made.registry, made.state, made.reason) == (session, "admin", "enabled", "")
    assert opened.endpoints.get(admin, made.id) == made
    changed = opened.endpoints.change(admin, made.id, events=(), secret="", url="u", state="paused")
    assert (changed.events, changed.secrets[0].secret, changed.url, changed.state) == ((), "", "u", "paused")
    assert changed.secrets[0].standard == made.secrets[0].standard
    assert opened.endpoints.get(admin, made.id) == changed
    opened.endpoints.delete(admin, made.id)
    assert opened.endpoints.get(admin, made.id) is None


def test_every_session_has_the_endpoint_of_its_config(opened: Store, admin: Account, session: str) -> None:
    """From the beginning, under the session's own id, without a URL."""
    made = opened.endpoints.of_config(session)
    assert (made.id, made.session, made.url, made.secrets[0].secret, made.is_of_config) == (
        session,
        session,
        "",
        "",
        True,
    )
    assert opened.endpoints.change(admin, session, url="https://a").url == opened.endpoints.of_config(session).url
    with pytest.raises(NotFound):
        opened.endpoints.of_config(new_ulid())


def test_where_the_events_of_a_session_go(opened: Store, admin: Account, other: Account, session: str) -> None:
    """To its own endpoints and to those of all sessions of its owner; not to others'."""
    second = opened.create_session(admin, "second").ulid
    mine, everywhere, elsewhere = (opened.endpoints.create(admin, each, url="u") for each in (session, None, second))
    opened.endpoints.create(other, None, url="u")
    paused = opened.endpoints.create(admin, session, url="u")
    opened.endpoints.change(admin, paused.id, state="paused")
    expected = [session, mine.id, everywhere.id, paused.id]
    assert [each.id for each in opened.endpoints.of_session(session)] == expected
    assert opened.endpoints.of_session(new_ulid()) == []
    assert [each.id for each in opened.endpoints.of(admin, session)] == expected
    assert {each.id for each in opened.endpoints.of(admin)} == {*expected, elsewhere.id, second}


def test_disabling(opened: Store, admin: Account, endpoint: Endpoint) -> None:
    """With all kept, once, and only if it is still the receiver that was meant; enabling it ends the reason."""
    assert opened.endpoints.disable(endpoint.id, "gone", url="another") is None
    disabled = opened.endpoints.disable(endpoint.id, "gone", url=URL)
    assert disabled and (disabled.state, disabled.reason, disabled.url) == ("disabled", "gone", URL)
    assert opened.endpoints.disable(endpoint.id, "failing", url=URL) is None
    assert opened.endpoints.disable(new_ulid(), "gone", url=URL) is None
    assert opened.endpoints.change(admin, endpoint.id, state="enabled").reason == ""


def test_secrets_take_each_others_place(opened: Store, admin: Account, endpoint: Endpoint) -> None:
    """The former ones sign on for as long as it was said, at most nine of them; without overlap they end at once."""
    old = endpoint.secrets[0]
    rotated = opened.endpoints.rotate(admin, endpoint.id, "new", overlap=60)
    newest, former = rotated.secrets
    assert (newest.secret, newest.until) == ("new", None) and newest.standard != old.standard
    assert (former.secret, former.standard) == (old.secret, old.standard)
    assert former.until and abs(former.until - time.time() - 60) < 30
    longer = opened.endpoints.rotate(admin, endpoint.id, "newer", overlap=9_000).secrets
    assert [each.secret for each in longer] == ["newer", "new", "a secret"] and longer[2].until == former.until
    for number in range(12):
        last = opened.endpoints.rotate(admin, endpoint.id, f"s{number}", overlap=9_000)
    assert len(last.secrets) == 10 and last.secrets[1].secret == "s10"
    assert len(opened.endpoints.rotate(admin, endpoint.id, "alone", overlap=0).secrets) == 1


def test_what_has_happened_is_written_once(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """However often it is told, also at once and within one portion; what was refused by a stranger is cut."""
    told = note(endpoint, session, state=PENDING, next_attempt_at=9.5)
    refused = attempt(excerpt="\0" + "x" * 9000, error="e" * 9000)
    first = Note(**{**_fields(told), "attempt": refused})
    second = Note(**{**_fields(told), "attempt": attempt(2, None), "state": DEAD, "next_attempt_at": None})
    opened.deliveries.write([first, first, second, second])
    opened.deliveries.write([first, told, second])
    one, two = opened.deliveries.attempts(admin, told.delivery)
    assert (one.status_code, one.latency_ms, one.at, one.url) == (500, 20, 1.5, URL) and two == attempt(2, None)
    assert one.excerpt == "\ufffd" + "x" * 999 and one.error == "e" * 1000
    now = opened.deliveries.get(admin, told.delivery)
    assert now and (now.state, now.tries, now.next_attempt_at, now.status_code) == (DEAD, 2, None, None)
    assert now == opened.deliveries.log(admin, state=DEAD, limit=9).rows[0]
    opened.deliveries.write([Note(**{**_fields(told), "attempt": attempt(3, 200), "state": DELIVERED})])
    done = opened.deliveries.get(admin, told.delivery)
    assert done and (done.state, done.tries, done.status_code, done.error) == (DELIVERED, 3, 200, "")


def _fields(told: Note) -> dict[str, Any]:
    return {name: getattr(told, name) for name in Note.__slots__}


def test_many_are_written_together(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """As a follower of the stream does it."""
    notes = [note(endpoint, session, state=DELIVERED, attempt=attempt(1, 200)) for _ in range(700)]
    opened.deliveries.write(notes)
    opened.deliveries.write([])
    assert len(opened.deliveries.log(admin, limit=999).rows) == 700


def test_what_is_due(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Is given out once, the longest due first; neither what is held nor what is done."""
    now = time.time()
    late, later = (ordered(opened, endpoint, session, next_attempt_at=now - age) for age in (20, 10))
    ordered(opened, endpoint, session, next_attempt_at=None)
    ordered(opened, endpoint, session, next_attempt_at=now + 900)
    ordered(opened, endpoint, session, state=DELIVERED)
    assert [each.id for each in opened.deliveries.claim(1, lease=60)] == [late.id]
    assert [each.id for each in opened.deliveries.claim(9, lease=60)] == [later.id]
    assert opened.deliveries.claim(9, lease=60) == []
    pending = opened.deliveries.pending(late.id)
    assert pending and pending.next_attempt_at and abs(pending.next_attempt_at - now - 60) < 30


def test_an_endpoint_that_is_left_alone(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Whatever is due there waits with what was claimed; when it answers, all that is pending goes out."""
    now = time.time()
    claimed, due = (ordered(opened, endpoint, session, next_attempt_at=now - age).id for age in (20, 10))
    done = ordered(opened, endpoint, session, state=DELIVERED).id
    assert opened.deliveries.claim(1, lease=60)
    opened.deliveries.put_off(endpoint.id, [claimed], None)
    held = [opened.deliveries.get(admin, id) for id in (claimed, due)]
    assert [each and each.next_attempt_at for each in held] == [None, None]
    assert opened.deliveries.release(endpoint.id) == 2
    assert {each.id for each in opened.deliveries.claim(9, lease=60)} == {claimed, due}
    assert (kept := opened.deliveries.get(admin, done)) and kept.state == DELIVERED


def test_what_nothing_holds_any_more(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Goes out: what is held at an endpoint that is enabled and leads somewhere."""
    ordered(opened, endpoint, session, next_attempt_at=None)
    ordered(opened, opened.endpoints.of_config(session), session, next_attempt_at=None)
    opened.endpoints.change(admin, endpoint.id, state="paused")
    assert opened.deliveries.release_forgotten(has_default=False) == 0
    opened.endpoints.change(admin, endpoint.id, state="enabled")
    assert opened.deliveries.release_forgotten(has_default=False) == 1
    assert opened.deliveries.release_forgotten(has_default=True) == 1
    first, second = opened.deliveries.claim(9, lease=60)
    opened.deliveries.hold(first.id, state=DEAD)
    opened.deliveries.hold(second.id, state=PENDING)
    assert {each.state for each in opened.deliveries.log(admin, limit=9).rows} == {DEAD, PENDING}
    assert opened.deliveries.undelivered() == {PENDING: 1, DEAD: 1}


def test_sending_again(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """One, or all of an endpoint that fit; they count on from where they were."""
    dead = note(endpoint, session, state=DEAD, attempt=attempt(4))
    opened.deliveries.write([dead])
    again = opened.deliveries.redrive(admin, dead.delivery)
    assert (again.state, again.tries) == (PENDING, 4)
    assert [each.id for each in opened.deliveries.claim(9, lease=60)] == [dead.delivery]
    old = ordered(opened, endpoint, session, state=DEAD, created_at=1_000.0, event="a").id
    ordered(opened, endpoint, session, state=DELIVERED, created_at=1_000.0)

    def redrive(**wanted: Any) -> int:
        told = {"states": [DEAD], "event": None, "since": 0.0, "until": 9e9, **wanted}
        return opened.deliveries.redrive_all(admin, endpoint.id, **told)

    assert redrive(since=2_000.0) == redrive(event="b") == redrive(states=[]) == 0
    assert redrive(until=2_000.0, event="a") == 1
    assert [each.id for each in opened.deliveries.claim(9, lease=60)] == [old]
    assert redrive(states=[DELIVERED, PENDING]) == 3
    assert opened.deliveries.undelivered() == {PENDING: 3, DEAD: 0}


def test_the_log(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Filtered, newest first, a page after the other without a gap though new ones come in."""
    second = opened.endpoints.create(admin, session, url="u")
    made = [ordered(opened, endpoint if n % 2 else second, session, event=f"e{n % 3}").id for n in range(7)][::-1]

    def ids(**wanted: Any) -> list[str]:
        return [each.id for each in opened.deliveries.log(admin, **{"limit": 99, **wanted}).rows]

    page = opened.deliveries.log(admin, limit=3)
    ordered(opened, endpoint, session, event="new")
    rest = opened.deliveries.log(admin, limit=4, cursor=page.cursor)
    assert sorted(each.id for each in page.rows + rest.rows) == sorted(made) and rest.cursor is None
    assert set(ids(endpoint=second.id)) == set(made[::2]) and len(ids(event="e0")) == 3
    assert ids(session=session) == ids() == sorted(ids(), reverse=True)
    assert ids(state="delivered") == ids(session=new_ulid()) == ids(since=time.time() + 9) == ids(until=1.0) == []
    for odd in ODD:
        assert ids(session=odd) == ids(endpoint=odd) == ids(event=odd) == ids(state=odd) == []
        opened.deliveries.log(admin, cursor=odd, limit=1)


def test_pruning(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """With the attempts; what is newer stays."""
    told = note(endpoint, session, state=DELIVERED, attempt=attempt())
    opened.deliveries.write([told])
    assert opened.deliveries.prune(told.created_at) == 0
    assert opened.deliveries.prune(time.time() + 1) == 1 and opened.deliveries.get(admin, told.delivery) is None
    opened.audit.append(admin, "x")
    assert opened.audit.prune(time.time() - 60) == 0 and opened.audit.prune(time.time() + 1) == 1


def test_at_once(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Somebody sends again, and the endpoint is released, while notes are written: nobody hears of the others."""
    ids = [ordered(opened, endpoint, session).id for _ in range(3)]

    def work() -> None:
        for number in range(5):
            opened.deliveries.redrive(admin, ids[number % 3])
            opened.deliveries.release(endpoint.id)

    assert at_once(work, threads=4) == [None] * 4


def test_a_stranger_sees_no_endpoint(
    opened: Store, admin: Account, other: Account, session: str, endpoint: Endpoint
) -> None:
    """Nor changes one, nor sees what went there."""
    delivery = ordered(opened, endpoint, session)
    for owner, ids in ((other, (endpoint.id, delivery.id)), *((admin, (odd, odd)) for odd in ODD)):
        assert opened.endpoints.get(owner, ids[0]) is None
        assert opened.deliveries.get(owner, ids[1]) is None
        assert opened.deliveries.attempts(owner, ids[1]) == []
        everything: dict[str, Any] = {"states": [PENDING], "event": None, "since": 0.0, "until": 9e9}
        assert opened.deliveries.redrive_all(owner, ids[0], **everything) == 0
        for change in (
            lambda owner=owner, id=ids[0]: opened.endpoints.change(owner, id, url="x"),
            lambda owner=owner, id=ids[0]: opened.endpoints.rotate(owner, id, "x", overlap=1),
            lambda owner=owner, id=ids[0]: opened.endpoints.delete(owner, id),
            lambda owner=owner, id=ids[0]: opened.endpoints.create(owner, id, url="x"),
            lambda owner=owner, id=ids[1]: opened.deliveries.redrive(owner, id),
        ):
            with pytest.raises(NotFound):
                change()
    assert opened.endpoints.of(other) == opened.endpoints.of(other, session) == []
    with pytest.raises(NotFound):
        opened.endpoints.create(other, session, url="x")
    assert opened.deliveries.log(other, limit=9).rows == []
    assert opened.endpoints.get(admin, endpoint.id) == endpoint


def test_the_audit_trail(opened: Store, admin: Account, other: Account) -> None:
    """Newest first; a user sees what was done under its registry, an admin everything if it asks."""
    opened.audit.append(admin, "one", key_name="k" * 999, target="t\0", address="1.2.3.4", detail={"a": "\0"})
    opened.audit.append(other, "two")
    opened.audit.append(None, "three" * 99)
    (entry,) = opened.audit.log(admin, limit=9).rows
    assert (entry.registry, entry.username, entry.key_name) == ("admin", "boss", "k" * 255)
    assert (entry.action, entry.target, entry.address, entry.detail) == ("one", "t\ufffd", "1.2.3.4", {"a": "\0"})
    page = opened.audit.log(admin, everybody=True, limit=2)
    rest = opened.audit.log(admin, everybody=True, limit=2, cursor=page.cursor)
    assert {each.username for each in page.rows + rest.rows} == {"", "user", "boss"} and rest.cursor is None
    assert [each.action for each in opened.audit.log(other, limit=9).rows] == ["two"]
    assert opened.audit.log(admin, action="two", limit=9).rows == []
    with pytest.raises(NotAllowed):
        opened.audit.log(other, everybody=True, limit=9)

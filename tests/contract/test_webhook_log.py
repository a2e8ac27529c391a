"""Endpoints, deliveries and the audit trail, the same on every database."""

import time
from typing import Any

import pytest

from support.threads import at_once
from warest.errors import NotAllowed, NotFound
from warest.ids import new_ulid
from warest.store import Account, Attempt, DeliveryRecord, Endpoint, Store

#: What strangers may ask for.
ODD = ("", "\0", "x" * 5000, "\ud800")


@pytest.fixture
def endpoint(opened: Store, admin: Account, session: str) -> Endpoint:
    return opened.endpoints.create(admin, session, url="https://example.com")


def ordered(opened: Store, endpoint: Endpoint, session: str, **fields: Any) -> DeliveryRecord:
    told = {"event_id": f"evt_{new_ulid()}", "event": "e", "body": "{}", **fields}
    return opened.deliveries.put(session, [endpoint], **told)[0]


def test_an_endpoint_is_kept_as_it_is(opened: Store, admin: Account, session: str) -> None:
    """All of it, and what nobody has said is empty."""
    url = "https://example.com/" + "\U0001f600" * 3000
    made = opened.endpoints.create(
        admin, session, url=url, events=("a", "b"), secret="s" * 999, standard_secret="whsec_x"
    )
    assert (made.url, made.events, made.secret, made.standard_secret) == (url, ("a", "b"), "s" * 999, "whsec_x")
    assert (made.session, made.registry, made.state, made.reason) == (session, "admin", "enabled", "")
    assert (made.failures, made.first_failure_at) == (0, None)
    assert opened.endpoints.get(admin, made.id) == made
    changed = opened.endpoints.change(admin, made.id, events=(), secret="", url="u", state="paused")
    assert (changed.events, changed.secret, changed.url, changed.state) == ((), "", "u", "paused")
    assert changed.standard_secret == "whsec_x" and opened.endpoints.get(admin, made.id) == changed
    opened.endpoints.delete(admin, made.id)
    assert opened.endpoints.get(admin, made.id) is None


def test_where_the_events_of_a_session_go(opened: Store, admin: Account, other: Account, session: str) -> None:
    """To its own endpoints and to those of all sessions of its owner; not to others', nor to disabled ones."""
    second = opened.create_session(admin, "second").ulid
    mine, everywhere, elsewhere = (opened.endpoints.create(admin, each, url="u") for each in (session, None, second))
    opened.endpoints.create(other, None, url="u")
    paused, gone = (opened.endpoints.create(admin, session, url="u") for _ in range(2))
    opened.endpoints.change(admin, paused.id, state="paused")
    opened.endpoints.disable(gone.id, "gone\0")
    assert opened.endpoints.of_session(session) == [mine, everywhere]
    assert opened.endpoints.of_session(new_ulid()) == []
    listed = [each.id for each in opened.endpoints.of(admin, session)]
    assert listed == [mine.id, everywhere.id, paused.id, gone.id]
    assert {each.id for each in opened.endpoints.of(admin)} == {*listed, elsewhere.id}
    kept = opened.endpoints.get(admin, gone.id)
    assert kept and (kept.state, kept.reason, kept.url) == ("disabled", "gone\ufffd", "u")
    assert opened.endpoints.change(admin, gone.id, state="enabled").reason == ""


def test_failures_are_counted(opened: Store, admin: Account, endpoint: Endpoint) -> None:
    """In a row, by several workers at once; an answer ends the count."""
    assert all(isinstance(one, Endpoint) for one in at_once(lambda: opened.endpoints.failed(endpoint.id)))
    first = opened.endpoints.get(admin, endpoint.id)
    again = opened.endpoints.failed(endpoint.id)
    assert first and again and (first.failures, again.failures) == (8, 9)
    assert first.first_failure_at == again.first_failure_at and abs(time.time() - (first.first_failure_at or 0)) < 60
    opened.endpoints.answered(endpoint.id)
    got = opened.endpoints.get(admin, endpoint.id)
    assert got and (got.failures, got.first_failure_at) == (0, None)
    assert opened.endpoints.failed(new_ulid()) is None


def test_an_event_is_ordered_once(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """For each endpoint, however often and by how many at once; the first body is the one."""
    second = opened.endpoints.create(admin, None, url="u")

    def order(body: str = "first\0") -> list[DeliveryRecord]:
        return opened.deliveries.put(session, [endpoint, second], event_id="evt_1", event="e", body=body)

    got = at_once(order)
    assert all(isinstance(one, list) for one in got), got
    assert order("second") == got[0] and [each.endpoint for each in order()] == [endpoint.id, second.id]
    log = opened.deliveries.log(admin, limit=99)
    assert {each.id for each in log.rows} == {each.id for each in order()} and log.cursor is None
    assert opened.deliveries.body(admin, log.rows[0].id) == "first\ufffd"
    assert (log.rows[0].state, log.rows[0].tries, log.rows[0].session) == ("pending", 0, session)


def test_attempts(opened: Store, admin: Account, session: str, endpoint: Endpoint) -> None:
    """Each is kept once, what a stranger answered only in part; the delivery goes on to what follows."""
    delivery = ordered(opened, endpoint, session)
    refused = Attempt(number=1, at=1.5, status_code=500, latency_ms=20, excerpt="\0" + "x" * 9000, error="e" * 9000)
    silent = Attempt(number=2, at=2.5, status_code=None, latency_ms=9)
    assert opened.deliveries.note(delivery.id, refused, state="pending", next_attempt_at=9.5)
    assert opened.deliveries.due() and not opened.deliveries.note(delivery.id, refused, state="dead")
    got = at_once(lambda: opened.deliveries.note(delivery.id, silent, state="dead"), threads=4)
    assert sorted(map(str, got)) == ["False"] * 3 + ["True"]
    first, second = opened.deliveries.attempts(admin, delivery.id)
    assert (first.status_code, first.latency_ms, first.at) == (500, 20, 1.5) and second == silent
    assert first.excerpt == "\ufffd" + "x" * 999 and first.error == "e" * 1000
    now = opened.deliveries.get(admin, delivery.id)
    assert now and (now.state, now.tries, now.next_attempt_at) == ("dead", 2, None)
    assert opened.deliveries.due() == [] and opened.deliveries.log(admin, state="dead", limit=9).rows == [now]
    again = opened.deliveries.redrive(admin, delivery.id)
    assert (again.state, again.tries) == ("pending", 2) and opened.deliveries.due() == [again]
    assert not opened.deliveries.note(new_ulid(), silent, state="dead")


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
    delivery = ordered(opened, endpoint, session)
    opened.deliveries.note(delivery.id, Attempt(number=1, at=1, status_code=1, latency_ms=1), state="delivered")
    assert opened.deliveries.prune(delivery.created_at) == 0
    assert opened.deliveries.prune(time.time() + 1) == 1 and opened.deliveries.get(admin, delivery.id) is None
    opened.audit.append(admin, "x")
    assert opened.audit.prune(time.time() - 60) == 0 and opened.audit.prune(time.time() + 1) == 1


def test_a_stranger_sees_no_endpoint(
    opened: Store, admin: Account, other: Account, session: str, endpoint: Endpoint
) -> None:
    """Nor changes one, nor sees what went there."""
    delivery = ordered(opened, endpoint, session)
    for owner, ids in ((other, (endpoint.id, delivery.id)), *((admin, (odd, odd)) for odd in ODD)):
        assert opened.endpoints.get(owner, ids[0]) is None
        assert opened.deliveries.get(owner, ids[1]) is None and opened.deliveries.body(owner, ids[1]) is None
        assert opened.deliveries.attempts(owner, ids[1]) == []
        for change in (
            lambda owner=owner, id=ids[0]: opened.endpoints.change(owner, id, url="x"),
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

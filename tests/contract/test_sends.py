"""Sends, the same on every database."""

import time
from typing import Any

import pytest

from support.threads import at_once
from warest.errors import Conflict, NotFound
from warest.ids import new_command_id, new_ulid
from warest.store import Account, NewSend, Send, Store

#: What strangers may ask for.
ODD = ("", "\0", "x" * 5000, "\ud800")


def new(session: str, **fields: Any) -> NewSend:
    return NewSend(**{"id": new_command_id(), "session": session, "kind": "text", **fields})


def begun(opened: Store, owner: Account, session: str, **fields: Any) -> Send:
    return opened.sends.begin(owner, new(session, **fields))[0]


def state(opened: Store, owner: Account, send: Send) -> str:
    got = opened.sends.get(owner, send.id)
    assert got
    return got.state


def test_a_send_from_end_to_end(opened: Store, admin: Account, session: str) -> None:
    """It is found by its id, and as soon as WhatsApp has named the message, by that."""
    asked = new(session, recipient="1@lid", fingerprint="f", command={"type": "SendText", "text": "\0"}, send_at=5.5)
    send, is_new = opened.sends.begin(admin, asked)
    assert is_new and (send.state, send.message, send.answer, send.error) == ("queued", "", {}, {})
    assert (send.registry, send.session, send.recipient, send.kind) == ("admin", session, "1@lid", "text")
    assert (send.command, send.send_at) == (asked.command, 5.5)
    assert opened.sends.get(admin, send.id) == send and opened.sends.by_message(session, "m\0") is None
    assert opened.sends.advance(send.id, "sending")
    assert opened.sends.advance(send.id, "sent", message="m\0", answer={"to": "1@lid"})
    found = opened.sends.by_message(session, "m\0")
    assert found and (found.id, found.state, found.answer) == (send.id, "sent", {"to": "1@lid"})
    failed = begun(opened, admin, session)
    assert opened.sends.advance(failed.id, "failed", error={"code": "x"})
    got = opened.sends.get(admin, failed.id)
    assert got and got.error == {"code": "x"} and not got.answer


def test_states_only_go_forwards(opened: Store, admin: Account, session: str) -> None:
    """What is sent is not queued again; a late receipt is passed over; an end is an end."""
    send = begun(opened, admin, session)
    assert opened.sends.advance(send.id, "sending")
    with pytest.raises(Conflict):
        opened.sends.advance(send.id, "sending")  # for whoever is second to run it
    assert opened.sends.advance(send.id, "read", message="m")
    for late in ("sent", "delivered", "read"):
        assert not opened.sends.advance(send.id, late, message="other")
    for back in ("queued", "sending", "failed", "expired", "unknown"):
        with pytest.raises(Conflict):
            opened.sends.advance(send.id, back)
    got = opened.sends.by_message(session, "m")
    assert got and got.state == "read"
    for end in ("failed", "expired"):
        ended = begun(opened, admin, session)
        assert opened.sends.advance(ended.id, end)
        assert not opened.sends.advance(ended.id, "sent")
        assert state(opened, admin, ended) == end
    with pytest.raises(NotFound):
        opened.sends.advance("cmd_none", "sent")


def test_what_nobody_knew_may_come_out(opened: Store, admin: Account, session: str) -> None:
    """A receipt proves that a message went out whose process had died."""
    send = begun(opened, admin, session)
    assert opened.sends.advance(send.id, "sending") and opened.sends.advance(send.id, "unknown")
    with pytest.raises(Conflict):
        opened.sends.advance(send.id, "sending")
    assert opened.sends.advance(send.id, "delivered") and state(opened, admin, send) == "delivered"


def test_only_one_runs_a_send(opened: Store, admin: Account, session: str) -> None:
    """Of those that would begin at once, one may."""
    send = begun(opened, admin, session)
    got = at_once(lambda: opened.sends.advance(send.id, "sending"))
    assert got.count(True) == 1 and sum(isinstance(one, Conflict) for one in got) == 7, got


def test_one_key_is_one_send(opened: Store, admin: Account, other: Account, session: str) -> None:
    """Asked again, even at once, there is still one; another tenant's key is another key."""
    got = at_once(lambda: opened.sends.begin(admin, new(session, idempotency_key="k\0")))
    answers = [one for one in got if isinstance(one, tuple)]
    assert len(answers) == 8 and len({send.id for send, _ in answers}) == 1, got
    assert [is_new for _, is_new in answers].count(True) == 1
    theirs = opened.create_session(other, "theirs").ulid
    assert opened.sends.begin(other, new(theirs, idempotency_key="k\0"))[1]
    assert opened.sends.begin(admin, new(session))[1] and opened.sends.begin(admin, new(session))[1]
    again = new(session)
    assert [opened.sends.begin(admin, again)[1] for _ in range(2)] == [True, False]
    assert opened.sends.forget_keys(time.time() + 1) == 2
    assert opened.sends.begin(admin, new(session, idempotency_key="k\0"))[1]


def test_a_stranger_has_no_sends(opened: Store, admin: Account, other: Account, session: str) -> None:
    """Neither through an id nor through a session."""
    send = begun(opened, admin, session)
    assert opened.sends.get(other, send.id) is None
    for owner, ulid in ((other, session), (admin, new_ulid()), (admin, "\0")):
        with pytest.raises(NotFound):
            opened.sends.begin(owner, new(ulid))
    with pytest.raises(Conflict):
        opened.sends.begin(other, new(opened.create_session(other, "theirs").ulid, id=send.id))
    assert [opened.sends.get(admin, odd) for odd in ODD] == [None] * len(ODD)


def test_due_sends_are_claimed_once(opened: Store, admin: Account, session: str) -> None:
    """Each by one of those who call at once; not before its time, nor when it has moved on."""
    now = time.time()
    due = [begun(opened, admin, session, send_at=now - number).id for number in range(12)]
    for other_time in (None, now + 60):
        begun(opened, admin, session, send_at=other_time)
    cancelled = begun(opened, admin, session, send_at=now - 1)
    opened.sends.advance(cancelled.id, "expired")
    got = at_once(lambda: opened.sends.claim_due(lease=60), threads=4)
    claimed = [send.id for sends in got if isinstance(sends, list) for send in sends]
    assert sorted(claimed) == sorted(due), got
    assert opened.sends.claim_due(lease=60) == []


def test_a_dead_claimer_holds_nothing_up(opened: Store, admin: Account, session: str) -> None:
    """Its claims run out; what was sent meanwhile is not given out again."""
    first, second = (begun(opened, admin, session, send_at=1.0 + number) for number in range(2))
    assert [send.id for send in opened.sends.claim_due(lease=60, limit=1)] == [first.id]
    assert [send.id for send in opened.sends.claim_due(lease=60)] == [second.id]
    opened.sends.advance(first.id, "sending")
    assert [send.id for send in opened.sends.claim_due(lease=0)] == [second.id]


def test_what_waits_too_long_ends(opened: Store, admin: Account, session: str) -> None:
    """Queued ones expire, except those whose time is still to come; what hangs in sending is unknown."""
    soon = time.time() + 60
    waiting, later, hanging = (begun(opened, admin, session, send_at=at) for at in (None, soon + 60, None))
    opened.sends.advance(hanging.id, "sending")
    assert opened.sends.expire(waiting.created_at) == opened.sends.give_up(waiting.created_at) == []
    assert [send.id for send in opened.sends.expire(soon)] == [waiting.id]
    (given_up,) = opened.sends.give_up(soon)
    assert (given_up.id, given_up.state) == (hanging.id, "unknown")
    assert opened.sends.expire(soon) == opened.sends.give_up(soon) == []
    assert opened.sends.prune(waiting.created_at) == 0 and opened.sends.prune(soon) == 2
    assert state(opened, admin, later) == "queued"


def test_a_scheduled_send_is_cancelled_until_it_is_claimed(
    opened: Store, admin: Account, other: Account, session: str
) -> None:
    """By its owner; then it is never due."""
    later = time.time() + 60
    for id in ("cmd_1", "cmd_2", "cmd_3"):
        opened.sends.begin(admin, NewSend(id=id, session=session, kind="text", send_at=later))
    assert not opened.sends.cancel(other, "cmd_1") and opened.sends.cancel(admin, "cmd_1")
    assert opened.sends.claim("cmd_1", lease=9) is None and not opened.sends.cancel(admin, "cmd_1")
    assert opened.sends.claim("cmd_2", lease=9) and opened.sends.claim("cmd_2", lease=9) is None
    assert not opened.sends.cancel(admin, "cmd_2") and not opened.sends.cancel(admin, "nothing")
    opened.sends.begin(admin, NewSend(id="cmd_4", session=session, kind="text"))
    assert not opened.sends.cancel(admin, "cmd_4")


def test_a_send_that_was_lost_is_given_out_again(opened: Store, admin: Account, session: str) -> None:
    """Once in a lease; not one that is young, waits for its time, or is over."""
    later = time.time() + 60
    for id, at in (("cmd_1", None), ("cmd_2", None), ("cmd_3", later)):
        opened.sends.begin(admin, NewSend(id=id, session=session, kind="text", send_at=at))
    opened.sends.advance("cmd_2", "sent")
    assert opened.sends.claim_lost(60, lease=9) == []
    assert [send.id for send in opened.sends.claim_lost(-1, lease=9)] == ["cmd_1"]
    assert opened.sends.claim_lost(-1, lease=9) == []
    assert [send.id for send in opened.sends.claim_lost(-1, lease=0)] == ["cmd_1"]

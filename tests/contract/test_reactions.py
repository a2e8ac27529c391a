"""What has become of actions, the same on every database."""

from typing import Any

from warest.ids import new_ulid
from warest.store import Account, Reaction, Store


def done(position: str, **fields: Any) -> Reaction:
    return Reaction(**{"position": position, "action": "text", "state": "done", "at": 5.5, **fields})


def test_they_are_kept_in_the_order_of_the_answer(opened: Store, session: str) -> None:
    """Every field; told again, the last word counts, until it is done; what no database can hold costs nothing else."""
    delivery = new_ulid()
    for position in ("10", "2.then.10", "2.then.9", "2", "9", "2.else.0"):
        opened.reactions.note(session, delivery, done(position, state="pending"))
    for state in ("done", "failed"):
        opened.reactions.note(session, delivery, done("10", state=state))
    opened.reactions.note(session, new_ulid(), done("0"))
    positions = ["2", "2.else.0", "2.then.9", "2.then.10", "9", "10"]
    assert [each.position for each in opened.reactions.of(delivery)] == positions
    told = done(
        "9",
        action="x" * 99,
        state="failed",
        message="m" * 300,
        job="cmd_1",
        error="e\0" * 5000,
        at=7.25,
        repeatable=True,
    )
    opened.reactions.note(session, delivery, told)
    *_, got, last = opened.reactions.of(delivery)
    assert (last.position, last.state) == ("10", "done")
    assert (got.position, got.action, got.state, got.job, got.at) == ("9", "x" * 32, "failed", "cmd_1", 7.25)
    assert got.repeatable and got.error == "e\ufffd" * 500 and len(got.message) == 191
    for odd in ("", "\0", "x" * 5000, "\ud800"):
        assert opened.reactions.of(odd) == []


def test_they_go_with_age_and_with_their_session(opened: Store, admin: Account, session: str) -> None:
    """Those of others stay."""
    second = opened.create_session(admin, "second").ulid
    first, other = new_ulid(), new_ulid()
    opened.reactions.note(session, first, done("0", at=1.0))
    opened.reactions.note(session, first, done("1", at=9.0))
    opened.reactions.note(second, other, done("0", at=9.0))
    assert (opened.reactions.prune(5.0), opened.reactions.prune(5.0)) == (1, 0)
    assert [each.position for each in opened.reactions.of(first)] == ["1"]
    opened.delete_session(admin, session)
    assert opened.reactions.of(first) == [] and len(opened.reactions.of(other)) == 1

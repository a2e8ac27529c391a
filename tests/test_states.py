"""How each session is just now, in a real Redis."""

import threading
import time

import pytest

from warest import keys
from warest.config.house import House, connect
from warest.config.settings import Settings
from warest.errors import DriverError
from warest.states import SessionState

ME = {"id": "628111:2@s.whatsapp.net", "name": "Ani ä", "lid": "9@lid"}


def test_a_session_that_never_ran_is_stopped(parts: House) -> None:
    """No entry is an answer too."""
    assert parts.states.get("01A") == SessionState() and parts.states.get("01A").state == "stopped"


def test_fields_are_kept_changed_and_taken_away(parts: House) -> None:
    """`put` leaves alone what it is not given; None takes away."""
    parts.states.put("01A", state="open", me=ME, connected_ms=5, qr="2@x", qr_until=9.5, pid=7)
    assert parts.states.get("01A") == SessionState("open", None, None, ME, 5, "2@x", 9.5, pid=7)
    parts.states.put("01A", qr=None, reason="r")
    assert parts.states.get("01A") == SessionState("open", "r", None, ME, 5, None, 9.5, pid=7)
    parts.states.put("01A")


def test_many_at_once_keep_their_order(parts: House) -> None:
    """One answer for each, also for those that have no entry."""
    parts.states.put("01B", state="open")
    assert [state.is_open for state in parts.states.get_many(["01A", "01B", "01C"])] == [False, True, False]
    assert parts.states.get_many([]) == []


def test_fields_of_a_newer_release_are_ignored(parts: House) -> None:
    """While processes of two releases run side by side."""
    parts.redis.hset(keys.session_state("01A"), "from_the_future", b"1")
    assert parts.states.get("01A") == SessionState()


def test_waiting_ends_when_the_condition_holds(parts: House) -> None:
    """A waiter has the state as soon as another writes it."""
    writer = threading.Thread(target=lambda: parts.states.put("01A", qr="2@x"))
    began = time.monotonic()
    writer.start()
    assert parts.states.wait("01A", lambda state: bool(state.qr), 10).qr == "2@x"
    assert time.monotonic() - began < 5
    writer.join()


def test_waiting_ends_when_the_time_is_up(parts: House) -> None:
    """Then the state is what it is."""
    assert parts.states.wait("01A", lambda state: state.is_open, 0.05).state == "stopped"


def test_forgetting_leaves_nothing(parts: House) -> None:
    """But the events that are still to be delivered."""
    parts.states.put("01A", state="open")
    parts.redis.xadd(keys.outbox("01A"), {"a": 1})
    parts.redis.sadd(keys.answered_chats("01A"), "x")
    parts.states.forget("01A")
    assert parts.redis.keys("*01A*") == [keys.outbox("01A").encode()]


@pytest.mark.parametrize(("left", "shown"), [(-100, 5), (0, 5), (30.7, 30), (900, 65)])
def test_the_time_of_a_qr_stays_in_its_bounds(left: float, shown: int) -> None:
    """5 to 65 s, as the contract says."""
    assert SessionState(qr_until=1000 + left).qr_seconds(1000) == shown


def test_without_redis_it_says_so() -> None:
    """Every question ends in the error that the web process answers with 503."""
    states = connect(Settings(redis_url="unix:///nowhere/redis.sock")).states
    for ask in (
        lambda: states.get("x"),
        lambda: states.get_many(["x"]),
        lambda: states.put("x", state="open"),
        lambda: states.forget("x"),
    ):
        with pytest.raises(DriverError):
            ask()

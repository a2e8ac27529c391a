"""Counters of calls, and locks on logging in: in Redis, by its clock, right across processes."""

import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.waiting import eventually
from warest import keys, limits, logins
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.errors import DriverError
from warest.limits import Limits, Verdict, Window
from warest.logins import Lockout, UiSessions

HOUR = Window(3, 3_600_000)

Make = Callable[[], Limits]


@pytest.fixture
def make(settings: Settings, parts: House) -> Make:
    """Limits of one more process."""
    return lambda: house.open_limits(settings)


@pytest.fixture
def counted(make: Make) -> Limits:
    return make()


def at_once(work: Callable[[], Any], threads: int) -> list[Any]:
    got: list[Any] = []
    running = [threading.Thread(target=lambda: got.append(work())) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return got


# Windows


def test_a_window(counted: Limits) -> None:
    """So many calls, then none; each key for itself."""
    got = [counted.enter("a", "key", 9, HOUR) for _ in range(5)]
    assert [one.remaining for one in got] == [2, 1, 0, 0, 0]
    assert [one.is_over for one in got] == [False, False, False, True, True]
    assert {one.limit for one in got} == {3} and len({one.reset for one in got}) <= 2
    assert abs(got[0].reset - time.time() - 3600) < 5
    assert counted.enter("a", "other key", 9, HOUR).remaining == 2


def test_the_next_window(counted: Limits) -> None:
    """It begins with the first call after the last one has ended; until then the end does not move."""
    short = Window(1, 200)
    began = time.monotonic()
    assert not counted.enter("a", "key", 9, short).is_over
    eventually(lambda: not counted.enter("a", "key", 9, short).is_over, within=5)
    assert 0.15 < time.monotonic() - began < 2


def test_processes_share_the_count(make: Make) -> None:
    """However many call at once, exactly so many are let in."""
    shared = [make() for _ in range(4)]
    turns = itertools.count()
    got = at_once(lambda: [shared[next(turns) % 4].enter("a", "key", 9, Window(50, 60_000)) for _ in range(3)], 40)
    calls = [one for several in got for one in several]
    assert sum(not one.is_over for one in calls) == 50
    assert sorted(one.count or 0 for one in calls) == list(range(1, 121))


def test_no_counter_stays_for_ever(counted: Limits, parts: House) -> None:
    """Not even one that has lost its expiry, or was given a longer one by other settings."""
    held = keys.limit("rate", limits.digest("key"))
    for expiry in (None, 3_600_000):
        parts.redis.set(held, 100, px=expiry)
        assert counted.enter("a", "key", 9, Window(3, 1000)).is_over
        assert 0 < parts.redis.pttl(held) <= 1000
    counted.guess("a", 3)
    counted.spend("key", "to", HOUR, 1000)
    assert all(0 < parts.redis.ttl(name) <= 3600 for name in parts.redis.scan_iter("warest:limit:*"))


def test_nothing_in_redis_tells_who(counted: Limits, parts: House) -> None:
    """Neither a key nor an address nor a recipient nor a user's name."""
    counted.enter("198.51.100.7", "secret-key", 9, HOUR)
    counted.guess("198.51.100.7", 3)
    counted.spend("secret-key", "628111222333", HOUR, 1000)
    Lockout(parts.redis, 9).attempt("198.51.100.7", "somebody")
    token = UiSessions(parts.redis).begin("TENANT")
    names = list(parts.redis.scan_iter("*"))
    found = "\n".join(str(part) for name in names for part in (name, parts.redis.get(name)))
    assert len(names) == 8
    for secret in ("198.51.100.7", "secret-key", "628111222333", "somebody", token):
        assert secret not in found


# Quota and cooldown


def test_a_quota(counted: Limits) -> None:
    """Counted apart from the rate; 0 refuses all."""
    counted.enter("a", "key", 9, HOUR)
    assert [counted.spend("key", None, HOUR, 3000).is_over for _ in range(4)] == [False, False, False, True]
    assert counted.spend("other", None, Window(0, 1000), 0).is_over


def test_a_cooldown(counted: Limits) -> None:
    """The same key to the same recipient waits, and spends nothing while it does."""
    assert counted.spend("key", "ani", HOUR, 300).remaining == 2
    assert counted.spend("key", "ani", HOUR, 300) == Verdict(wait=1)
    assert counted.spend("key", "budi", HOUR, 300).remaining == 1
    assert counted.spend("other", "ani", HOUR, 300).remaining == 2
    eventually(lambda: counted.spend("key", "ani", HOUR, 300).count == 3, within=5)


def test_no_cooldown(counted: Limits) -> None:
    """0 is off; a call that sends nothing neither waits nor makes others wait."""
    for to, cooldown in (("ani", 0), ("ani", 0), (None, 60_000), (None, 60_000), ("ani", 60_000)):
        assert counted.spend("key", to, Window(9, 1000), cooldown).wait == 0
    assert 59 <= counted.spend("key", "ani", Window(9, 1000), 60_000).wait <= 60


# Guessing


def test_guesses(counted: Limits, parts: House) -> None:
    """After so many wrong keys an address waits, with a right key too; others do not."""
    assert [counted.guess("a", 3) for _ in range(3)] == [0, 0, 0]
    assert counted.enter("a", "right", 3, HOUR).wait == 0
    assert 55 <= counted.guess("a", 3) <= 60
    assert 55 <= counted.enter("a", "guessed", 3, HOUR).wait <= 60
    assert counted.guess("b", 3) == 0 and counted.enter("b", "guessed", 3, HOUR).wait == 0
    parts.redis.pexpire(keys.limit("guess", limits.digest("a")), 1)
    eventually(lambda: counted.enter("a", "guessed", 3, HOUR).wait == 0)


def test_a_key_that_is_known_goes_on(counted: Limits) -> None:
    """A stranger behind the same address shuts nobody out; elsewhere the key is as good as guessed."""
    counted.enter("a", "known", 3, HOUR)
    for _ in range(9):
        counted.guess("a", 3)
        counted.guess("b", 3)
    assert counted.enter("a", "known", 3, HOUR).count == 2
    assert counted.enter("b", "known", 3, HOUR) == Verdict(wait=60)


# Trouble


def test_limits_fail_open(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Redis away: nothing is counted, nobody waits, and the log says so."""
    away = house.open_limits(settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"}))
    with caplog.at_level(logging.WARNING):
        got = [away.enter("a", "key", 1, HOUR), away.spend("key", "ani", HOUR, 1000)]
    assert got == [Verdict(), Verdict()] and away.guess("a", 0) == 0
    assert not got[0].is_over and caplog.text.count("limits are not applied") == 3


@pytest.fixture
def hanging() -> Iterator[str]:
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_redis_that_hangs_is_not_waited_for(settings: Settings, hanging: str) -> None:
    """A request must not hang with it."""
    stuck = house.open_limits(settings.model_copy(update={"redis_url": hanging}))
    began = time.monotonic()
    assert stuck.enter("a", "key", 1, HOUR) == Verdict() and time.monotonic() - began < 5


def test_logins_fail_closed() -> None:
    """Without Redis nobody can be counted, so nobody logs in."""
    with redis.Redis(unix_socket_path="/nowhere/redis.sock", retry=Retry(NoBackoff(), 0)) as away:
        for work in (
            lambda: Lockout(away, 9).attempt("a", "ani"), lambda: Lockout(away, 9).clear("a", "ani"),
            lambda: UiSessions(away).begin("x"), lambda: UiSessions(away).end("x"),
            lambda: UiSessions(away).registry_of("x"),
        ):  # fmt: skip
            with pytest.raises(DriverError):
                work()


# Logging in


def attempts(lockout: Lockout, count: int, address: str = "a", name: str = "ani") -> list[tuple[bool, int]]:
    got = [lockout.attempt(address, name) for _ in range(count)]
    return [(one.is_allowed, one.wait) for one in got]


def test_every_fifth_failure_locks(parts: House) -> None:
    """For 2, 5, 10 and again 10 minutes; while it is locked nothing may be tried, and nothing counts."""
    lockout = Lockout(parts.redis, 1000)
    _, lock, _ = logins._held("a", "ani")
    for seconds in (120, 300, 600, 600):
        assert attempts(lockout, 5) == [*[(True, 0)] * 4, (True, seconds)]
        assert attempts(lockout, 3) == [(False, seconds)] * 3
        parts.redis.delete(lock)


def test_a_lock_ends(parts: House) -> None:
    """By itself; and failures that are old are forgotten."""
    lockout = Lockout(parts.redis, 1000, window=1, locks=[1])
    assert attempts(lockout, 5)[-1] == (True, 1)
    eventually(lambda: lockout.attempt("a", "ani").is_allowed)
    failures, *_ = logins._held("a", "ani")
    eventually(lambda: not parts.redis.exists(failures))
    assert attempts(lockout, 4) == [(True, 0)] * 4


def test_a_lock_is_for_a_name_and_an_address(parts: House) -> None:
    """Names in any case are one; another name or address is not locked."""
    lockout = Lockout(parts.redis, 1000)
    attempts(lockout, 3, name="Ani")
    assert attempts(lockout, 3, name="aNI") == [(True, 0), (True, 120), (False, 120)]
    assert attempts(lockout, 1, address="b") == attempts(lockout, 1, name="budi") == [(True, 0)]


def test_success_clears(parts: House) -> None:
    """The failures of this name; the next five are free again."""
    lockout = Lockout(parts.redis, 1000)
    attempts(lockout, 4)
    lockout.clear("a", "ani")
    assert attempts(lockout, 5)[3:] == [(True, 0), (True, 120)]
    lockout.clear("a", "ani")
    assert attempts(lockout, 1) == [(True, 0)]


def test_attempts_at_once_are_no_more(parts: House) -> None:
    """Forty guesses in the same moment are five."""
    lockout = Lockout(parts.redis, 1000)
    assert sum(one.is_allowed for one in at_once(lambda: lockout.attempt("a", "ani"), 40)) == 5


def test_an_address_that_tries_many_names(parts: House) -> None:
    """It waits after so many failures; logins that succeed are no failures."""
    lockout = Lockout(parts.redis, 10)
    for number in range(30):
        assert lockout.attempt("a", f"good {number}").is_allowed
        lockout.clear("a", f"good {number}")
    got = [lockout.attempt("a", f"name {number}") for number in range(12)]
    assert [one.is_allowed for one in got] == [*[True] * 10, False, False] and 55 <= got[-1].wait <= 60
    assert lockout.attempt("b", "name 1").is_allowed


def test_a_ui_session(parts: House) -> None:
    """It names its owner until it is ended, or two weeks have passed; a made-up token names nobody."""
    sessions = UiSessions(parts.redis)
    first, second = sessions.begin("TENANT"), sessions.begin("TENANT")
    assert first != second and len(first) >= 43
    assert sessions.registry_of(first) == sessions.registry_of(second) == "TENANT"
    assert parts.redis.ttl(keys.ui_session(limits.digest(first))) > 14 * 24 * 3600 - 10
    sessions.end(first)
    assert sessions.registry_of(first) is None and sessions.registry_of(second) == "TENANT"
    assert sessions.registry_of("") is None and sessions.registry_of(limits.digest(second)) is None

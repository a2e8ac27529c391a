"""Caches: the same of every driver."""

import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support import cache_servers
from support.waiting import eventually
from warest.drivers import cache
from warest.drivers.cache import guarded, memcached
from warest.drivers.cache.local import Local
from warest.errors import DriverError, SetupError
from warest.ids import new_ulid
from warest.lookups import Lookups

KINDS = ("local", "redis", "memcached", "mongodb", "part of mongodb")


@pytest.fixture(scope="module")
def memcached_server() -> Iterator[str]:
    with cache_servers.memcached() as address:
        yield address


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, redis_url: str) -> Iterator[cache.Place]:
    match request.param:
        case "local":
            yield cache.Memory()
        case "redis":
            yield cache.Redis(redis_url, prefix=f"{new_ulid()}:")
        case "memcached":
            yield cache.Memcached((request.getfixturevalue("memcached_server"),))
        case "mongodb":
            if not cache_servers.has_mongodb():
                pytest.skip("no MongoDB answers: its driver is tested on a part of the wire protocol ONLY")
            yield cache.MongoDB(cache_servers.MONGODB, database=f"warest_test_{new_ulid()}")
        case _:
            with cache_servers.part_of_mongodb() as url:
                yield cache.MongoDB(url)


@pytest.fixture
def opened(place: cache.Place) -> Iterator[cache.Cache]:
    opened = cache.open(place)
    yield opened
    opened.close()


@pytest.mark.parametrize("key", ["plain", "with blanks\nand lines", "ü🙂", "x" * 1_000, "", "a:b:*"])
def test_what_was_put_comes_back(opened: cache.Cache, key: str) -> None:
    """Under whatever name, byte for byte, until it is replaced or forgotten."""
    mine = new_ulid() + key
    assert opened.get(mine) is None
    for value in (b"one", b"", bytes(range(256)), b"x" * cache.LARGEST):
        opened.put(mine, value, 60)
        assert opened.get(mine) == value
    assert opened.get(f"{mine}.") is None
    opened.forget(mine)
    opened.forget(mine)
    assert opened.get(mine) is None


def test_entries_end(opened: cache.Cache) -> None:
    """By themselves; one that is put again begins anew."""
    short, long = new_ulid(), new_ulid()
    opened.put(short, b"x", 1)
    opened.put(long, b"x", 1)
    opened.put(long, b"x", 60)
    assert opened.get(short) == b"x"
    eventually(lambda: opened.get(short) is None)
    assert opened.get(long) == b"x"


def test_many_at_once(opened: cache.Cache) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(20):
            key = f"{number}"
            opened.put(key, f"{number}-{turn}".encode(), 60)
            if opened.get(key) != f"{number}-{turn}".encode():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_it_says_who_it_is(opened: cache.Cache, place: cache.Place) -> None:
    assert opened.ping() and opened.driver == type(place).__name__.lower().replace("memory", "local")


NOWHERE = [
    cache.Redis("redis://127.0.0.1:1/0"),
    cache.Memcached(("127.0.0.1:1",)),
    cache.MongoDB("mongodb://127.0.0.1:1"),
]


@pytest.mark.parametrize("away", NOWHERE, ids=lambda place: type(place).__name__)
def test_a_server_that_is_away(away: cache.Place, caplog: pytest.LogCaptureFixture) -> None:
    """The driver says so; guarded, memory stands in, and it is not asked again for a while."""
    opened = cache.open(away)
    for use in (lambda: opened.get("x"), lambda: opened.put("x", b"", 1), lambda: opened.forget("x"), opened.ping):
        with pytest.raises(DriverError):
            use()
    safe = cache.Guarded(opened, cache.Memory())
    with caplog.at_level(logging.WARNING):
        safe.put("x", b"one", 60)
        assert safe.get("x") == b"one"
        safe.forget("x")
        assert safe.get("x") is None
    assert caplog.text.count("stands in") == 1
    with pytest.raises(DriverError):
        safe.ping()
    safe.close()


def test_a_server_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again after its rest."""
    monkeypatch.setattr(guarded, "REST", 0.05)
    monkeypatch.setattr(memcached, "DEAD_FOR", 0)
    with cache_servers.memcached() as address:
        pass
    safe = cache.Guarded(cache.open(cache.Memcached((address,))), cache.Memory())
    safe.put("x", b"in memory", 60)
    assert safe.get("x") == b"in memory"
    with cache_servers.memcached(address):
        eventually(lambda: safe.get("x") is None)
        safe.put("x", b"there", 60)
        assert safe.get("x") == b"there"
    safe.close()


def test_a_server_that_hangs() -> None:
    """It is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        safe = cache.Guarded(cache.open(cache.Redis(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")), cache.Memory())
        began = time.monotonic()
        assert safe.get("x") is None and time.monotonic() - began < 10
        safe.close()


@pytest.mark.parametrize("servers", ["", "localhost", "a:b", ":1"])
def test_addresses_that_are_none(servers: str) -> None:
    with pytest.raises(SetupError, match="HOST:PORT"):
        cache.open(cache.Memcached((servers,)))
    with pytest.raises(SetupError, match="MONGODB_URL"):
        cache.open(cache.MongoDB(f"http://{servers}"))


def test_memory_has_limits() -> None:
    """In number and in bytes; the oldest go, and what is over goes first when it is looked for."""
    few = Local(cache.Memory(most=3))
    for name in "abcd":
        few.put(name, b"", 60)
    assert [few.get(name) for name in "abcd"] == [None, b"", b"", b""]
    small = Local(cache.Memory(most_bytes=10_000))
    for name in "abc":
        small.put(name, b"x" * 4_000, 60)
    assert [small.get(name) is None for name in "abc"] == [True, False, False]
    swept = Local(cache.Memory(most=2, sweep=0))
    swept.put("old", b"", 60)
    swept.put("short", b"", 0)
    swept.put("new", b"", 60)
    assert swept.get("old") == b"" and swept.get("new") == b""


def test_lookups(opened: cache.Cache) -> None:
    """What is known is not asked again, by the same asker; errors are not kept."""
    asked: list[list[str]] = []

    def look(things: list[str]) -> list[str]:
        asked.append(things)
        if "bad" in things:
            raise DriverError("away")
        return [f"of {thing}" for thing in things]

    lookups = Lookups(opened, namespace=new_ulid(), seconds=60)
    assert lookups.each("s", "me", ["a", "b"], look) == ["of a", "of b"]
    assert lookups.each("s", "me", ["b", "c", "b"], look) == ["of b", "of c", "of b"]
    assert lookups.each("s", "you", ["a"], look) == ["of a"] and lookups.each("other", "me", ["a"], look) == ["of a"]
    assert asked == [["a", "b"], ["c"], ["a"], ["a"]]
    for _ in range(2):
        with pytest.raises(DriverError):
            lookups.each("s", "me", ["bad"], look)
    assert lookups.each("s", "me", [], look) == []
    never = Lookups(opened, namespace=new_ulid(), seconds=0)
    assert never.each("s", "me", ["a"], look) == never.each("s", "me", ["a"], look) and asked[-2:] == [["a"], ["a"]]

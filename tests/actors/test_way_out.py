"""Which proxy a session's connection gets, and what it tells of it."""

import dataclasses
from typing import Any

import pytest

from warest import keys
from warest.actors.way_out import WayOut
from warest.config.house import House, open_proxies
from warest.errors import InvalidInput
from warest.proxies import Proxy, parse
from warest.proxy_pool import ProxyPool

POOL = "http://u:s3cret@127.0.0.1:1,http://127.0.0.1:2"

USUAL = parse("http://127.0.0.1:7309")


@pytest.fixture
def house(parts: House) -> House:
    given: dict[str, Any] = {"proxy_urls": POOL, "proxy_strategy": "failover", "proxy_timeout_ms": 2000}
    return dataclasses.replace(parts, settings=parts.settings.model_copy(update=given))


@pytest.fixture
def pool(house: House) -> ProxyPool:
    return open_proxies(house.settings, house.redis)


def way(house: House, own: str = "", *, is_admins: bool = True, usual: Proxy | None = USUAL) -> WayOut:
    """One that has chosen."""
    made = WayOut(house, "01A", own, is_admins=is_admins, usual=usual)
    made.choose()
    return made


def test_one_of_the_pool(house: House, pool: ProxyPool) -> None:
    """It is judged by what becomes of the connection, and left when it has failed often enough."""
    first = way(house)
    assert (first.url(), first.patience) == ("http://u:s3cret@127.0.0.1:1", 2.0)
    for _ in range(2):
        first.failed("it broke")
    assert way(house).url() == "http://127.0.0.1:2"
    first.leads_there()
    assert [each.condition.failures for each in pool.seen()] == [0, 0]


def test_a_cut_connection_has_it_looked_at(house: House) -> None:
    way(house).was_cut()
    orders: Any = house.redis.xrange(keys.queue_stream(keys.MAINTENANCE_QUEUE))
    ((_, order),) = orders
    assert b"look_at_proxies" in order[b"message"]


def test_one_that_checks_have_found_dead(house: House, pool: ProxyPool) -> None:
    chosen, (bad, _) = way(house), pool
    assert not chosen.is_dead()
    for _ in range(2):
        pool.check_failed(bad, "no answer")
    assert chosen.is_dead() and not way(house).is_dead()


@pytest.mark.parametrize(
    ("own", "url"), [("socks5://me:p@127.0.0.1:9", "socks5://me:p@127.0.0.1:9"), ("direct", USUAL.url)]
)
def test_one_of_its_own(house: House, pool: ProxyPool, own: str, url: str) -> None:
    """It is not of the pool: nobody counts its failures, and it is never left."""
    way(house)
    chosen = way(house, own)
    chosen.failed("it broke")
    chosen.was_cut()
    assert (chosen.url(), chosen.patience, chosen.is_dead()) == (url, float("inf"), False)
    assert pool.of("01A") is None and not house.redis.exists(keys.queue_stream(keys.MAINTENANCE_QUEUE))
    assert [each.condition.failed for each in pool.seen()] == [0, 0]


@pytest.mark.parametrize("own", ["nonsense://s3cret", "127.0.0.1:1", "https://8.8.8.8:1"])
def test_one_that_must_not_be(house: House, own: str) -> None:
    """Of somebody who is no admin; it stands in the database, and is looked at whenever it is used."""
    with pytest.raises(InvalidInput):
        way(house, own, is_admins=False).url()


def test_none_at_all(parts: House) -> None:
    assert way(parts).url() == USUAL.url and way(parts, usual=None).url() == ""

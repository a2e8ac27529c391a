"""How the proxies are is known to all processes: what failed, what is left alone, and who uses which."""

import time

import pytest

from warest import keys
from warest.config.house import House
from warest.proxies import Rules, parse
from warest.proxy_pool import ProxyPool

A, B = parse("http://u:s3cret@a.example:1"), parse("socks5://b.example:2")


@pytest.fixture
def pool(parts: House) -> ProxyPool:
    return ProxyPool(parts.redis, [A, B], Rules(strategy="failover", rotate_after=2, cooloff=10, multiplier=3))


def same(parts: House, pool: ProxyPool) -> ProxyPool:
    """As another process has it."""
    return ProxyPool(parts.redis, [A, B], pool.rules)


def test_one_that_fails_is_left_for_another(pool: ProxyPool, parts: House) -> None:
    """Whoever counts, all agree; that a session went elsewhere is counted too."""
    assert pool.take("s") == A and pool.of("s") == A
    pool.failed(A, "it broke")
    assert pool.take("s") == A
    same(parts, pool).failed(A, "it broke again")
    assert pool.take("s") == B and same(parts, pool).of_many(["s", "t"]) == [B, None]
    first, second = (each.condition for each in pool.seen())
    assert (first.failures, first.failed, first.left, first.error) == (2, 2, 1, "it broke again")
    assert 19 < first.until - time.time() <= 20 and (second.failures, second.left) == (0, 0)
    pool.failed(A, "x")
    pool.failed(A, "x")
    assert 29 < pool.seen()[0].condition.until - time.time() <= 30


def test_a_success_takes_all_back(pool: ProxyPool) -> None:
    pool.failed(A, "x")
    pool.failed(A, "x")
    pool.succeeded(A)
    condition = pool.seen()[0].condition
    assert (condition.state(time.time()), condition.failures, condition.failed) == ("ok", 0, 2)


def test_what_a_check_takes_back(pool: ProxyPool, parts: House) -> None:
    """What checks have counted, and what is a while ago; but not that connections have just been lost. And the time for
    which it is left alone stays."""
    pool.failed(A, "a connection was lost")
    pool.check_passed(A, 12.5)
    assert (pool.seen()[0].condition.failures, pool.seen()[0].condition.latency_ms) == (1, 12.5)
    parts.redis.hset(keys.proxy(A.id), "failed_at", time.time() - 31)
    pool.check_passed(A, 12.5)
    assert pool.seen()[0].condition.failures == 0
    for _ in range(2):
        pool.check_failed(B, "no answer")
    pool.check_passed(B, 3)
    second = pool.seen()[1].condition
    assert (second.failures, second.is_down, second.state(time.time())) == (0, False, "cooling")


def test_when_it_is_worth_leaving(pool: ProxyPool) -> None:
    """A check has found it dead, often enough, and another is alive."""
    assert not pool.is_worth_leaving(A)
    assert pool.check_failed(A, "x") and not pool.is_worth_leaving(A)
    assert not pool.check_failed(A, "x") and pool.is_worth_leaving(A)
    pool.check_failed(B, "x")
    assert not pool.is_worth_leaving(A)
    for _ in range(2):
        pool.failed(B, "a connection was lost")
    assert not pool.is_worth_leaving(B)


def test_one_looks_at_a_time(pool: ProxyPool, parts: House) -> None:
    """And one look is enough for all who asked before it began."""
    asked = time.time()
    assert not pool.has_looked_since(asked)
    with pool.look(5) as mine:
        with same(parts, pool).look(5) as others:
            assert mine and not others
        assert pool.has_looked_since(asked) and not pool.has_looked_since(time.time() + 1)
    with same(parts, pool).look(5) as others:
        assert others


def test_a_session_goes_without(pool: ProxyPool) -> None:
    pool.take("s")
    pool.leave("s")
    assert pool.of("s") is None


def test_no_password_is_in_redis(pool: ProxyPool, parts: House) -> None:
    """Names are digests, and what failed is told by the address."""
    pool.take("s")
    pool.failed(A, "x")
    for name in parts.redis.scan_iter("warest:*prox*"):
        kind = parts.redis.type(name)
        value = parts.redis.hgetall(name) if kind == b"hash" else parts.redis.get(name)
        assert "s3cret" not in f"{name!r}{value!r}"

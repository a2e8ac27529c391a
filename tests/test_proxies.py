"""What a proxy is called, which one is chosen, and how long one that fails is left alone."""

from collections import Counter

import pytest

from warest.config.proxy_settings import pool_of, rules_of
from warest.config.settings import Settings
from warest.errors import InvalidInput, SetupError
from warest.proxies import Condition, Proxy, Rules, choose, parse

A, B, C = (Proxy("http", f"{name}.example", 3128) for name in "abc")
POOL = (A, B, C)
RULES = Rules(strategy="failover", rotate_after=2, cooloff=15, multiplier=3)


def conditions(**known: Condition) -> dict[str, Condition]:
    named = {"a": A, "b": B, "c": C}
    return {proxy.id: known.get(name, Condition()) for name, proxy in named.items()}


@pytest.mark.parametrize(
    ("text", "address", "credentials"),
    [
        ("proxy.example:3128", "http://proxy.example:3128", ("", "")),
        ("HTTP://Proxy.Example", "http://proxy.example:80", ("", "")),
        ("https://u:p@proxy.example/", "https://proxy.example:443", ("u", "p")),
        ("socks5://us%40er:p%3Aw%2F@[::1]:9", "socks5://[::1]:9", ("us@er", "p:w/")),
        ("socks5://proxy.example", "socks5://proxy.example:1080", ("", "")),
    ],
)
def test_a_proxy_is_read(text: str, address: str, credentials: tuple[str, str]) -> None:
    """Nothing that is shown of it holds its credentials, and its URL is read as the same one."""
    proxy = parse(text)
    assert (proxy.address, proxy.credentials) == (address, credentials)
    assert parse(proxy.url) == proxy and "credentials" not in repr(proxy)


@pytest.mark.parametrize(
    "text",
    ["", "ftp://h:1", "socks5h://h:1", "http://", "http://h:0", "http://h:99999", "http://h:1/path", "http://h:1?q",
     "http://h:x", "http://[::1", "http://s3cret@ h:1", "http://h:1\r\nX: s3cret", f"http://{'u' * 300}:s3cret@h:1"],
)  # fmt: skip
def test_what_is_no_proxy(text: str) -> None:
    """The refusal repeats nothing of it."""
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert "s3cret" not in caught.value.message


def test_ids_tell_credentials_apart() -> None:
    """Providers have one address for many ways out."""
    assert parse("http://u:1@h:1").id != parse("http://u:2@h:1").id


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 0), (2, 30), (3, 45), (4, 45), (1000, 45)])
def test_how_long_one_is_left_alone(failures: int, seconds: float) -> None:
    """Longer and longer, up to the multiplier."""
    assert RULES.left_alone(failures) == seconds


def test_failover_takes_the_first_that_works() -> None:
    assert choose(POOL, conditions(), RULES, now=100) == A
    assert choose(POOL, conditions(a=Condition(failures=2, until=101)), RULES, now=100) == B


def test_a_session_keeps_its_proxy() -> None:
    """As long as that is not left alone; one that has failed once is tried again."""
    assert choose(POOL, conditions(), RULES, now=100, current=C.id) == C
    assert choose(POOL, conditions(c=Condition(failures=1)), RULES, now=100, current=C.id) == C
    assert choose(POOL, conditions(c=Condition(failures=2, until=101)), RULES, now=100, current=C.id) == A


def test_without_sticking_each_start_chooses_anew() -> None:
    rules = Rules(strategy="failover", sticky=False)
    assert choose(POOL, conditions(), rules, now=100, current=C.id) == A


def test_they_take_turns() -> None:
    """Each in its place; those that are left alone are passed over."""
    rules = Rules(strategy="round_robin")
    assert [choose(POOL, conditions(), rules, now=1, turn=turn) for turn in range(4)] == [A, B, C, A]
    cooling = conditions(b=Condition(failures=2, until=9))
    assert [choose(POOL, cooling, rules, now=1, turn=turn) for turn in range(4)] == [A, C, C, A]


def test_at_random() -> None:
    """All that work, and no other."""
    cooling = conditions(b=Condition(failures=2, until=9))
    seen = Counter(choose(POOL, cooling, Rules(strategy="random"), now=1).host for _ in range(200))
    assert set(seen) == {"a.example", "c.example"}


def test_when_all_are_left_alone() -> None:
    """The one whose time is over first."""
    known = {name: Condition(failures=2, until=until) for name, until in (("a", 30.0), ("b", 10.0), ("c", 20.0))}
    assert choose(POOL, conditions(**known), RULES, now=1, current=A.id) == B


def test_without_a_cool_off_another_is_taken_all_the_same() -> None:
    rules = Rules(strategy="failover", cooloff=0)
    assert choose(POOL, conditions(a=Condition(failures=2)), rules, now=1, current=A.id) == B


def test_the_pool_of_the_settings() -> None:
    """By commas and line breaks, each once; the strategy as the original reads it."""
    settings = Settings(proxy_urls="a.example:1,\nhttp://a.example:1, socks5://u:s3cret@b.example:2")
    assert [proxy.address for proxy in pool_of(settings)] == ["http://a.example:1", "socks5://b.example:2"]
    assert "s3cret" not in repr(settings)
    assert rules_of(settings, 2) == Rules(strategy="round_robin", rotate_after=2, cooloff=15, multiplier=3)
    assert rules_of(settings, 1).strategy == "failover" and rules_of(settings, 1).rotate_after == 1


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("round-robin", "round_robin"),
        ("RR", "round_robin"),
        ("rand", "random"),
        ("primary", "failover"),
        ("?", "failover"),
    ],
)
def test_names_of_strategies(given: str, read: str) -> None:
    assert rules_of(Settings(proxy_strategy=given), 3).strategy == read


def test_a_wrong_url_is_not_repeated() -> None:
    """It stops the start, with its number."""
    with pytest.raises(ValueError, match="number 2 is wrong") as caught:
        Settings(proxy_urls="a.example:1,ftp://u:s3cret@b.example:2")
    assert "s3cret" not in str(caught.value)


def test_a_sandbox_has_its_proxies_here() -> None:
    """Decision 15."""
    with pytest.raises(SetupError, match=r"http://b\.example:2 is not a loopback address"):
        pool_of(Settings(proxy_urls="127.0.0.1:1,u:s3cret@b.example:2", sandbox_url="http://127.0.0.1:7309"))

"""Proxies: what they are called, how one is chosen, and how long one that has failed is left alone. Pure functions.

The credentials in a proxy's URL are a secret: whatever is shown of a proxy is its `address`. Facts: contract, data.md
section 6; the schemes are those that the engine knows (trap 26).
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from warest.errors import InvalidInput

SCHEMES = {"http": 80, "https": 443, "socks5": 1080}

#: What stands in place of a URL where a session is to use no proxy at all.
DIRECT = "direct"

#: What stands in the place of one that cannot be read, since the key is missing that it was encrypted with.
LOCKED = "locked"

FAILOVER, ROUND_ROBIN, RANDOM = "failover", "round_robin", "random"


@dataclass(frozen=True)
class Proxy:
    """One way out. `credentials` are user and password, as they are; empty: none."""

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] = field(default=("", ""), repr=False)

    @property
    def address(self) -> str:
        """What people are shown."""
        return f"{self.scheme}://{self._netloc}"

    @property
    def url(self) -> str:
        """With the credentials: for the engine, and for nobody's eyes."""
        user, password = (quote(part, safe="") for part in self.credentials)
        return f"{self.scheme}://{user}:{password}@{self._netloc}" if user or password else self.address

    @property
    def id(self) -> str:
        """What it is called inside the house: two may differ in nothing but their credentials."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def is_local(self) -> bool:
        """It is on this machine, as everything of a sandbox has to be (decision 15)."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def _netloc(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Proxy:
    """`SCHEME://USER:PASSWORD@HOST:PORT`; without a scheme it is http. Raises InvalidInput, with no word of the text,
    which may hold a password."""
    given = text.strip()
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong() from None
    scheme, is_bare = parts.scheme.lower(), parts.path in ("", "/") and not parts.query and not parts.fragment
    if scheme not in SCHEMES or port == 0 or not is_bare or not host or not given.isascii() or not given.isprintable():
        raise _wrong()
    if " " in given or "%" in host:
        raise _wrong()
    credentials = unquote(parts.username or ""), unquote(parts.password or "")
    if any(len(part.encode()) > 255 or not part.isprintable() for part in credentials):
        raise _wrong()
    return Proxy(scheme, host, port or SCHEMES[scheme], credentials)


def _wrong() -> InvalidInput:
    return InvalidInput(
        "a proxy is http://, https:// or socks5://, then USER:PASSWORD@ if it wants one, then HOST:PORT"
    )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`rotate_after`: failures in a row until another is taken. `cooloff` in seconds, `multiplier`: how many times as
    long one is left alone at most that goes on failing."""

    strategy: str = FAILOVER
    sticky: bool = True
    rotate_after: int = 2
    cooloff: float = 15.0
    multiplier: float = 3.0

    @property
    def longest(self) -> float:
        """For how long one is left alone at most, s."""
        return self.cooloff * self.multiplier

    def left_alone(self, failures: int) -> float:
        """How long, after so many failures in a row, s; 0: not yet."""
        return self.cooloff * min(self.multiplier, failures) if failures >= self.rotate_after else 0.0


@dataclass(frozen=True)
class Condition:
    """How a proxy is, as all processes know it. Times are epoch seconds, 0 for never.

    `failures` in a row, since `until` says when it may be used again; `is_down`: its last check has failed. `error` is
    why it failed last. `failed` and `left` only grow: failures ever, and sessions that have left it for another.
    """

    failures: int = 0
    until: float = 0.0
    is_down: bool = False
    checked: float = 0.0
    latency_ms: float = 0.0
    error: str = ""
    failed: int = 0
    left: int = 0

    def is_cooling(self, now: float) -> bool:
        return self.until > now

    def state(self, now: float) -> str:
        """`ok`, `failing` (it is still used), `cooling` (it is not)."""
        return "cooling" if self.is_cooling(now) else "failing" if self.failures or self.is_down else "ok"


def choose(
    pool: Sequence[Proxy],
    conditions: Mapping[str, Condition],
    rules: Rules,
    *,
    now: float,
    turn: int = 0,
    current: str | None = None,
) -> Proxy:
    """Which one a session takes when it connects. `current` is the id of the one that it had, `turn` counts choices.

    When all are left alone it is the one whose time is over first.
    """
    usable = [proxy for proxy in pool if not conditions[proxy.id].is_cooling(now)]
    if not usable:
        return min(pool, key=lambda proxy: conditions[proxy.id].until)
    kept = next((proxy for proxy in usable if proxy.id == current), None)
    if kept and conditions[kept.id].failures < rules.rotate_after and (rules.sticky or conditions[kept.id].failures):
        return kept
    others = [proxy for proxy in usable if proxy.id != current or not conditions[proxy.id].failures] or usable
    if rules.strategy == ROUND_ROBIN:
        ring = [pool[(turn + step) % len(pool)] for step in range(len(pool))]
        return next(proxy for proxy in ring if proxy in others)
    return random.choice(others) if rules.strategy == RANDOM else others[0]

"""The settings of the proxies through which sessions reach WhatsApp."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from warest import proxies
from warest.config.kinds import Milliseconds, variables
from warest.errors import InvalidInput, SetupError
from warest.proxies import FAILOVER, RANDOM, ROUND_ROBIN, Proxy, Rules

_STRATEGIES = {
    "round_robin": ROUND_ROBIN,
    "rr": ROUND_ROBIN,
    "random": RANDOM,
    "rand": RANDOM,
    "failover": FAILOVER,
    "primary": FAILOVER,
}


def _urls(value: str) -> str:
    for number, text in enumerate(_split(value), 1):
        try:
            proxies.parse(text)
        except InvalidInput as error:  # which one, but no word of it: it may hold a password
            raise ValueError(f"number {number} is wrong: {error.message}") from None
    return value


def _strategy(value: object) -> object:
    """As in the original, what nobody knows is `failover`."""
    return _STRATEGIES.get(str(value).lower().replace("-", "_"), FAILOVER) if value else value


def _split(value: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]


class ProxySettings(BaseModel):
    """Without a pool sessions connect directly, or as `HTTPS_PROXY` says."""

    proxy_urls: Annotated[str, AfterValidator(_urls)] = variables(
        "WAREST_PROXY_URLS",
        default="",
        secret=True,
        help="The proxies of the sessions: `http://`, `https://` or `socks5://USER:PASSWORD@HOST:PORT`, separated by "
        "commas or line breaks. Without a scheme it is http.",
    )
    proxy_strategy: Annotated[str, BeforeValidator(_strategy)] = variables(
        "WAREST_PROXY_STRATEGY",
        default="",
        help="Which one a session gets: `round_robin` (the default for several), `random`, or `failover`, the first "
        "that works.",
    )
    proxy_sticky: bool = variables(
        "WAREST_PROXY_STICKY_SESSION", default=True, help="A session keeps its proxy as long as that works."
    )
    proxy_rotate_after: Annotated[int, Field(ge=1)] | None = variables(
        "WAREST_PROXY_ROTATE_AFTER_FAILURES",
        default=None,
        help="Failures in a row after which a proxy is left alone for a while; 2 if not set, 1 for a single proxy.",
    )
    proxy_cooloff_ms: Milliseconds = variables(
        "WAREST_PROXY_FAILURE_COOLOFF_MS",
        default=15_000,
        help="How long it is left alone, times its failures in a row, ms.",
    )
    proxy_multiplier: Annotated[float, Field(ge=1)] = variables(
        "WAREST_PROXY_FAILURE_BACKOFF_MULTIPLIER", default=3.0, help="So many times as long at most."
    )
    proxy_check_ms: Milliseconds = variables(
        "WAREST_PROXY_CHECK_INTERVAL_MS",
        default=30_000,
        help="How often a worker looks whether each proxy leads to WhatsApp; 0 means only when a session has lost its "
        "connection, ms.",
    )
    proxy_timeout_ms: Annotated[int, Field(ge=100)] = variables(
        "WAREST_PROXY_TIMEOUT_MS",
        default=15_000,
        help="A check, or a session's connection, that has led nowhere after so long has failed, ms.",
    )


def pool_of(settings: Any) -> list[Proxy]:
    """Each once, in the order of the setting. Raises SetupError for what a sandbox must not use (decision 15)."""
    found = list(dict.fromkeys(map(proxies.parse, _split(settings.proxy_urls))))
    if settings.sandbox_url and (strange := [proxy.address for proxy in found if not proxy.is_local]):
        raise SetupError(
            f"A sandbox is on this machine: {', '.join(strange)} is not a loopback address. Take it out of"
            " WAREST_PROXY_URLS, or unset WAREST_SANDBOX_URL."
        )
    return found


def rules_of(settings: ProxySettings, count: int) -> Rules:
    """Those for a pool of so many."""
    return Rules(
        strategy=settings.proxy_strategy or (ROUND_ROBIN if count > 1 else FAILOVER),
        sticky=settings.proxy_sticky,
        rotate_after=settings.proxy_rotate_after or (2 if count > 1 else 1),
        cooloff=settings.proxy_cooloff_ms / 1000,
        multiplier=settings.proxy_multiplier,
    )

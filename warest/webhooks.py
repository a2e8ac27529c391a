"""Webhook deliveries: what is sent, how it is signed, when it is tried again. Pure functions.

Facts: contract, webhooks.md sections 2 and 5; decision 32 for the schedule.
"""

import hashlib
import hmac
import platform
import random
from dataclasses import dataclass

import orjson

from warest.events import SessionIdentity, as_javascript

#: Waits after the fast retries, s: with the attempt before each, ten tries over 75 h 35 min (Standard Webhooks).
LONG_SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a receiver. `ts_ms` is the same number as in `body`."""

    event_id: str
    event: str
    ts_ms: int
    body: bytes

    def restamped(self, ts_ms: int) -> "Delivery":
        """The same event with a new time, for a receiver that refuses what is older than five minutes."""
        return Delivery(self.event_id, self.event, ts_ms, as_javascript({**orjson.loads(self.body), "ts": ts_ms}))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a failed delivery is tried again: `retries` fast ones with a doubled `backoff` (s), then the long ones."""

    retries: int
    backoff: float
    jitter: float

    def delay(self, failed_attempts: int) -> float | None:
        """Seconds until the next attempt; None: there is none."""
        jitter = random.uniform(0, self.jitter)
        if failed_attempts <= self.retries:
            return float(self.backoff * 2 ** (failed_attempts - 1)) + jitter
        long = failed_attempts - self.retries - 1
        return LONG_SCHEDULE[long] + jitter if long < len(LONG_SCHEDULE) else None

    def is_fast(self, attempt: int) -> bool:
        """Attempts of the fast schedule repeat the bytes, later ones are signed afresh (decision 32)."""
        return attempt <= self.retries + 1


def signature(secret: str, username: str, body: bytes, sha2: str = "256") -> str:
    """The value of X-WAREST-Signature. The key is the secret and the owner's name put together (quirk W7)."""
    digest = hmac.new((secret + username).encode(), body, getattr(hashlib, f"sha{sha2}")).hexdigest()
    return f"HMAC-SHA{sha2}={digest}"


def headers(
    delivery: Delivery, session: SessionIdentity, secret: str, *, sha2: str = "256", attempt: int | None = None
) -> dict[str, str]:
    """All headers but those of the HTTP client, in the casing that receivers compare; no `attempt`: a preflight."""
    kind = "webhook" if attempt else "preflight"
    wanted = {
        "Content-Type": "application/json",
        "User-Agent": f"WAREst/1 ({kind}) Python/{platform.python_version()}",
        "X-WAREST-Signature": signature(secret, session.username, delivery.body, sha2),
        "X-WAREST-Signature-Alg": f"HMAC-SHA{sha2}",
        "X-WAREST-Timestamp": str(delivery.ts_ms),
        "X-WAREST-Event": delivery.event,
        "X-WAREST-Event-Id": delivery.event_id if attempt else "",
        "X-WAREST-Session": session.id,
        "X-WAREST-Registry": session.registry,
        "X-WAREST-Label": session.label,
        "X-WAREST-Username": session.username,
        "X-WAREST-Version": "1",
        "X-WAREST-Delivery-Attempt": str(attempt or ""),
        "X-WAREST-Preflight": "" if attempt else "1",
    }
    return {name: value for name, value in wanted.items() if value}


def is_worth_retrying(status: int) -> bool:
    """Whether the same request may be accepted later: too many requests, or the receiver's own trouble."""
    return status == 429 or status >= 500

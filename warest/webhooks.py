"""Webhook deliveries: what is sent, how it is signed, what an answer means, when it is tried again. Pure functions.

Facts: contract, webhooks.md sections 2 and 5; Standard Webhooks' specification; decisions 32 to 36.
"""

import base64
import email.utils
import hashlib
import hmac
import platform
import random
import secrets
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

import orjson

from warest.events import SessionIdentity, as_javascript

#: Waits after the fast retries, s: with the attempt before each, ten tries over 75 h 35 min (Standard Webhooks).
LONG_SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)

#: The longest that a receiver may ask us to wait, s.
LONGEST_WAIT = 24 * 3600.0

#: A shorter secret never signs anything, characters.
SHORTEST_SECRET = 6

_STANDARD = "whsec_"


class Verdict(Enum):
    """What an answer means for the delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"  # its own trouble, or too many requests: the same may be accepted later
    REFUSED = "refused"  # 401, 403: its owner has to mend something, and it is of no use to knock every second
    GONE = "gone"  # 404, 410: nobody is there
    NEVER = "never"  # it has understood, and will not take this


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a receiver. `ts_ms` is the same number as in `body`, `made_ms` when it was made."""

    event_id: str
    event: str
    ts_ms: int
    body: bytes
    made_ms: int

    def restamped(self, ts_ms: int) -> "Delivery":
        """The same event with a new time, for a receiver that refuses what is older than five minutes."""
        body = as_javascript({**orjson.loads(self.body), "ts": ts_ms})
        return replace(self, ts_ms=ts_ms, body=body)

    def encoded(self) -> dict[str, Any]:
        """As a Dramatiq message has it."""
        return {**asdict(self), "body": self.body.decode()}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a failed delivery is tried again: `retries` fast ones with a doubled `backoff` (s), then the `long` ones."""

    retries: int
    backoff: float
    jitter: float
    long: tuple[float, ...] = LONG_SCHEDULE

    def delay(self, failed_attempts: int) -> float | None:
        """Seconds until the next attempt; None: there is none."""
        jitter = random.uniform(0, self.jitter)
        if failed_attempts <= self.retries:
            return float(self.backoff * 2 ** (failed_attempts - 1)) + jitter
        long = failed_attempts - self.retries - 1
        return self.long[long] + jitter if long < len(self.long) else None

    def is_fast(self, attempt: int) -> bool:
        """Attempts of the fast schedule repeat the bytes, later ones are signed afresh (decision 32)."""
        return attempt <= self.retries + 1


def verdict(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == 429 or status >= 500:
        return Verdict.RETRY
    return {401: Verdict.REFUSED, 403: Verdict.REFUSED, 404: Verdict.GONE, 410: Verdict.GONE}.get(status, Verdict.NEVER)


def retry_after(header: str, now: float) -> float:
    """How long a receiver wants to be left alone, s: it says seconds, or an HTTP date. 0: it says nothing of use."""
    if header.strip().isdecimal():
        return min(float(header), LONGEST_WAIT)
    try:
        at = email.utils.parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(at - now, 0.0), LONGEST_WAIT)


def new_secret() -> str:
    return secrets.token_hex(16)


def new_standard_secret() -> str:
    """As Standard Webhooks wants them: 24 random bytes."""
    return _STANDARD + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(secret: str, username: str, body: bytes, sha2: str = "256") -> str:
    """The value of X-WAREST-Signature. The key is the secret and the owner's name put together (quirk W7)."""
    digest = hmac.new((secret + username).encode(), body, getattr(hashlib, f"sha{sha2}")).hexdigest()
    return f"HMAC-SHA{sha2}={digest}"


def standard_signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """One of those in `webhook-signature`; `timestamp` is that of the attempt, epoch s."""
    key = base64.b64decode(secret.removeprefix(_STANDARD))
    digest = hmac.new(key, b"%s.%d.%s" % (id.encode(), timestamp, body), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(
    delivery: Delivery, session: SessionIdentity, secret: str, *, sha2: str = "256", attempt: int | None = None
) -> dict[str, str]:
    """The contract's, in the casing that receivers compare; no `attempt`: a preflight."""
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


def standard_headers(delivery: Delivery, secrets: list[str], now: int) -> dict[str, str]:
    """Those of Standard Webhooks, signed with each of the secrets, so that one can take the other's place."""
    signatures = [standard_signature(each, delivery.event_id, now, delivery.body) for each in secrets]
    return {
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }

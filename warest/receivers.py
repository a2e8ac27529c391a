"""One HTTP try at a webhook receiver, and what came of it."""

import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from warest import webhooks
from warest.addresses import Networks
from warest.errors import FetchError, InvalidInput
from warest.events import ON_REQUEST, SessionIdentity, as_javascript
from warest.fetch.poster import Posted, Poster
from warest.store import Secrets
from warest.webhooks import Delivery, Verdict

#: The setting that says which receivers in private networks are called.
SETTING = "WAREST_WEBHOOK_PRIVATE_NETWORKS"

#: As much of an answer is read, bytes: actions stand in it.
ANSWER_LIMIT = 1_000_000

#: Secrets that a receiver may still know, of those that are replaced.
PREVIOUS = "X-WAREST-Signature-Previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an event of a session goes, and who it is: all that a try needs.

    `is_default`: the URL is that of the settings, so its owner is not the session's. `is_trusted`: the session is an
    admin's, who may have receivers in private networks (decision 35).
    """

    endpoint: str
    identity: SessionIdentity
    url: str
    secrets: tuple[Secrets, ...]
    events: tuple[str, ...] = ()
    is_enabled: bool = True
    is_default: bool = False
    is_trusted: bool = False

    def wants(self, event: str) -> bool:
        """Without a filter all that old receivers know; what they do not know has to be asked for."""
        return event in self.events if self.events else event not in ON_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try; `status` None: there was no answer. `wait` is what the receiver asks for, s."""

    verdict: Verdict
    status: int | None
    seconds: float
    excerpt: str = ""
    error: str = ""
    wait: float = 0.0
    answer: bytes = field(default=b"", repr=False)

    @property
    def actions(self) -> tuple[list[object], int | None]:
        """What the receiver wants done, and the pause between (contract, webhooks.md section 6), ms."""
        if self.verdict is not Verdict.DELIVERED or b'"actions"' not in self.answer:
            return [], None
        try:
            told = orjson.loads(self.answer)
        except orjson.JSONDecodeError:
            return [], None
        if not isinstance(told, dict) or not isinstance(told.get("actions"), list):
            return [], None
        delay = told.get("delayMs")
        return told["actions"], int(delay) if isinstance(delay, int | float) else None


class Receivers:
    """Knocks. May be used by many threads at once."""

    def __init__(self, networks: str, *, sha2: str, seconds: float, preflight_seconds: float) -> None:
        """`networks`: which private ones are allowed: `auto`, or what addresses.Networks understands."""
        kinds = ("allow", "deny") if networks == "auto" else (networks, networks)
        self._to_trusted, self._to_others = (Poster(Networks.parse(kind), setting=SETTING) for kind in kinds)
        self._sha2 = sha2
        self._seconds = seconds
        self._preflight_seconds = preflight_seconds

    def close(self) -> None:
        """The connections that are kept alive."""
        self._to_trusted.close()
        self._to_others.close()

    def deliver(self, target: Target, delivery: Delivery, attempt: int) -> Outcome:
        """Never raises for what is the receiver's doing."""
        newest, *previous = target.secrets
        headers = webhooks.headers(delivery, target.identity, newest.secret, sha2=self._sha2, attempt=attempt)
        headers |= webhooks.standard_headers(delivery, [each.standard for each in target.secrets], int(time.time()))
        if previous:
            username = target.identity.username
            former = [webhooks.signature(each.secret, username, delivery.body, self._sha2) for each in previous]
            headers[PREVIOUS] = " ".join(former)
        return self._knock(target, delivery.body, headers, self._seconds)

    def preflight(self, target: Target) -> dict[str, object]:
        """Ask a receiver whether it would accept (contract, webhooks.md section 3)."""
        ts_ms = time.time_ns() // 1_000_000
        envelope = {"event": "preflight", "data": {"ping": True}, "ts": ts_ms, "session": target.identity.envelope()}
        ping = Delivery("", "preflight", ts_ms, as_javascript(envelope), ts_ms)
        headers = webhooks.headers(ping, target.identity, target.secrets[0].secret, sha2=self._sha2)
        outcome = self._knock(target, ping.body, headers, self._preflight_seconds)
        told: dict[str, object] = {"target": target.url, "ok": outcome.verdict is Verdict.DELIVERED}
        told |= {"error": outcome.error} if outcome.status is None else {"status": outcome.status}
        return told | {"roundTripMs": round(outcome.seconds * 1000)}

    def _knock(self, target: Target, body: bytes, headers: dict[str, str], seconds: float) -> Outcome:
        began = time.monotonic()
        try:
            poster = self._to_trusted if target.is_trusted else self._to_others
            told: dict[str, Any] = {"receiver": target.endpoint, "seconds": seconds, "limit": ANSWER_LIMIT}
            posted = poster.post(target.url, body, headers, **told)
        except (InvalidInput, FetchError) as error:
            verdict = Verdict.NEVER if isinstance(error, InvalidInput) else Verdict.RETRY
            return Outcome(verdict=verdict, status=None, seconds=time.monotonic() - began, error=error.message)
        return _outcome(posted)


def _outcome(posted: Posted) -> Outcome:
    verdict = webhooks.verdict(posted.status)
    return Outcome(
        verdict=verdict,
        status=posted.status,
        seconds=posted.seconds,
        excerpt=posted.body[:4_000].decode(errors="replace"),
        error="" if verdict is Verdict.DELIVERED else f"HTTP {posted.status}",
        wait=webhooks.retry_after(posted.headers.get("retry-after", ""), time.time()),
        answer=posted.body,
    )

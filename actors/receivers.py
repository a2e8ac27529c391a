"""One HTTP try at a webhook receiver."""

import time

import httpx

from warest import webhooks
from warest.config.settings import Settings
from warest.errors import DeliveryError
from warest.events import SessionIdentity, as_javascript


class Receivers:
    """Keeps connections to receivers alive between tries. Redirects are not followed: a receiver answers itself."""

    def __init__(self, settings: Settings) -> None:
        self._sha2 = settings.webhook_sha2
        self._timeout = settings.webhook_timeout_ms / 1000
        self._preflight_timeout = settings.webhook_preflight_timeout_ms / 1000
        self._http = httpx.Client(timeout=self._timeout, limits=httpx.Limits(max_keepalive_connections=100))

    def deliver(
        self, url: str, secret: str, session: SessionIdentity, delivery: webhooks.Delivery, attempt: int
    ) -> None:
        """Raises DeliveryError unless the receiver answers 2xx; its `permanent` says whether to try again."""
        headers = webhooks.headers(delivery, session, secret, sha2=self._sha2, attempt=attempt)
        status = self._post(url, delivery.body, headers, self._timeout)
        if not 200 <= status < 300:
            raise DeliveryError(f"HTTP {status}", permanent=not webhooks.is_worth_retrying(status), status=status)

    def preflight(self, url: str, secret: str, session: SessionIdentity) -> dict[str, object]:
        """Try a receiver before it is configured (contract, webhooks.md section 3). Never raises."""
        ts_ms = time.time_ns() // 1_000_000
        envelope = {"event": "preflight", "data": {"ping": True}, "ts": ts_ms, "session": session.envelope()}
        ping = webhooks.Delivery("", "preflight", ts_ms, as_javascript(envelope))
        headers = webhooks.headers(ping, session, secret, sha2=self._sha2)
        began = time.perf_counter()
        try:
            status = self._post(url, ping.body, headers, self._preflight_timeout)
            outcome: dict[str, object] = {"ok": 200 <= status < 300, "status": status}
        except DeliveryError as error:
            outcome = {"ok": False, "error": error.message}
        return {"target": url, **outcome, "roundTripMs": round((time.perf_counter() - began) * 1000)}

    def _post(self, url: str, body: bytes, headers: dict[str, str], timeout: float) -> int:
        try:
            raw = {name.encode(): _raw(value) for name, value in headers.items()}
            with self._http.stream("POST", url, content=body, headers=raw, timeout=timeout) as answer:
                return answer.status_code
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise DeliveryError(f"not a URL that can be called: {error}", permanent=True) from error
        except httpx.HTTPError as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error


def _raw(value: str) -> bytes:
    """A header's value as Node writes it: Latin-1, where that is enough."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()

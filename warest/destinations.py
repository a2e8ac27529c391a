"""Where the events of a session go, as it is configured now.

Every process remembers it for a moment: the database is not asked for each event, and what waits goes out while the
database is away. Whoever changes an endpoint says so in Redis, where it is looked up each time.
"""

import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import redis

from warest import farewell, keys
from warest.bus import Bus
from warest.circuits import Circuits
from warest.ids import new_ulid
from warest.receivers import Target
from warest.store import Endpoint, Secrets, SessionRecord, Store
from warest.store.endpoints import ENABLED
from warest.vault import Vault

#: What is remembered is looked up again after this long in any case, s.
REMEMBERED = 60.0

#: For what a secret on its way to a preflight is encrypted.
PREFLIGHT = "preflight"

#: Sessions that are remembered, at most.
SESSIONS = 5_000


@dataclass(frozen=True, slots=True)
class Destinations:
    """`is_deleted`: the session is gone, and only its last events are still on their way."""

    targets: tuple[Target, ...]
    is_deleted: bool = False

    def at(self, endpoint: str) -> Target | None:
        return next((each for each in self.targets if each.endpoint == endpoint), None)


class Directory:
    """May be used by many threads at once."""

    def __init__(self, client: "redis.Redis", store: Store, *, default_url: str, default_secret: str = "") -> None:
        """The defaults are those of sessions without a receiver, or a secret, of their own. Whoever delivers nothing
        needs no secret."""
        self._redis = client
        self._store = store
        self._default_url = default_url
        self._default_secret = default_secret
        self._lock = threading.Lock()
        self._mark: bytes | None = None
        self._known: dict[str, tuple[float, Destinations]] = {}

    def of(self, session: str) -> Destinations:
        mark = self._redis.get(keys.ENDPOINTS_CHANGED)
        with self._lock:
            if mark != self._mark or len(self._known) >= SESSIONS:
                self._known.clear()
                self._mark = mark  # type: ignore[assignment]  # redis-py says it might be awaited
            until, found = self._known.get(session, (0.0, None))
        if found is None or until < time.monotonic():
            found = self._found(session)
            with self._lock:  # unless somebody has said meanwhile that it is different
                if mark == self._mark:
                    self._known[session] = (time.monotonic() + REMEMBERED, found)
        return found

    def changed(self) -> None:
        """An endpoint is not any more what it was."""
        self._redis.set(keys.ENDPOINTS_CHANGED, new_ulid())

    def _found(self, session: str) -> Destinations:
        record = self._store.session_by_ulid(session)
        if record is None:
            last = farewell.of(self._redis, self._store.vault, session)
            return Destinations(tuple(map(self._signing, last)), is_deleted=True)
        return Destinations(tuple(self.targets(record)))

    def targets(self, record: SessionRecord) -> list[Target]:
        """From the database."""
        found = [self.target(each, record) for each in self._store.endpoints.of_session(record.ulid)]
        return [each for each in found if each.url]

    def target(self, endpoint: Endpoint, record: SessionRecord) -> Target:
        """What stands for an endpoint when events of this session go there; without a URL nothing does."""
        default = self._default_url if endpoint.is_of_config else ""
        target = Target(
            endpoint=endpoint.id,
            identity=record.identity,
            url=endpoint.url or default,
            secrets=endpoint.secrets,
            events=endpoint.events,
            is_enabled=endpoint.state == ENABLED,
            is_default=not endpoint.url,
            is_trusted=record.owner.is_admin,
        )
        return self._signing(target)

    def _signing(self, target: Target) -> Target:
        """With the secrets that count now; one whose secrets cannot be read is not enabled."""
        if not target.secrets:
            return target
        newest, *previous = target.secrets
        return replace(
            target, secrets=(replace(newest, secret=newest.secret or self._default_secret), *_alive(previous))
        )


def reopen(bus: Bus, endpoint: str) -> None:
    """It begins anew: nothing is held against it any more, and what was held for it goes out."""
    Circuits(bus.redis).forget(endpoint)
    bus.send(keys.WEBHOOK_QUEUE, "release_deliveries", endpoint=endpoint)


def preflight_order(vault: Vault, session: str, urls: list[str], secret: str) -> dict[str, Any]:
    """What the actor `preflight` is told; the secret does not stand in a queue as it is."""
    return {"session": session, "urls": urls, "secret": vault.seal(secret, PREFLIGHT, session)}


def _alive(secrets: list[Secrets]) -> list[Secrets]:
    now = time.time()
    return [each for each in secrets if (each.until or 0) > now]

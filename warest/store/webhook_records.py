"""What the store gives about endpoints, deliveries and attempts: plain dataclasses. Times are epoch seconds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What signs for an endpoint: the contract's way, and the way of Standard Webhooks (`whsec_…`).

    Those of a former life sign as well, `until` then.
    """

    secret: str = field(repr=False)
    standard: str = field(repr=False)
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go. `session` None: those of every session of the registry; no `events`: all of them.

    The one that has the id of its session is that of the contract's `config`: without a `url` it stands for the
    default one, without a secret it signs with the default one. `secrets` are the newest first; there are none when
    they cannot be read. `state` is enabled, paused (by its owner) or disabled (by us, for `reason`, since
    `updated_at`).
    """

    id: str
    registry: str
    session: str | None
    url: str
    events: tuple[str, ...]
    secrets: tuple[Secrets, ...]
    state: str
    reason: str
    created_at: float
    updated_at: float

    @property
    def is_of_config(self) -> bool:
        return self.id == self.session

    @property
    def secret(self) -> str:
        """The one that signs the contract's way; empty: the default one, or it cannot be read."""
        return self.secrets[0].secret if self.secrets else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """An event on its way to an endpoint. `state` is pending, delivered or dead.

    A pending one without `next_attempt_at` is held until its endpoint is enabled. `status_code` and `error` are those
    of the last attempt.
    """

    id: str
    event_id: str
    endpoint: str
    session: str
    registry: str
    event: str
    state: str
    tries: int
    next_attempt_at: float | None
    status_code: int | None
    error: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP try; no `status_code`: there was no answer."""

    number: int
    at: float
    url: str
    status_code: int | None
    latency_ms: int
    excerpt: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is written into the log of deliveries: how one stands, and the attempt from which that follows, if any."""

    delivery: str
    event_id: str
    endpoint: str
    session: str
    registry: str
    event: str
    created_at: float
    state: str
    next_attempt_at: float | None = None
    attempt: Attempt | None = None

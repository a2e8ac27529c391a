"""What the store gives about endpoints, deliveries and attempts: plain dataclasses. Times are epoch seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go. `session` None: those of every session of the registry; no `events`: all of them.

    `state` is enabled, paused (by its owner) or disabled (by us, for `reason`). `failures` in a row since
    `first_failure_at`.
    """

    id: str
    registry: str
    session: str | None
    url: str
    events: tuple[str, ...]
    secret: str
    standard_secret: str
    state: str
    reason: str
    failures: int
    first_failure_at: float | None
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """An event on its way to an endpoint; its body is asked for by itself. `state` is pending, delivered or dead."""

    id: str
    event_id: str
    endpoint: str
    session: str
    registry: str
    event: str
    state: str
    tries: int
    next_attempt_at: float | None
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP try; no `status_code`: there was no answer."""

    number: int
    at: float
    status_code: int | None
    latency_ms: int
    excerpt: str = ""
    error: str = ""

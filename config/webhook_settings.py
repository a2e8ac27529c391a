"""The settings of webhooks."""

from typing import Annotated

from pydantic import BaseModel, Field

from warest import webhooks
from warest.config.kinds import Milliseconds, ReceiversNetworks, Sha2, Waits, split, variables


class WebhookSettings(BaseModel):
    """Where events go, how they are signed, and how long it is tried."""

    webhook_default_url: str = variables("WEBHOOK_DEFAULT_URL", default="", help="Receiver of sessions without one.")
    webhook_default_secret: str = variables(
        "WEBHOOK_DEFAULT_SECRET",
        default="",
        secret=True,
        help="Signs where a session has no secret; generated if unset.",
    )
    webhook_timeout_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_TIMEOUT_MS", default=10_000, help="Longest wait for a receiver, ms."
    )
    webhook_preflight_timeout_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_PREFLIGHT_TIMEOUT_MS", default=5_000, help="Longest wait for a preflight's answer, ms."
    )
    webhook_retries: Annotated[int, Field(ge=0, le=20)] = variables(
        "WAREST_WEBHOOK_RETRIES", default=3, help="Fast retries, before the long schedule begins."
    )
    webhook_backoff_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_BACKOFF_MS", default=800, help="Wait before the first fast retry, doubled for each next, ms."
    )
    webhook_jitter_ms: Milliseconds = variables(
        "WAREST_WEBHOOK_JITTER_MS", default=300, help="Random addition to each wait, ms."
    )
    webhook_sha2: Sha2 = variables("WAREST_WEBHOOK_SIGNATURE_SHA2", default="256", help="224, 256, 384 or 512.")
    webhook_long_schedule: Waits = variables(
        "WAREST_WEBHOOK_LONG_SCHEDULE_SEC",
        default=",".join(f"{wait:g}" for wait in webhooks.LONG_SCHEDULE),
        help="Waits before the tries after the fast ones, separated by commas, s.",
    )
    webhook_disable_after: Annotated[float, Field(gt=0)] = variables(
        "WAREST_WEBHOOK_DISABLE_AFTER_HOURS",
        default=120.0,
        help="An endpoint that has failed for so long without a break is disabled, and what is for it waits, hours.",
    )
    webhook_networks: ReceiversNetworks = variables(
        "WAREST_WEBHOOK_PRIVATE_NETWORKS",
        default="auto",
        help="Receivers outside of the public internet: `auto` allows them to admins, `allow` to everybody, `deny` to "
        "nobody; else addresses and networks, separated by commas. Metadata services of clouds never.",
    )
    webhook_threads: Annotated[int, Field(ge=2, le=1000)] = variables(
        "WAREST_WEBHOOK_THREADS", default=100, help="Receivers that one worker process waits for at once."
    )
    webhook_concurrency: Annotated[int, Field(ge=1)] = variables(
        "WAREST_WEBHOOK_CONCURRENCY", default=16, help="Of these, the most that one endpoint gets."
    )
    webhook_overlap_hours: Annotated[float, Field(ge=0)] = variables(
        "WAREST_WEBHOOK_ROTATION_OVERLAP_HOURS",
        default=24.0,
        help="A secret that was replaced signs for so long beside the new one, hours.",
    )
    deliveries_retention_days: Annotated[float, Field(gt=0)] = variables(
        "WAREST_DELIVERIES_RETENTION_DAYS", default=30.0, help="How long the log of deliveries is kept, days."
    )

    @property
    def long_schedule(self) -> tuple[float, ...]:
        return tuple(map(float, split(self.webhook_long_schedule)))

"""The settings of a session's queue of commands: how many at once, how many may wait and how long, and what is tried
again."""

import random
from typing import Annotated

from pydantic import BaseModel, Field

from warest.config.kinds import Milliseconds, variables

#: Longest pause before a command is tried again, s.
LONGEST_PAUSE = 60.0


class QueueSettings(BaseModel):
    """Each session has a queue of its own."""

    queue_concurrency: Annotated[int, Field(ge=1, le=64)] = variables(
        "WAREST_QUEUE_CONCURRENCY",
        default=1,
        help="Commands that a session works on at once. With more than one they may overtake each other.",
    )
    queue_max_size: Annotated[int, Field(ge=0)] = variables(
        "WAREST_QUEUE_MAX_SIZE",
        default=0,
        help="Commands that wait for a session, the running ones among them; beyond it calls are refused with 429. 0 "
        "means no limit but WAREST_QUEUE_LIMIT.",
    )
    queue_timeout_ms: Milliseconds = variables(
        "WAREST_QUEUE_TIMEOUT_MS",
        default=0,
        help="How long a call waits for its turn, rounded up to seconds; then it is not carried out, and refused with "
        "504. 0 means as long as it takes, ms.",
    )
    queue_max_retries: Annotated[int, Field(ge=0, le=100)] = variables(
        "WAREST_QUEUE_MAX_RETRIES",
        default=0,
        help="How often a command is tried again of which it is known that nothing was sent.",
    )
    queue_retry_delay_ms: Milliseconds = variables(
        "WAREST_QUEUE_RETRY_DELAY_MS", default=521, help="Pause before the first of these tries, ms."
    )
    queue_backoff_factor: Annotated[float, Field(gt=0)] = variables(
        "WAREST_QUEUE_BACKOFF_FACTOR", default=2.0, help="So many times as long is each next pause, 60 s at most."
    )
    queue_retry_jitter: Annotated[float, Field(ge=0, le=1)] = variables(
        "WAREST_QUEUE_RETRY_JITTER", default=0.2, help="By which part of itself a pause varies at random, 0 to 1."
    )

    def pause_before(self, retry: int) -> float:
        """Before the first retry, the second and so on, s."""
        usual = min(self.queue_retry_delay_ms / 1000 * self.queue_backoff_factor ** (retry - 1), LONGEST_PAUSE)
        return usual * random.uniform(1 - self.queue_retry_jitter, 1 + self.queue_retry_jitter)

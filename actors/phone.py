"""Whether the account's phone is still there: WhatsApp unlinks the devices of one that stays away for 14 days.

The engine says nothing of the phone itself. What shows that it is there is what it sends: messages that somebody writes
on it, in any chat.
"""

import time

#: A sign of life is kept at most this often, s; days are what counts.
KEPT_EVERY = 3600.0


class PhoneWatch:
    """`seen_at`: the last sign of life that was kept, epoch s. `patience` in s; 0 never misses a phone."""

    def __init__(self, seen_at: float | None, patience: float) -> None:
        self._seen_at = seen_at or time.time()
        self._kept_at = seen_at or 0.0
        self._patience = patience

    @property
    def is_missing(self) -> bool:
        return 0 < self._patience < time.time() - self._seen_at

    @property
    def days(self) -> int:
        """Since the last sign of life."""
        return int((time.time() - self._seen_at) // 86_400)

    def saw(self, at: float) -> None:
        """A sign of life of then, epoch s."""
        self._seen_at = max(self._seen_at, at)

    def to_keep(self) -> float | None:
        """The last sign of life, when it is time to keep it; then it counts as kept."""
        if self._seen_at - self._kept_at < KEPT_EVERY:
            return None
        self._kept_at = self._seen_at
        return self._seen_at

"""How long it is waited before a command is tried again."""

import pytest

from warest.config.settings import Settings


def test_pauses_as_the_original_has_them() -> None:
    """Each twice as long as the one before; and none longer than a minute."""
    settings = Settings(queue_retry_jitter=0)
    assert [settings.pause_before(retry) for retry in (1, 2, 3, 30)] == pytest.approx([0.521, 1.042, 2.084, 60])


def test_pauses_vary() -> None:
    settings = Settings(queue_retry_delay_ms=1000, queue_retry_jitter=0.2)
    seen = [settings.pause_before(1) for _ in range(200)]
    assert 0.8 <= min(seen) < 0.9 and 1.1 < max(seen) <= 1.2

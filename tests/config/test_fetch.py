"""What may be fetched, by the settings."""

import pytest

from warest.config.settings import from_env
from warest.errors import SetupError


@pytest.mark.parametrize("value", ["deny", "DENY", "allow", "10.0.0.0/8, fd00::/8", "192.168.1.7", ""])
def test_what_can_be_said(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Nothing, all, or networks; unset is nothing."""
    monkeypatch.setenv("WAREST_FETCH_PRIVATE_NETWORKS", value)
    assert from_env().fetch_networks == (value.lower() or "deny")


@pytest.mark.parametrize("value", ["yes", "localhost", "10.0.0.0/33", "deny, 10.0.0.0/8"])
def test_what_cannot(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Stops the start: it must not be taken for something that allows more."""
    monkeypatch.setenv("WAREST_FETCH_PRIVATE_NETWORKS", value)
    with pytest.raises(SetupError, match="WAREST_FETCH_PRIVATE_NETWORKS"):
        from_env()


def test_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the original five minutes; none at all is a slip."""
    assert from_env().fetch_timeout_ms == 300_000
    monkeypatch.setenv("UPLOAD_FETCH_TIMEOUT_MS", "0")
    with pytest.raises(SetupError, match="UPLOAD_FETCH_TIMEOUT_MS"):
        from_env()

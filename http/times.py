"""Moments in answers."""

from datetime import datetime


def iso(moment: datetime) -> str:
    """As JavaScript's toISOString writes a moment in UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Moments in requests and answers."""

from datetime import UTC, datetime

#: Whatever is larger is in milliseconds: in seconds it would be in the year 5138.
_SECONDS_MAX = 10**11


def iso(moment: datetime) -> str:
    """As JavaScript's toISOString writes a moment in UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: object) -> int | None:
    """Epoch seconds of an ISO date, or of epoch seconds or milliseconds (quirk Q17). None: not said.

    Raises ValueError for what is none of these.
    """
    text = str(value).strip()
    if value is None or not text:
        return None
    try:
        number = float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    if not -(_SECONDS_MAX**2) < number < _SECONDS_MAX**2:
        raise ValueError("it is out of range")
    return int(number / 1000 if abs(number) > _SECONDS_MAX else number)

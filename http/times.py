"""Moments in requests and answers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel import Locale, dates, units

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


def shown(moment: datetime, zone: str, locale: str) -> str:
    """As people of this locale read it, in this time zone: `Sunday, 22 November 2026, 10:01:53, UTC`."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{dates.format_datetime(local, 'EEEE, dd MMMM y, HH:mm:ss', locale=_locale(locale))}, {zone}"


def lasted(seconds: float, locale: str) -> str:
    """As people of this locale read it: `6 minutes, 24 seconds`; what is 0 is left out."""
    left, parts = int(seconds), list[str]()
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, length)
        if count or (unit == "second" and not parts):
            parts.append(units.format_unit(count, f"duration-{unit}", "long", locale=_locale(locale)))
    return ", ".join(parts)


def _locale(name: str) -> Locale:
    return Locale.parse(name.replace("-", "_"))

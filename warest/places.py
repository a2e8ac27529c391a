"""Places on Earth, as callers write them."""

import math
from typing import Any

from warest.loose import first


def point(told: dict[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None: that is nowhere on Earth."""
    latitude = _degrees(first(told, "latitude", "lat", "degreesLatitude"), 90)
    longitude = _degrees(first(told, "longitude", "lng", "degreesLongitude"), 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(text: str, most: int) -> float | None:
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None

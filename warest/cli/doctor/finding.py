"""What a check has found."""

from dataclasses import dataclass

#: `warn`: it works, but not as well as it should, or not for long.
OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """`remedy` is what to do about it."""

    status: str
    said: str
    remedy: str = ""

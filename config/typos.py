"""Variables that look like ours and that nothing reads: most are slips of the pen."""

import difflib
import os

from dotenv import dotenv_values

from warest.config.reference import IGNORED
from warest.config.settings import Settings, names_of

_PREFIX = "WAREST_"


def unread() -> dict[str, str]:
    """Those that are set, each with the known name that is most like it, or ""."""
    known = [name for field in Settings.model_fields.values() for name in names_of(field)]
    read = {*known, *(f"{name}_FILE" for name in known), *IGNORED}
    given = {*os.environ, *dotenv_values(".env", interpolate=False)}
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), "")
        for name in sorted(given)
        if name.startswith(_PREFIX) and name not in read
    }

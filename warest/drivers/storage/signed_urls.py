"""Links to private files of this host: who has one may fetch the file until it expires.

They look as the original's:
`<base>?key&visibility=private&expires=<epoch s>&token=<hex>&scope=download[&download=name]`. The token
is an HMAC-SHA256 over the JSON that JavaScript would make of the same, in this order of names.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from warest.errors import NotAllowed

SCOPE = "download"

_EXPIRES = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Grant:
    """The file that a link opens, and the name to save it under, if any."""

    key: str
    download: str


def sign(base: str, secret: str, key: str, *, seconds: float, download: str = "") -> str:
    """A link that lasts so many seconds from now."""
    expires = int(time.time() + seconds)
    query = {"key": key, "visibility": "private", "expires": expires, "token": _token(secret, key, expires, download)}
    query |= {"scope": SCOPE} | ({"download": download} if download else {})
    return f"{base}{'&' if '?' in base else '?'}{urlencode(query)}"


def verify(secret: str, query: Mapping[str, str]) -> Grant:
    """What a link allows. Raises NotAllowed, whose `reason` is `expired` or `invalid`."""
    key, download, expires = query.get("key", ""), query.get("download", ""), query.get("expires", "")
    if not _EXPIRES.fullmatch(expires) or (query.get("visibility"), query.get("scope")) != ("private", SCOPE):
        raise _invalid()
    token = query.get("token", "").encode(errors="replace")  # as bytes: comparing texts raises for what is not ASCII
    if not hmac.compare_digest(token, _token(secret, key, int(expires), download).encode()):
        raise _invalid()
    if int(expires) <= time.time():
        raise NotAllowed("this link has expired", reason="expired")
    return Grant(key, download)


def _invalid() -> NotAllowed:
    return NotAllowed("this link is not valid", reason="invalid")


def _token(secret: str, key: str, expires: int, download: str) -> str:
    signed = {"key": key, "visibility": "private", "expires": expires, "scope": SCOPE, "downloadName": download or None}
    text = json.dumps(signed, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(secret.encode(), text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

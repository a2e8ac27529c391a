"""What a key must be allowed for a route: all of it in one table, of which the first line that fits counts.

Some of the contract's GETs change something (quirk S10), and many of its POSTs do not.
"""

import re

from warest.scopes import Scope

_READING = ("GET", "HEAD")

#: Methods (none: all), what the path below /api/v1 begins with, what is needed.
_TABLE: tuple[tuple[tuple[str, ...], str, Scope], ...] = (
    ((), "users/me$", Scope.READ),
    ((), "(users|keys|audit)", Scope.ADMIN),
    (_READING, "session/(create|logout|reconnect)", Scope.MANAGE),
    (_READING, "webhooks/[^/]+/secrets", Scope.MANAGE),
    (_READING, "messages/send", Scope.SEND),
    (_READING, "", Scope.READ),
    ((), "(misc|profile/on-whatsapp)", Scope.READ),
    ((), "(messages|chats|status)", Scope.SEND),
    (("POST",), "server", Scope.ADMIN),
)


def scope_of(method: str, template: str) -> Scope:
    """Of a route by its template; whatever no line is about changes something, so it is `manage`."""
    path = re.sub("^/(api/(v1/)?)?", "", template)
    found = (scope for methods, begin, scope in _TABLE if method in (methods or (method,)) and _begins(path, begin))
    return next(found, Scope.MANAGE)


def _begins(path: str, pattern: str) -> bool:
    return re.match(rf"{pattern}(/|$)" if pattern else "", path) is not None

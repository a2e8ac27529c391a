"""What an API key may be allowed, whoever owns it. http/scopes.py says which route needs which."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    READ = "read"  # see sessions, chats, messages, events; use the tools of /misc
    SEND = "send"  # send messages, and act on messages and chats
    MANAGE = "manage"  # link and unlink sessions; change profiles, groups, webhooks
    ADMIN = "admin"  # users, keys and the audit trail; the server, if the owner is an admin


ALL = frozenset(Scope)


def dumped(scopes: Iterable[Scope]) -> str:
    """In the order in which they stand here."""
    wanted = set(scopes)
    return " ".join(scope for scope in Scope if scope in wanted)


def parsed(text: str) -> frozenset[Scope]:
    """Raises ValueError for a word that is none."""
    return frozenset(map(Scope, text.split()))

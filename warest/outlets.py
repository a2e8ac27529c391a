"""Which proxy a session uses: one of its own, which an owner has given it, or one of the pool.

A proxy of an owner's own is a host that this server connects to for somebody else. So, as for every URL of a user, it
has to be on the public internet unless it is an admin's, and the connection goes to the address that was looked at.
"""

import dataclasses
import ipaddress
import socket

from warest import proxies
from warest.addresses import is_public
from warest.errors import FetchError, InvalidInput
from warest.proxies import DIRECT, LOCKED, Proxy
from warest.proxy_pool import ProxyPool
from warest.store import Store


class Outlets:
    """For whoever fetches something in the name of a session."""

    def __init__(self, store: Store, pool: ProxyPool, *, is_sandbox: bool) -> None:
        self._store = store
        self._pool = pool
        self._is_sandbox = is_sandbox

    def of(self, session: str) -> Proxy | None:
        """The one that it uses; None: none. Raises FetchError when its own cannot be used now."""
        record = self._store.session_by_ulid(session)
        if record and record.proxy:
            try:
                return own(record.proxy, is_admins=record.owner.is_admin, is_sandbox=self._is_sandbox)
            except InvalidInput as error:
                raise FetchError(f"The session's proxy cannot be used: {error.message}") from error
        return self._pool.of(session) if len(self._pool) else None


def own(text: str, *, is_admins: bool, is_sandbox: bool) -> Proxy | None:
    """The proxy that an owner has given a session, as it may be connected to; None: it is to use none.

    Raises InvalidInput for what it may not be, or whose name is not known.
    """
    if text.strip().lower() == DIRECT:
        return None
    if text == LOCKED:
        raise InvalidInput("the key is missing that the proxy was encrypted with (WAREST_SECRETS_KEY): give it again")
    proxy = proxies.parse(text)
    if is_sandbox and not proxy.is_local:
        raise InvalidInput("in sandbox mode a proxy has to be on this machine")
    return proxy if is_admins else _pinned(proxy)


def _pinned(proxy: Proxy) -> Proxy:
    """By its address, which cannot mean another machine a moment later."""
    if proxy.scheme == "https":
        raise InvalidInput("an https:// proxy can only be given by an admin: its name cannot be pinned to an address")
    try:
        found = socket.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidInput("the name of the proxy is not known") from None
    addresses = [ipaddress.ip_address(sockaddr[0]) for *_, sockaddr in found]
    if not all(map(is_public, addresses)):
        raise InvalidInput("the proxy has to be on the public internet; an admin may name another one")
    return dataclasses.replace(proxy, host=str(addresses[0]))

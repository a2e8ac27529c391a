"""The proxy of a session's connection: chosen when it connects, and judged by what becomes of the connection.

Only proxies of the pool are judged, and left for others. One that an owner has given the session is what he wants.
"""

import time

from warest import keys, outlets
from warest.config.house import House, open_proxies
from warest.proxies import Proxy


class WayOut:
    """Raises DriverError when Redis is out of reach."""

    def __init__(self, house: House, session: str, own: str, *, is_admins: bool, usual: Proxy | None) -> None:
        """`own` is what the session's record has: a URL, `direct`, or nothing. `is_admins`: whose session it is.
        `usual`: the proxy where neither that nor the pool has one."""
        self._house = house
        self._session = session
        self._own = own
        self._is_admins = is_admins
        self._pool = open_proxies(house.settings, house.redis)
        self._usual = usual
        self._of_pool: Proxy | None = None

    def choose(self) -> None:
        """Take the proxy of the next connection."""
        if self._own:
            self._pool.leave(self._session)
        elif len(self._pool):
            self._of_pool = self._pool.take(self._session)

    def url(self) -> str:
        """Of what was chosen, with the credentials: for the engine. Empty: no proxy. Raises InvalidInput when the
        session's own cannot be used."""
        chosen = self._of_pool or self._usual
        if self._own:
            is_sandbox = bool(self._house.settings.sandbox_url)
            chosen = outlets.own(self._own, is_admins=self._is_admins, is_sandbox=is_sandbox) or self._usual
        return chosen.url if chosen else ""

    @property
    def patience(self) -> float:
        """How long a connection may take to be there, s."""
        return self._house.settings.proxy_timeout_ms / 1000 if self._of_pool else float("inf")

    def leads_there(self) -> None:
        """WhatsApp has answered."""
        if self._of_pool:
            self._pool.succeeded(self._of_pool)

    def was_cut(self) -> None:
        """The connection is gone, and the engine tries again: have it found out whether the proxy is."""
        if self._of_pool:
            self._house.bus.send(keys.MAINTENANCE_QUEUE, "look_at_proxies", asked=time.time())

    def failed(self, why: str) -> None:
        if self._of_pool:
            self._pool.failed(self._of_pool, why)

    def is_dead(self) -> bool:
        """Checks say so, and there is another to be had."""
        return self._of_pool is not None and self._pool.is_worth_leaving(self._of_pool)

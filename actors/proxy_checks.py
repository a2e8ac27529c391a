"""Looks whether each proxy of the pool leads to WhatsApp: now and then, and when a session has lost its connection.

A session process hears nothing of a proxy that takes what it is given and passes nothing on; the engine would find out
after half a minute. What a check finds is in Redis, where the processes look at each of their signs of life.
"""

import logging
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dramatiq

from warest import keys
from warest.actors.network import WHATSAPP
from warest.actors.rounds import Rounds
from warest.bus import answered
from warest.config.house import House, open_proxies
from warest.errors import FetchError, WarestError
from warest.fetch.ways import probe
from warest.proxies import Proxy
from warest.proxy_pool import ProxyPool

log = logging.getLogger(__name__)

#: Somebody looks already, and began before this was asked for: again after so long, s.
PAUSE = 1.0

#: How often whoever waits for his turn asks whether it has come, s.
TURN = 0.1

#: What a look may take beside the time of its checks, s.
SLACK = 5.0

#: Proxies that are looked at at the same time.
AT_ONCE = 16


class ProxyChecks:
    def __init__(self, pool: ProxyPool, *, seconds: float, trusted: ssl.SSLContext | None) -> None:
        """`seconds`: how long one look may take; `trusted`: whose certificates count, if not the usual."""
        self._pool = pool
        self._seconds = seconds
        self._trusted = trusted

    @property
    def longest(self) -> float:
        """How long one look at all of them may take, s."""
        turns = -(-len(self._pool) // AT_ONCE)
        return turns * self._seconds * self._pool.rules.rotate_after + SLACK

    def look(self) -> bool:
        """At all of them, unless somebody else does."""
        with self._pool.look(self.longest) as is_ours:
            if is_ours:
                with ThreadPoolExecutor(AT_ONCE) as threads:
                    list(threads.map(self._look_at, self._pool))
            return is_ours

    def look_in_turn(self) -> None:
        """As soon as nobody else does."""
        deadline = time.monotonic() + self.longest
        while not self.look() and time.monotonic() < deadline:
            time.sleep(TURN)

    def _look_at(self, proxy: Proxy) -> None:
        """One that fails is looked at again at once, as often as it takes to leave it alone."""
        for _ in range(self._pool.rules.rotate_after):
            try:
                latency = probe(proxy, WHATSAPP, seconds=self._seconds, trusted=self._trusted)
            except FetchError as error:
                if self._pool.check_failed(proxy, error.message):
                    log.warning("the proxy %s does not lead to WhatsApp: %s", proxy.address, error.message)
            else:
                self._pool.check_passed(proxy, latency)
                return


def declare(house: House, trusted: ssl.SSLContext | None) -> Rounds | None:
    """The actors; `order` sends the message of the rounds off. None: there is nothing to be done now and then."""
    pool, settings = open_proxies(house.settings, house.redis), house.settings
    seconds = settings.proxy_timeout_ms / 1000
    checks = ProxyChecks(pool, seconds=seconds, trusted=trusted)
    rounds = Rounds(house, "check_proxies", settings.proxy_check_ms)

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, max_retries=1_000, max_backoff=60_000)
    def check_proxies(round: str) -> None:
        """Run twice, or died half-way: a look more, which changes nothing."""
        if rounds.begin(round):
            try:
                checks.look()
            except WarestError as error:
                log.warning("the proxies are looked at in the next round: %s", error.message)

    @dramatiq.actor(queue_name=keys.MAINTENANCE_QUEUE, broker=house.broker, store_results=True)
    def look_at_proxies(asked: float, waits: bool = False) -> Any:
        """One look is enough for all who had asked (epoch s) before it began; whoever `waits` sees what a look of his
        own has found. Run twice, it is a look more."""
        try:
            if waits:
                checks.look_in_turn()
            elif not pool.has_looked_since(asked) and not checks.look():
                house.bus.send_later(keys.MAINTENANCE_QUEUE, "look_at_proxies", PAUSE, asked=asked)
        except WarestError as error:
            log.warning("the proxies are looked at in the next round: %s", error.message)
        return answered(None)

    return rounds if len(pool) and settings.proxy_check_ms else None

"""/api/v1/proxies, and the proxy of a session. Beyond the contract, whose original shows nothing of its proxies.

A URL may hold a password: it goes in here, and never out.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import Field

from warest import keys, outlets, proxies
from warest.config.house import House, open_proxies
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.operation import Access, Answer, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess
from warest.proxies import DIRECT, LOCKED, Proxy
from warest.proxy_pool import ProxyPool, Seen
from warest.store import SessionRecord, Store

#: What a check may take beside the time of its looks, s.
SLACK = 10.0

#: Whence a session has its proxy.
OWN, POOL, NONE = "own", "pool", "none"


class ProxyShown(Result):
    """A proxy of WAREST_PROXY_URLS, by its place there. `state`: `ok`, `failing`, which is still used, or `cooling`,
    which is left alone until `coolingUntil`. `failures` in a row; `failed` ever. `left`: how often a session went from
    it to another. Times are epoch seconds."""

    number: int
    address: str = Field(examples=["http://proxy.example:3128"])
    state: str = Field(examples=["ok"])
    failures: int
    coolingUntil: float | None
    error: str
    sessions: int
    lastCheckAt: float | None
    lastCheckOk: bool | None
    latencyMs: float | None
    failed: int
    left: int


class SessionProxy(Result):
    """`source`: `own`, `pool` or `none`. `address`, without credentials: the proxy that the session uses, or used last;
    null for none. A session of its own choice may be `direct`: then `source` is `own`, and `address` null."""

    sessionId: str
    source: str = Field(examples=["pool"])
    address: str | None = Field(examples=["http://proxy.example:3128"])


class Chosen(Parameters):
    """`proxy`: `http://`, `https://` or `socks5://USER:PASSWORD@HOST:PORT`, or `direct` for none."""

    json_only = True

    proxy: Word = Field(None, max_length=1000)


class Proxies:
    """What the resources of this noun share."""

    def __init__(self, parts: House, store: Store, access: SessionAccess) -> None:
        self.parts = parts
        self.store = store
        self.access = access
        self.pool = open_proxies(parts.settings, parts.redis)

    def shown(self) -> list[dict[str, Any]]:
        now, users = time.time(), users_of(self.parts, self.store, self.pool)
        return [_shown(number, each, users[each.proxy], now) for number, each in enumerate(self.pool.seen(), 1)]

    def told(self, record: SessionRecord) -> SessionProxy:
        if record.proxy:
            address = None if record.proxy in (DIRECT, LOCKED) else proxies.parse(record.proxy).address
            return SessionProxy(sessionId=record.id, source=OWN, address=address)
        taken = self.pool.of(record.ulid)
        source = POOL if len(self.pool) else NONE
        return SessionProxy(sessionId=record.id, source=source, address=taken.address if taken else None)

    def give(self, record: SessionRecord, proxy: str) -> SessionProxy:
        """From now on: a session that runs is connected anew."""
        self.store.set_proxy(record.owner, record.ulid, proxy)
        if self.parts.states.get(record.ulid).pid:
            self.parts.bus.send_host(record.ulid, "restart_session")
        again = self.store.session_by_ulid(record.ulid)
        return self.told(again or record)


class Pool:
    """/api/v1/proxies"""

    def __init__(self, shared: Proxies) -> None:
        self._shared = shared

    @operation("The proxies, and how they are", family=Family.E1, access=Access.ADMIN, result=ProxyShown)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        return Answer(self._shared.shown(), "Proxies")


class Check:
    """/api/v1/proxies/check"""

    def __init__(self, shared: Proxies) -> None:
        self._shared = shared

    @operation(
        "Look now whether each proxy leads to WhatsApp",
        family=Family.E1,
        access=Access.ADMIN,
        result=ProxyShown,
        codes=(Code.QUEUED,),
    )
    def on_post(self, request: falcon.Request, parameters: Parameters) -> Answer:
        shared = self._shared
        if len(shared.pool):
            settings = shared.parts.settings
            patience = settings.proxy_timeout_ms / 1000 * shared.pool.rules.rotate_after + SLACK
            within = min(patience, settings.command_timeout)
            shared.parts.bus.order(keys.MAINTENANCE_QUEUE, "look_at_proxies", within, asked=time.time(), waits=True)
        return Answer(shared.shown(), "Proxies checked")


class OfSession:
    """/api/v1/session/{sessionId}/proxy"""

    def __init__(self, shared: Proxies) -> None:
        self._shared = shared

    @operation(
        "Which proxy a session uses",
        family=Family.E1,
        result=SessionProxy,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN),
    )
    def on_get(self, request: falcon.Request, parameters: Parameters, sessionId: str) -> Answer:
        record = self._shared.access.named(request.context.account, sessionId)
        return Answer([self._shared.told(record).model_dump()], "Proxy of the session")

    @operation(
        "Give a session a proxy of its own, or none",
        family=Family.E1,
        parameters=Chosen,
        result=SessionProxy,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.BAD_REQUEST),
    )
    def on_put(self, request: falcon.Request, parameters: Chosen, sessionId: str) -> Answer:
        record = self._shared.access.named(request.context.account, sessionId)
        given = (parameters.proxy or "").strip()
        settings = self._shared.parts.settings
        chosen = outlets.own(given, is_admins=record.owner.is_admin, is_sandbox=bool(settings.sandbox_url))
        told = self._shared.give(record, proxies.parse(given).url if chosen else DIRECT)
        return Answer([told.model_dump()], "Proxy of the session set")

    @operation(
        "Take a session's own proxy away: it uses one of the pool again",
        family=Family.E1,
        result=SessionProxy,
        codes=(Code.SESSION_REQUIRED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN),
    )
    def on_delete(self, request: falcon.Request, parameters: Parameters, sessionId: str) -> Answer:
        record = self._shared.access.named(request.context.account, sessionId)
        told = self._shared.give(record, "") if record.proxy else self._shared.told(record)
        return Answer([told.model_dump()], "Proxy of the session taken away")


def users_of(parts: House, store: Store, pool: ProxyPool) -> Counter[Proxy | None]:
    """How many sessions that run have taken each."""
    ulids = [record.ulid for record in store.all_sessions() if not record.proxy]
    running = [ulid for ulid, state in zip(ulids, parts.states.get_many(ulids), strict=True) if state.pid]
    return Counter(pool.of_many(running))


def _shown(number: int, seen: Seen, sessions: int, now: float) -> dict[str, Any]:
    condition = seen.condition
    return ProxyShown(
        number=number,
        address=seen.proxy.address,
        state=condition.state(now),
        failures=condition.failures,
        coolingUntil=condition.until if condition.is_cooling(now) else None,
        error=condition.error,
        sessions=sessions,
        lastCheckAt=condition.checked or None,
        lastCheckOk=not condition.is_down if condition.checked else None,
        latencyMs=condition.latency_ms or None,
        failed=condition.failed,
        left=condition.left,
    ).model_dump()


def routes(parts: House, store: Store, access: SessionAccess) -> Iterator[tuple[str, Any]]:
    shared = Proxies(parts, store, access)
    yield "/api/v1/proxies", Pool(shared)
    yield "/api/v1/proxies/check", Check(shared)
    yield "/api/v1/session/{sessionId}/proxy", OfSession(shared)

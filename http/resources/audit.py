"""/api/v1/audit: who did what, and the middleware that writes it down. Not in the original."""

import logging
from typing import Annotated, Any

import falcon
from pydantic import Field

from warest.errors import WarestError
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.operation import Answer, Flag, Parameters, Result, Word, operation
from warest.http.resources.chats import number
from warest.scopes import Scope
from warest.store import AuditEntry, Store

log = logging.getLogger(__name__)

#: What is done every day is in other logs: sends have their records, events theirs.
_NOTED = (Scope.MANAGE, Scope.ADMIN)


class Trail:
    """Notes each call that has changed sessions, profiles, groups, webhooks, users, keys or the server."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: Any, succeeded: bool
    ) -> None:
        scope, key = getattr(request.context, "scope", None), getattr(request.context, "key", None)
        changes = request.method not in ("GET", "HEAD") or scope is Scope.MANAGE
        if key is None or scope not in _NOTED or not changes or response.status_code >= 400:
            return
        action = f"{request.method} {(request.uri_template or '').removeprefix('/api/v1')}"
        self._append(action, key, _target(request), request.context.address)

    def _append(self, action: str, key: Any, target: str, address: str) -> None:
        """What was done is done, whether it can be noted or not."""
        try:
            self._store.audit.append(key.owner, action, key_name=key.name, target=target, address=address)
        except WarestError as error:
            log.error("%s by %s of %s is not in the audit trail: %s", action, key.name, key.owner.registry, error)


def _target(request: falcon.Request) -> str:
    """What the path names, and the session of the body or query."""
    body = request.context.body if isinstance(request.context.body, dict) else {}
    session = next(
        (place[name] for place in (body, request.params) for name in ("sessionId", "id") if name in place), ""
    )
    path = (request.path.split("/")[i] for i, part in enumerate((request.uri_template or "").split("/")) if "{" in part)
    return " ".join(filter(None, (*path, str(session))))


class Asked(Parameters):
    """`everybody`: what all users did, for admins. `action`: only such. `cursor`: the `next` of the page before."""

    everybody: Flag = False
    action: Word = None
    cursor: Word = None
    limit: Annotated[int, number(1, 200, 50)] = 50


class Entry(Result):
    """`action`: method and route, or `login`, `logout`, `login locked`. `target`: what it was done to. `at`: epoch
    seconds."""

    id: str
    registry: str
    username: str
    keyName: str
    action: str
    target: str
    address: str
    at: float


class TrailPage(Result):
    items: list[Entry]
    next: str | None = Field(examples=[None])


class AuditResource:
    """/api/v1/audit"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation(
        "Who did what, the newest first",
        family=Family.E1,
        parameters=Asked,
        result=TrailPage,
        codes=(Code.FORBIDDEN,),
    )
    def on_get(self, request: falcon.Request, asked: Asked) -> Answer:
        found = self._store.audit.log(
            request.context.account,
            everybody=asked.everybody,
            action=asked.action,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        return Answer([{"items": list(map(_shown, found.rows)), "next": found.cursor}], "OK")


def _shown(entry: AuditEntry) -> dict[str, Any]:
    return Entry(
        id=entry.id,
        registry=entry.registry,
        username=entry.username,
        keyName=entry.key_name,
        action=entry.action,
        target=entry.target,
        address=entry.address,
        at=entry.at,
    ).model_dump()

"""/api/webhooks/preflight: would a receiver accept? Contract, endpoints.md section 3."""

from typing import Annotated, Any

import falcon
from pydantic import BeforeValidator, Field

from warest import keys
from warest.destinations import preflight_order
from warest.errors import WarestError
from warest.http.codes import Code
from warest.http.errors import Family, Rejection
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.resources.webhooks import PATIENCE, Webhooks

#: URLs that are asked with one call.
MOST = 10


def _urls(value: object) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return [part.strip() for part in parts if isinstance(part, str) and part.strip()]


class Asked(Parameters):
    """`url`: one, or a list of ten at most."""

    session_id: Word = Field(None, alias="sessionId")
    url: Annotated[list[str] | str, BeforeValidator(_urls)] = ()  # type: ignore[assignment]
    secret: Word = Field(None, max_length=255)


class Told(Result):
    """`ok` is always true; each of the `results` says by its own what its receiver has answered."""

    ok: bool
    results: list[dict[str, Any]]


class Preflight:
    """/api/webhooks/preflight"""

    def __init__(self, shared: Webhooks) -> None:
        self._shared = shared

    @operation(
        "Ask a receiver whether it would accept",
        family=Family.E4,
        parameters=Asked,
        result=Told,
        codes=(Code.BAD_REQUEST, Code.NOT_FOUND),
    )
    def on_post(self, request: falcon.Request, asked: Asked) -> Answer:
        if not asked.url or not asked.secret:
            raise Rejection(400, "url and secret required")
        if len(asked.url) > MOST:
            raise Rejection(400, f"{MOST} URLs at most")
        record = self._shared.access.known(request.context.account, asked.session_id, None)
        told = preflight_order(self._shared.store.vault, record.ulid, list(asked.url), asked.secret)
        try:
            results = self._shared.bus.order(keys.WEBHOOK_QUEUE, "preflight", PATIENCE, **told)
        except WarestError as error:
            raise Rejection(500, f"The receiver could not be asked: {error.message}", ok=False) from None
        return Answer({"ok": True, "results": results}, "Asked")

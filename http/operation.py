"""What a route promises: the decorator of every responder, from which OpenAPI is generated too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, ClassVar

import falcon
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, envelope
from warest.http.support import Limit
from warest.loose import word


class Access(Enum):
    """Who may call a route."""

    PUBLIC = "public"
    PAGE = "page"  # whoever has logged in on a page: by its cookie, never by a key
    READER = "reader"  # by that cookie or by a key
    USER = "user"
    ADMIN = "admin"
    METRICS = "metrics"  # an admin, or a monitor by its own token


_YES = {"true", "1", "yes", "y", "on"}


def _flag(value: object) -> bool:
    """What forms and scripts write for yes (contract, endpoints.md 0.7); anything else is no."""
    return value is True or str(value).strip().lower() in _YES


Word = Annotated[str | None, BeforeValidator(word)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Parameters(BaseModel):
    """Base of what requests carry, in the query, the body or both. Unknown names are ignored: clients send more."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    #: Whether the query wins over the body for a name that stands in both (contract, endpoints.md 0.5).
    query_first: ClassVar[bool] = False

    #: Whether names count in any case.
    any_case: ClassVar[bool] = False

    #: Passwords: not in the query, which ends in logs, nor in a form, which any page can post.
    json_only: ClassVar[bool] = False

    #: The same of what comes with a file, in a form.
    body_only: ClassVar[bool] = False


class Result(BaseModel):
    """Base of what answers carry; the attribute names are those on the wire."""


@dataclass(frozen=True)
class Answer:
    """What a responder returns: a code, a sentence and the results; `more` stands beside them."""

    results: Any
    message: str
    code: Code = Code.SUCCESS
    more: Mapping[str, Any] = field(default_factory=dict)

    def render(self, response: falcon.Response, family: Family) -> None:
        response.status = self.code.http
        response.media = {**envelope(family, self.code, self.message, self.results), **self.more}


class Content(Result):
    """The result of a route that answers with a file."""


class ServerSentEvents(Result):
    """The result of a route whose answer goes on and on."""


@dataclass(frozen=True)
class Bytes:
    """What the responders of these two return; `body` is closed at the end, if it can be."""

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes] | None = None

    def render(self, response: falcon.Response, _: Family) -> None:
        response.status = self.status
        response.set_headers(dict(self.headers))
        response.stream = self.body


@dataclass(frozen=True)
class Operation:
    summary: str
    family: Family
    access: Access
    parameters: type[Parameters]
    result: type[Result]
    codes: tuple[Code, ...]
    limit: Limit | None = None


Responder = Callable[..., Answer | Bytes]


def operation(
    summary: str,
    *,
    family: Family,
    parameters: type[Parameters] = Parameters,
    result: type[Result] = Result,
    access: Access = Access.USER,
    codes: tuple[Code, ...] = (),
    limit: Limit | None = None,
) -> Callable[[Responder], Callable[..., None]]:
    """Make a Falcon responder of `handler(self, request, parameters, **path) -> Answer`, or Bytes.

    `codes` are those that it may answer with besides SUCCESS; `limit` is what the engine cannot do of it.
    """

    def decorate(handler: Responder) -> Callable[..., None]:
        def respond(self: Any, request: falcon.Request, response: falcon.Response, **path: str) -> None:
            handler(self, request, parse(parameters, request, path), **path).render(response, family)

        respond.__doc__ = handler.__doc__
        respond.operation = Operation(summary, family, access, parameters, result, codes, limit)  # type: ignore[attr-defined]
        return respond

    return decorate


def parse(model: type[Parameters], request: falcon.Request, path: dict[str, str]) -> Any:
    """Query, body and path in one model; of a name that stands in several the path wins. Null is as good as nothing."""
    body = request.context.body if isinstance(request.context.body, dict) else {}
    given = {**body, **request.params} if model.query_first else {**request.params, **body}
    if model.json_only:
        given = body if (request.content_type or "").lower().startswith("application/json") else {}
    if model.body_only:
        given = body
    if model.any_case:
        given = _by_known_names(model, given)
    try:
        return model.model_validate({name: value for name, value in {**given, **path}.items() if value is not None})
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidInput(f"Parameter '{'.'.join(map(str, fault['loc']))}': {fault['msg']}") from None


def _by_known_names(model: type[Parameters], given: Mapping[str, Any]) -> dict[str, Any]:
    """Of several that differ in case only, the one that is spelt right counts, else the first."""
    known = {name.lower(): name for field in model.model_fields.values() for name in _names_of(field)}
    found: dict[str, Any] = {}
    for name, value in given.items():
        found.setdefault(known.get(name.lower(), name), value)
    return found | {name: given[name] for name in found if name in given}


def _names_of(field: FieldInfo) -> list[str]:
    choices = getattr(field.validation_alias, "choices", None)
    return [str(name) for name in choices or [field.alias or field.validation_alias or ""] if name]

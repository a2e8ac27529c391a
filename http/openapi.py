"""OpenAPI 3.1, generated from the routes: what is not described here does not exist, and the other way round."""

import importlib.metadata
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from warest.config.settings import Settings
from warest.http import examples
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.gate import COOKIE
from warest.http.operation import Access, Content, Operation, Parameters, Result, ServerSentEvents
from warest.store import sends

_METHODS = ("get", "post", "put", "patch", "delete")

#: Those that wait for a session may find that it has too much to do.
_IN_A_QUEUE = (Code.CONCURRENCY_LIMIT, Code.TIMEOUT)

#: Every route may refuse a request for its form, for too many of them, or for trouble of ours.
_ANYWHERE = (Code.BAD_REQUEST, Code.RATE_LIMITED, Code.INTERNAL_ERROR, Code.SERVICE_UNAVAILABLE)

_CONTENT = {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_FILE = {
    "200": {"description": "The file", "content": _CONTENT},
    "206": {"description": "The part of it that Range asks for", "content": _CONTENT},
    "304": {"description": "It is what If-None-Match says"},
    "416": {"description": "It has no such part"},
}

_LIVE = {"200": {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}}

#: Answers that have no envelope.
_RAW: dict[type[Result], dict[str, Any]] = {Content: _FILE, ServerSentEvents: _LIVE}

#: What opens a route, besides a key.
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.PAGE: [{"cookie": []}],
    Access.READER: [{"key": []}, {"cookie": []}],
}

_REF = "#/components/schemas/{model}"


def document(settings: Settings, routes: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document of these routes (path template -> resource)."""
    schemas: dict[str, Any] = {}
    paths = {
        template: {method: _describe(operation, template, method, schemas) for method, operation in found}
        for template, resource in ((route.replace(":path}", "}"), resource) for route, resource in routes.items())
        if (found := list(operations(resource)))
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "WAREST", "version": importlib.metadata.version("warest")},
        "servers": [{"url": settings.origin}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-WAREST-API-KEY"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def operations(resource: Any) -> Iterator[tuple[str, Operation]]:
    """Method and description of each responder of a resource."""
    for method in _METHODS:
        if operation := getattr(getattr(resource, f"on_{method}", None), "operation", None):
            yield method, operation


def _describe(operation: Operation, template: str, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [re.sub("^/(api/(v1/)?)?", "", template).partition("/")[0]],
        "responses": dict(_responses(operation, schemas)),
    }
    in_path = re.findall(r"\{(\w+)\}", template)
    described["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **_example(name)}
        for name in in_path
    ]
    if operation.access is not Access.PUBLIC:
        described["security"] = _SECURITY.get(operation.access, [{"key": []}])
    if operation.parameters is not Parameters:
        described |= _carried(operation.parameters, method, in_path, described["parameters"])
    return described


def _carried(model: type[Parameters], method: str, in_path: list[str], parameters: list[Any]) -> dict[str, Any]:
    """GET takes its parameters in the query, the others in a JSON body."""
    schema = model.model_json_schema(by_alias=True)
    for name in in_path:
        schema["properties"].pop(name, None)
    if method == "get":
        query = [
            {"name": name, "in": "query", "schema": value, **_example(name, value)}
            for name, value in schema["properties"].items()
        ]
        return {"parameters": [*parameters, *query]}
    content = {"schema": schema, "example": examples.request(schema["properties"])}
    return {"requestBody": {"content": {"application/json": content}}}


def _example(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    value = examples.parameter(name, schema or {})
    return {} if value is None else {"example": value}


def _responses(operation: Operation, schemas: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from _RAW[operation.result].items() if operation.result in _RAW else _done(operation, schemas)
    own = [] if operation.family is Family.E4 else [_refusal(operation.family, schemas)]
    refused = {"anyOf": [*own, _rejection(schemas)]}
    waiting = _IN_A_QUEUE if Code.QUEUED in operation.codes else ()
    codes = [code for code in dict.fromkeys((*operation.codes, *_ANYWHERE, *waiting)) if code.http >= 400]
    for status in sorted({code.http for code in codes}):
        mine = [code for code in codes if code.http == status]
        described = _response(", ".join(f"{code.number} {code.name}" for code in mine), refused)
        if own:
            told = {code.name: {"value": examples.refusal(code, operation.family)} for code in mine}
            described["content"]["application/json"]["examples"] = told
        yield str(status), described
    yield "default", _response("Turned away before the route was reached", _rejection(schemas))


def _done(operation: Operation, schemas: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    done = {code.http for code in (Code.SUCCESS, *operation.codes) if code.http < 300 and code is not Code.QUEUED}
    for status in sorted(done):
        schema = _answer(operation, schemas)
        described = _response("Done" if status != Code.PARTIAL_SUCCESS.http else "Done in part", schema)
        described["content"]["application/json"]["example"] = _told(examples.answer(schema, schemas), status)
        yield str(status), described
    if Code.QUEUED in operation.codes:
        yield str(Code.QUEUED.http), _response("Not answered in time; it may still happen", _pending(operation))


def _told(example: dict[str, Any], status: int) -> dict[str, Any]:
    """With the head of an envelope, if it has one."""
    if "code" not in example:
        return example
    code = Code.PARTIAL_SUCCESS if status == Code.PARTIAL_SUCCESS.http else Code.SUCCESS
    return example | {"status": True, "code": code.number, "message": "Done"}


def _pending(operation: Operation) -> dict[str, Any]:
    status = {"type": "string", "enum": ["pending", "scheduled", *sends.NEXT]}
    job = {"type": "object", "properties": {"jobId": {"type": ["string", "null"]}, "status": status}}
    return _envelope(job if operation.family is Family.E3 else {"type": "array", "items": job}, operation)


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _answer(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    if operation.result is Result:
        return _envelope({"type": "array", "maxItems": 0}, operation)
    result = _schema_of(operation.result, schemas)
    if operation.family is Family.E4:
        return result
    return _envelope({"type": "array", "items": result} if operation.family is not Family.E3 else result, operation)


def _envelope(results: dict[str, Any], operation: Operation) -> dict[str, Any]:
    key = "result" if operation.family is Family.E3 else "results"
    properties = {
        "status": {"type": "boolean"},
        "code": {"type": "integer"},
        "message": {"type": "string"},
        key: results,
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _refusal(family: Family, schemas: dict[str, Any]) -> dict[str, Any]:
    key = "result" if family is Family.E3 else "results"
    empty: dict[str, Any] = {"type": ["array", "null"]} if family is not Family.E3 else {"type": "null"}
    name = f"Refusal{family.value}"
    schemas[name] = {
        "type": "object",
        "required": ["status", "code", "message", key],
        "properties": {
            "status": {"const": False},
            "code": {"type": "integer", "enum": sorted(code.number for code in Code if code.http >= 400)},
            "message": {"type": "string"},
            key: empty,
        },
    }
    return {"$ref": _REF.format(model=name)}


def _rejection(schemas: dict[str, Any]) -> dict[str, Any]:
    schemas["Rejection"] = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "retryAfter": {"type": "integer"}},
    }
    return {"$ref": _REF.format(model="Rejection")}


def _schema_of(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return {"$ref": _REF.format(model=model.__name__)}

"""The document is valid, complete, and what the routes answer is what it says."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from falcon import testing

from warest import commands, keys
from warest.bus import answered, refused
from warest.config.house import House
from warest.errors import CommandTimeout, InvalidInput, WhatsAppRefused
from warest.http.codes import Code
from warest.http.scopes import scope_of
from warest.scopes import Scope
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]

#: The parts of OpenAPI 3.1 that we use.
META = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {"required": ["title", "version"], "additionalProperties": {"type": "string"}},
        "servers": {"type": "array", "items": {"required": ["url"]}},
        "paths": {"patternProperties": {"^/": {"$ref": "#/$defs/item"}}, "additionalProperties": False},
        "components": {"properties": {"schemas": {}, "securitySchemes": {}}, "additionalProperties": False},
    },
    "additionalProperties": False,
    "$defs": {
        "item": {
            "additionalProperties": {"$ref": "#/$defs/operation"},
            "propertyNames": {"enum": ["get", "post", "put", "patch", "delete"]},
        },
        "operation": {
            "required": ["summary", "responses"],
            "properties": {
                "summary": {"type": "string", "minLength": 5},
                "tags": {"type": "array", "items": {"type": "string"}},
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"required": ["content"], "properties": {"content": {"$ref": "#/$defs/content"}}},
                "responses": {
                    "patternProperties": {"^([1-5]\\d\\d|default)$": {"$ref": "#/$defs/response"}},
                    "additionalProperties": False,
                    "minProperties": 2,
                },
                "security": {"type": "array", "items": {"additionalProperties": {"type": "array"}}},
            },
            "additionalProperties": False,
        },
        "parameter": {
            "required": ["name", "in", "schema"],
            "properties": {"in": {"enum": ["query", "path", "header"]}},
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"properties": {"required": {"const": True}}, "required": ["required"]},
        },
        "response": {"required": ["description"], "properties": {"content": {"$ref": "#/$defs/content"}}},
        "content": {"additionalProperties": {"required": ["schema"]}},
    },
}


@pytest.fixture
def document(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = call("GET", "/docs/openapi.json").json
    return found


def schemas(document: dict[str, Any]) -> Iterator[Any]:
    """All JSON schemas in the document."""
    yield from document["components"]["schemas"].values()
    yield from (holder["schema"] for holder in holders(document))


def test_it_is_valid(document: dict[str, Any]) -> None:
    """By the rules of 3.1; every schema is one, and every reference leads somewhere."""
    jsonschema.validate(document, META, jsonschema.Draft202012Validator)
    for schema in schemas(document):
        jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r"'\$ref': '([^']+)'", str(document)))
    assert references and all(
        name.removeprefix("#/components/schemas/") in document["components"]["schemas"] for name in references
    )


def holders(document: dict[str, Any]) -> Iterator[Any]:
    """Whatever has a schema and examples of it: parameters, and the bodies of requests and answers."""
    for item in document["paths"].values():
        for operation in item.values():
            yield from operation["parameters"]
            for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
                yield from holder.get("content", {}).values()


def test_the_same_as_yaml(document: dict[str, Any], call: Call) -> None:
    """With every part in full; for those who are known only (quirk S9)."""
    answer = call("GET", "/docs/openapi.yaml")
    assert answer.headers["content-type"].startswith("application/yaml") and "&id" not in answer.text
    assert yaml.safe_load(answer.text) == document
    assert call("GET", "/docs/openapi.yaml", key=None).json["error"] == "LOGIN_REQUIRED"
    assert call("GET", "/api/../openapi.yaml", key=None).status_code == 404


def test_gets_that_change_something_have_a_twin(document: dict[str, Any]) -> None:
    """So that nobody has to prefetch, log or cache what changes something (quirk S10)."""
    changing = {path for path in document["paths"] if scope_of("GET", path) is not Scope.READ}
    twins = {path for path in changing if {"get", "post"} <= {*document["paths"][path]}}
    begin = "/api/v1/session"
    named = {f"{begin}/create", f"{begin}/create/pair-code", f"{begin}/logout", f"{begin}/reconnect"}
    assert twins >= {*named, "/api/v1/messages/send/text"}


def test_the_table_of_codes(call: Call) -> None:
    """As the contract has it: its 122 codes, and the two numbers that only send routes use."""
    assert call("GET", "/docs/code-table.json", key=None).status_code == 401
    table = call("GET", "/docs/code-table.json").json
    assert len(table) == 124 and [row["app_code"] for row in table] == sorted({code.number for code in Code})
    conflict = {"app_code": 2004, "app_name": "CONFLICT", "message": "Conflict", "http_status": 409}
    assert conflict | {"category": "validation"} in table
    assert {row["category"] for row in table if row["app_code"] >= 8000} == {"server"}


def test_examples_are_what_their_schemas_say(document: dict[str, Any]) -> None:
    """Every request with a body and every answer has one."""
    count = 0
    for holder in holders(document):
        given = (
            [holder["example"]]
            if "example" in holder
            else [one["value"] for one in holder.get("examples", {}).values()]
        )
        for example in given:
            schema = {**holder["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(example)
            count += 1
    assert count > 500


def test_paths_and_parameters_agree(document: dict[str, Any]) -> None:
    """Each part of a path is a parameter, and no name stands twice."""
    for template, item in document["paths"].items():
        for operation in item.values():
            in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            assert in_path == re.findall(r"\{(\w+)\}", template)
            assert len({one["name"] for one in operation["parameters"]}) == len(operation["parameters"])


def test_keys_are_asked_for(document: dict[str, Any], call: Call) -> None:
    """Where the document says so, and nowhere else."""
    for template, item in document["paths"].items():
        for method, operation in item.items():
            status = call(method.upper(), template.replace("{sessionId}", "x"), key=None).status_code
            assert (status == 401) is ("security" in operation), template


def test_the_codes_of_refusals_are_the_contracts(document: dict[str, Any]) -> None:
    """Numbers of the table, of failures only."""
    listed = document["components"]["schemas"]["RefusalE2"]["properties"]["code"]["enum"]
    assert set(listed) == {code.number for code in Code if code.http >= 400}
    assert len({code.number for code in Code}) == 124  # the 122 of the table, and two that only send routes use


@pytest.fixture
def conforms(document: dict[str, Any], call: Call) -> Callable[..., int]:
    """Call a route and hold its answer against the document; returns the code."""

    def check(method: str, template: str, key: str | None = "admin-key-of-the-tests", **options: Any) -> int:
        answer = call(method, template.replace("{sessionId}", "s"), key=key, **options)
        path = template if template.startswith("/api") else f"/api/v1{template}"
        responses = document["paths"][path][method.lower()]["responses"]
        described = responses.get(str(answer.status_code), responses["default"])
        schema = {**described["content"]["application/json"]["schema"], "components": document["components"]}
        jsonschema.validate(answer.json, schema, jsonschema.Draft202012Validator)
        for name, model in document["components"]["schemas"].items():  # so that nothing is checked by an empty schema
            assert model.get("properties"), name
        assert str(answer.status_code) in responses or "error" in answer.json, answer.status_code
        return int(answer.json.get("code", answer.status_code))

    return check


def test_answers_of_ping(conforms: Callable[..., int]) -> None:
    """Success, and a body that makes no sense."""
    assert conforms("GET", "/server/ping") == 1000
    assert conforms("GET", "/server/ping", body=b"{", headers={"Content-Type": "application/json"}) == 400


def test_answers_of_session_routes(
    conforms: Callable[..., int], opened: Store, admin: Account, user: Account, online: Any, parts: House, serve: Any
) -> None:
    """Each code that the routes name, and the rejections before them."""
    name = {"sessionId": "s"}
    for method in ("GET", "POST"):
        assert conforms(method, "/session/create", params={}) == 1100
        assert conforms(method, "/session/create", key=None, params=name) == 401
    assert conforms("GET", "/session/create", params=name) == 1000
    record = opened.session("s")
    assert record is not None
    assert conforms("GET", "/session/create", params=name) == 1000
    parts.states.put(record.ulid, qr="2@x", qr_until=time.time() + 20)
    assert conforms("POST", "/session/create", json=name) == 1107
    parts.states.put(record.ulid, qr=None, state="open", me={"id": "1:1@lid", "name": "", "lid": ""}, connected_ms=1)
    assert conforms("GET", "/session/create", params=name) == 1104
    assert conforms("GET", "/session/list") == 1000
    parts.states.put(record.ulid, state="stopped")
    assert conforms("GET", "/session/list") == 1000
    assert conforms("GET", "/session/list", key="wrong") == 401
    assert conforms("POST", "/session/{sessionId}/config", json={"webhookUrl": "http://x/"}) == 1000
    assert conforms("POST", "/session/{sessionId}/config", json={"webhookUrl": "x" * 5000}) == 2000
    serve(
        keys.WEBHOOK_QUEUE,
        "preflight",
        lambda **_: answered([{"target": "x", "ok": False, "error": "e", "roundTripMs": 1}]),
    )
    assert conforms("POST", "/session/{sessionId}/config", json={"preflight": True}) == 2000
    online(user, "theirs")
    assert conforms("DELETE", "/session/delete", json={"sessionId": "theirs"}) == 2201
    assert conforms("DELETE", "/session/delete", json={"sessionId": "unknown"}) == 1101
    serve(keys.SUPERVISOR_QUEUE, "stop_session", lambda **_: answered({"runtime": True, "creds": True}))
    assert conforms("DELETE", "/session/delete", json=name) == 1000


def test_answers_of_the_life_of_a_session(
    conforms: Callable[..., int], opened: Store, admin: Account, user: Account, online: Any, parts: House, serve: Any
) -> None:
    """Pair codes, devices, reconnecting and logging out, and their refusals."""
    name, paired = {"sessionId": "s"}, {"sessionId": "s", "phone": "628111"}
    for method in ("GET", "POST"):
        assert conforms(method, "/session/create/pair-code", params=name) == 2001
        assert conforms(method, "/session/create/pair-code", params={"phone": "1"}) == 1100
        assert conforms(method, "/session/create/pair-code", params=paired) == 1110
        for path in ("/session/devices", "/session/logout", "/session/reconnect")[method == "POST" :]:
            assert conforms(method, path) == 1100
            assert conforms(method, path, params={"sessionId": "unknown"}) == 1101
    assert conforms("GET", "/session/devices", params=name) == 1000
    record = opened.session("s")
    assert record is not None
    parts.states.put(record.ulid, state="qr")
    outcomes = iter([answered("ABCD-1234"), refused(InvalidInput("no")), answered(None)])
    serve(keys.command_queue(record.ulid), "execute", lambda **_: next(outcomes))
    assert conforms("GET", "/session/create/pair-code", params=paired) == 1000
    assert conforms("GET", "/session/create/pair-code", params=paired) == 2000
    parts.states.put(record.ulid, state="open", me={"id": "1:1@lid", "name": "", "lid": ""})
    assert conforms("GET", "/session/create/pair-code", params=paired) == 1104
    assert conforms("GET", "/session/devices", params=name) == 1000
    assert conforms("GET", "/session/reconnect", params=name) == 1109
    serve(keys.SUPERVISOR_QUEUE, "stop_session", lambda **_: answered({"runtime": False, "creds": True}))
    assert conforms("GET", "/session/logout", params=name) == 1000
    online(user, "theirs")
    assert conforms("GET", "/session/create/pair-code", params={"sessionId": "theirs", "phone": "1"}) == 2201


def test_answers_of_auth_routes(conforms: Callable[..., int]) -> None:
    """No envelope: what is asked for, or an error."""
    right = {"username": "admin", "password": "a password"}
    assert conforms("POST", "/api/auth/login", key=None, json=right) == 200
    assert conforms("POST", "/api/auth/login", key=None, json={}) == 400
    for status in (401, 401, 401, 401, 429):
        assert conforms("POST", "/api/auth/login", key=None, json={"username": "x", "password": "x"}) == status
    assert conforms("POST", "/api/auth/session") == 200
    assert conforms("POST", "/api/auth/session", key="wrong") == 401
    assert conforms("POST", "/api/auth/session", key=None) == 400
    assert conforms("GET", "/api/auth/session", key=None) == 401
    assert conforms("POST", "/api/auth/logout", key=None) == 200


def test_answers_of_message_routes(
    conforms: Callable[..., int], online: Callable[[Account, str], SessionRecord], admin: Account, session_answers: Any
) -> None:
    """Sent, pending, refused, incomplete, not found, broken."""
    assert conforms("POST", "/messages/send/text", json={}) == 1101
    record = online(admin, "s")
    assert conforms("GET", "/messages/send/text", params={"sessionId": "s"}) == 1100
    sent = commands.Sent(to="1@lid", to_pn=None, to_lid="1@lid", message_id="A", timestamp=1, sender="2")
    outcomes = {
        "sent": lambda: answered([{name: getattr(sent, name) for name in sent.__slots__}]),
        "pending": lambda: refused(CommandTimeout("?")),
        "refused": lambda: refused(WhatsAppRefused("no")),
        "broken": lambda: answered("nonsense"),
    }
    session_answers(record, lambda command, **_: outcomes[command["text"]]())
    for text, code in (("sent", 1000), ("pending", 1002), ("refused", 3002), ("broken", 8000)):
        assert conforms("POST", "/messages/send/text", json={"sessionId": "s", "to": "1@lid", "message": text}) == code

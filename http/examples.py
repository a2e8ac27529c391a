"""Examples for the OpenAPI document: a request that would work, an answer as it looks, a refusal for each code."""

from typing import Any

from warest.http.codes import Code
from warest.http.errors import Family, envelope

_PHOTO, _NOTE = "https://example.com/photo.jpg", "https://example.com/note.mp3"

#: What an example of a request gives; a field that is not here has an example of its own, or stands for a wish.
ASKED: dict[str, Any] = {
    "sessionId": "me", "to": "628123456789", "chatId": "628123456789@s.whatsapp.net", "messageId": "3EB0C767D26A1D8A",
    "message": "Hello!", "text": "What would you like?", "emoji": "\U0001f44d", "pin": True, "duration": 60,
    "document": "https://example.com/offer.pdf", "media": _PHOTO, "audio": _NOTE, "sticker": _PHOTO,
    "gif": "https://example.com/wave.gif", "files": [_PHOTO, {"file": _NOTE, "caption": "Listen"}], "picture": _PHOTO,
    "contact": {"name": "Budi", "phone": "628123456789"}, "latitude": "-6.2088", "longitude": "106.8456",
    "question": "Where to?", "options": ["Beach", "Mountains"], "buttonText": "Choose",
    "buttons": [{"type": "reply", "displayText": "Yes", "id": "yes"}],
    "sections": [{"title": "Drinks", "rows": [{"id": "tea", "title": "Tea"}]}],
    "groupId": "120363041234567890@g.us", "groupName": "Friends", "groupDescription": "Who comes on Friday?",
    "participants": ["628123456789"], "inviteLink": "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv",
    "locked": True, "announcement": True, "checkNumbers": "628123456789", "webhookUrl": "https://example.com/hook",
    "username": "admin", "password": "a-password", "string": "https://example.com", "input": "hello", "file": _PHOTO,
    "value": "f19a3f18-3c4e-4d4d-9a62-6c34f657b7b9", "jid": "628123456789@s.whatsapp.net", "jobId": "cmd_01HZX",
    "query": "invoice", "schedule": "02:30",
}  # fmt: skip

#: What an example of an answer says under these names, where the type fits.
_TOLD: dict[str, Any] = {
    **ASKED, "phone": "628111222333", "toJid": "628123456789@s.whatsapp.net", "toPn": "628123456789@s.whatsapp.net",
    "toLid": "183746501928374@lid", "contactId": "183746501928374@lid", "pn": "628123456789@s.whatsapp.net",
    "lid": "183746501928374@lid", "timestamp": 1_767_225_600, "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z", "name": "Budi", "pushName": "Ani", "url": _PHOTO, "role": "admin",
    "isAdmin": True, "mimeType": "image/jpeg", "status": "text success",
}  # fmt: skip

_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}

_PYTHON: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def request(properties: dict[str, Any]) -> dict[str, Any]:
    """Of the fields of a body."""
    own = {name: schema["examples"][0] for name, schema in properties.items() if "examples" in schema}
    return {name: ASKED[name] for name in properties if name in ASKED} | own


def parameter(name: str, schema: dict[str, Any]) -> Any:
    """Of a field in the path or the query; None: it says nothing without its route."""
    return schema.get("examples", [ASKED.get(name)])[0]


def refusal(code: Code, family: Family) -> dict[str, Any]:
    """The sentence differs from case to case."""
    results: list[Any] | None = [] if family is Family.E1 else None
    body: dict[str, Any] = envelope(family, code, code.name.replace("_", " ").capitalize(), results)
    return body


def answer(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """What fits a schema; every list has one item."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "const" in schema or "enum" in schema or "examples" in schema:
        return schema["const"] if "const" in schema else (schema.get("examples") or schema["enum"])[0]
    if choices := schema.get("anyOf"):
        chosen = next((choice for choice in choices if _fits(_TOLD.get(name), choice)), choices[0])
        return answer(chosen, schemas, name)
    if _fits(_TOLD.get(name), schema):
        return _TOLD[name]
    return _of_type(schema, schemas)


def _of_type(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    kind = schema.get("type", "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [answer(schema["items"], schemas)] if "items" in schema and schema.get("maxItems") != 0 else []
    if kind == "object":
        return {name: answer(one, schemas, name) for name, one in schema.get("properties", {}).items()}
    return _BY_TYPE[kind]


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    if value is None or not isinstance(kind, str) or kind in ("null", "object", "array"):
        return False
    return isinstance(value, _PYTHON[kind]) and isinstance(value, bool) == (kind == "boolean")

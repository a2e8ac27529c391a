"""Every JSON answer that a test gets is held against the OpenAPI document, and noted: which route, which outcome."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx
import jsonschema  # type: ignore[import-untyped]

#: (ring, method, template, code) -> how often it was answered. The ring is `e2e` or `http`.
seen: Counter[tuple[str, str, str, int]] = Counter()

#: The document of the code that is tested, once somebody has loaded it.
_document: dict[str, Any] = {}

#: `GET /path` of each route in it.
_routes: set[str] = set()


def routes() -> list[str]:
    return sorted(_routes, key=lambda route: route.split(" ")[::-1])


def learn_routes(found: Iterable[str]) -> None:
    _routes.update(found)


class Conformity:
    def __init__(self, ring: str, load: Callable[[], dict[str, Any]]) -> None:
        """`load` gets the document, for the first answer that is checked."""
        self._ring = ring
        self._load = load

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        """Raises ValidationError, or AssertionError for a status that is not described. `body`: what JSON it is; None:
        it is none, and only noted."""
        if not _document:
            _document.update(self._load())
            learn_routes(f"{verb.upper()} {path}" for path, item in _document["paths"].items() for verb in item)
        template = _template_of(path)
        if f"{method} {template}" not in _routes:
            return
        code = body.get("code") if isinstance(body, dict) else None
        seen[self._ring, method, template, code if isinstance(code, int) else status] += 1
        responses = _document["paths"][template][method.lower()]["responses"]
        if body is None:
            return
        assert str(status) in responses or "error" in body, f"{method} {template} does not say that it may be {status}"
        content = responses.get(str(status), responses["default"]).get("content", {})
        if schema := content.get("application/json", {}).get("schema"):
            whole = {**schema, "components": _document["components"]}
            jsonschema.Draft202012Validator(whole).validate(body)

    def check_httpx(self, response: httpx.Response) -> None:
        """An event hook of a client."""
        request, body = response.request, None
        if request.method != "HEAD" and response.headers.get("content-type", "").startswith("application/json"):
            response.read()
            body = response.json()
        self.check(request.method, request.url.path, response.status_code, body)


def _template_of(path: str) -> str:
    """The one with the fewest places for anything, as the router chooses; empty: none."""
    plain = unquote(path).rstrip("/")
    fitting = (template for template in _document["paths"] if _pattern(template).fullmatch(plain))
    return min(fitting, key=lambda template: template.count("{"), default="")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """Of all that stands in a path only a file's key may have slashes."""
    parts = re.split(r"(\{\w+\})", template)
    wild = {part: "(.+)" if part == "{key}" else "([^/]+)" for part in parts if part.startswith("{")}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts), re.IGNORECASE)

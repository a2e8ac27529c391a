"""/docs: what the API says of itself, to whoever has a key or has logged in on a page."""

from bisect import bisect
from functools import cached_property
from typing import Any

import falcon
import yaml

from warest.config.settings import Settings
from warest.http import openapi
from warest.http.codes import Code
from warest.http.operation import Access

#: From which number on codes belong to what.
_CATEGORIES = {
    1000: "success", 1100: "session", 1200: "webhook", 1400: "socket", 1600: "sse", 2000: "validation", 2200: "auth",
    2400: "throttle", 2600: "lookup", 2800: "network", 3000: "send", 4000: "manage", 4500: "chat", 5000: "group",
    5500: "media", 6000: "user", 7000: "jobs", 8000: "server",
}  # fmt: skip


class OpenApi:
    """/docs/openapi.json and, the same as YAML, /docs/openapi.yaml"""

    def __init__(self, settings: Settings, routes: dict[str, Any]) -> None:
        self._settings = settings
        self._routes = routes

    @cached_property
    def _document(self) -> dict[str, Any]:
        """Made for the first reader: that takes longer than all the rest of a process's start."""
        return openapi.document(self._settings, self._routes)

    @cached_property
    def _yaml(self) -> str:
        return yaml.dump(self._document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)

    def on_get(self, _: falcon.Request, response: falcon.Response) -> None:
        response.media = self._document

    def on_get_yaml(self, _: falcon.Request, response: falcon.Response) -> None:
        response.content_type = "application/yaml"
        response.text = self._yaml

    on_get.access = on_get_yaml.access = Access.READER  # type: ignore[attr-defined]


class _Plain(yaml.CSafeDumper if hasattr(yaml, "CSafeDumper") else yaml.SafeDumper):  # type: ignore[misc]
    """Says everything in full: readers of OpenAPI need not know YAML's references."""

    def ignore_aliases(self, _: object) -> bool:
        return True


class CodeTable:
    """/docs/code-table.json"""

    def on_get(self, _: falcon.Request, response: falcon.Response) -> None:
        by_number = {code.number: code for code in reversed(Code)}  # of several with one number the table's comes first
        response.media = [_row(by_number[number]) for number in sorted(by_number)]

    on_get.access = Access.READER  # type: ignore[attr-defined]


def _row(code: Code) -> dict[str, Any]:
    begins = list(_CATEGORIES)
    return {
        "app_code": code.number,
        "app_name": code.name,
        "message": code.name.replace("_", " ").capitalize(),
        "http_status": code.http,
        "category": _CATEGORIES[begins[bisect(begins, code.number) - 1]],
    }

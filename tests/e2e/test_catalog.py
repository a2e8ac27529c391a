"""The routes that no other test here asks of the running product; build/outcomes.md says which those are."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from support.product import Product, running
from support.waiting import eventually

ANI = "628131010001"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    password = {"WAREST_AUTHADMIN_USERNAME": "boss", "WAREST_AUTHADMIN_PASSWORD": "a password of the tests"}
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder), **password) as product:
        yield product


def root(product: Product, method: str, path: str, **options: Any) -> httpx.Response:
    return product.http.request(method, f"http://127.0.0.1:{product.port}{path}", **options)


def test_a_login_on_a_page(product: Product) -> None:
    """Its cookie opens the page's session, and nothing once it has been left."""
    given = {"username": "boss", "password": "a password of the tests"}
    key = root(product, "POST", "/api/auth/login", json=given).json()["apiKey"]
    assert root(product, "POST", "/api/auth/session", headers={"X-WAREST-API-KEY": key}).json()["ok"] is True
    cookie = {"Cookie": f"WAREST_DOCS_SESSION={product.http.cookies['WAREST_DOCS_SESSION']}"}
    assert root(product, "GET", "/api/auth/session", headers=cookie).json()["username"] == "boss"
    assert root(product, "POST", "/api/auth/logout", headers=cookie).json() == {"ok": True}
    assert root(product, "GET", "/api/auth/session", headers=cookie).status_code == 401
    broken = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert root(product, "POST", "/api/auth/logout", **broken).status_code == 400


def test_a_session_by_post(product: Product) -> None:
    """What the GET routes do, for those who like it better."""
    product.link("ani", ANI)
    assert product.api("POST", "/session/create", json={"sessionId": "ani"})["code"] == 1104
    assert product.api("POST", "/session/reconnect", json={"sessionId": "ani"})["code"] == 1109
    product.wait_open("ani")
    assert product.api("POST", "/session/logout", json={"sessionId": "ani"})["code"] == 1000
    asked = {"sessionId": "new", "phone": "628131010009"}
    assert eventually(lambda: product.api("POST", "/session/create/pair-code", json=asked)["results"][0]["pairCode"])


def test_a_file_by_its_link(product: Product) -> None:
    """Of a tool, that anybody may fetch."""
    asked = {"action": "decode", "input": "aGVsbG8gd29ybGQhISE=", "output": "url"}
    link = urlsplit(product.api("POST", "/misc/base64", json=asked)["results"][0]["meta"]["url"])
    assert link.path.startswith("/storages/") and root(product, "GET", link.path).content == b"hello world!!!"


def test_what_the_engine_can_do(product: Product) -> None:
    told = product.api("GET", "/server/capabilities")["results"][0]
    assert {"method", "path", "summary", "support", "reason"} == set(told["routes"][0])

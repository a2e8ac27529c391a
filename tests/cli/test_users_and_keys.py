"""`warest user` and `warest key`, on the database of a server that runs: what they do counts there at once."""

import httpx
import pytest
from click.testing import CliRunner, Result

from support.product import Product
from warest.cli.main import cli
from warest.errors import Conflict, InvalidInput, NotFound


@pytest.fixture(autouse=True)
def _meant(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREST_DATA_DIR", str(product.data))


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=stdin, catch_exceptions=False)


def status(product: Product, key: str, path: str = "session/list") -> int:
    url = f"http://127.0.0.1:{product.port}/api/v1/{path}"
    return httpx.get(url, headers={"X-WAREST-API-KEY": key}, trust_env=False).status_code


def test_from_the_first_to_the_last_day(product: Product) -> None:
    """A user is made, gets keys, loses one, is switched off and deleted."""
    shown = run("user", "add", "Ani").output
    assert "Ani is made" in shown and "Password, shown this once: " in shown
    everything = run("key", "add", "Ani", "for scripts").output.strip()
    sends = run(
        "key", "add", "Ani", "for n8n", "--scope", "send", "--days", "1", "--address", "127.0.0.1"
    ).output.strip()
    assert status(product, everything) == 200 and status(product, sends) == 403
    listed = run("key", "list", "Ani").output
    assert "for scripts" in listed and "127.0.0.1" not in listed and everything not in listed
    (id,) = [line.split()[0] for line in listed.splitlines() if "for scripts" in line]
    assert run("key", "revoke", "Ani", id).output == "for scripts is revoked.\n"
    assert status(product, everything) == 401
    run("user", "change", "Ani", "--off")
    assert status(product, sends) == 401 and "switched off" in run("user", "list").output
    run("user", "change", "Ani", "--on", "--rename", "Anita", "--admin")
    assert status(product, sends) == 403 and "Anita  admin" in run("user", "list").output
    assert run("user", "remove", "Anita").output == "Anita is deleted.\n" and status(product, sends) == 401


def test_passwords(product: Product) -> None:
    """Given on the standard input, they are not shown."""
    assert "Password" not in run("user", "add", "Budi", "--password-stdin", stdin="a long password\n").output
    url = f"http://127.0.0.1:{product.port}/api/auth/login"
    credentials = {"username": "Budi", "password": "a long password"}
    login = httpx.post(url, json=credentials, trust_env=False)
    assert login.status_code == 200
    new = run("user", "change", "Budi", "--password").output.split()[-1]
    assert httpx.post(url, json=credentials, trust_env=False).status_code == 401
    assert httpx.post(url, json=credentials | {"password": new}, trust_env=False).status_code == 200


def test_what_is_refused(product: Product) -> None:
    run("user", "add", "Cici")
    for arguments, error in (
        (("user", "add", "Cici"), Conflict),
        (("user", "add", "line\nbreak"), InvalidInput),
        (("user", "remove", "nobody"), NotFound),
        (("key", "list", "nobody"), NotFound),
        (("key", "add", "Cici", "x", "--session", "nobody"), NotFound),
        (("key", "add", "Cici", "x", "--address", "nowhere"), InvalidInput),
        (("key", "revoke", "Cici", "nothing"), NotFound),
    ):
        with pytest.raises(error):
            run(*arguments)
    for arguments in (("user", "remove", "admin"), ("user", "change", "admin", "--off")):
        assert run(*arguments).exit_code == 1
    (first,) = [line.split()[0] for line in run("key", "list", "admin").output.splitlines() if "first key" in line]
    assert "WAREST_ADMIN_APIKEY" in run("key", "revoke", "admin", first).output


def test_the_same_over_http(product: Product) -> None:
    """An admin makes a user; the user makes a key, changes his password, and goes; all of it is in the trail."""
    made = product.api("POST", "/users", json={"username": "Dedi"})["results"][0]
    registry, password = made["registry"], made["password"]
    url = f"http://127.0.0.1:{product.port}/api/auth/login"
    own = {
        "X-WAREST-API-KEY": httpx.post(url, json={"username": "Dedi", "password": password}, trust_env=False).json()[
            "apiKey"
        ]
    }
    key = product.api("POST", "/keys", json={"name": "x", "scopes": ["read"]}, headers=own)["results"][0]
    assert product.api("GET", "/keys", headers=own)["results"][0]["id"] == key["id"]
    told = product.api("GET", "/users/me", headers={"X-WAREST-API-KEY": key["apiKey"]})["results"][0]
    assert (told["username"], told["key"]["scopes"]) == ("Dedi", ["read"])
    assert status(product, key["apiKey"], "keys") == 403
    passwords = {"password": password, "newPassword": "quite another one"}
    assert product.api("POST", "/users/me/password", json=passwords, headers=own)["code"] == 1000
    assert product.api("DELETE", f"/keys/{key['id']}", headers=own)["code"] == 1000
    assert status(product, key["apiKey"]) == 401
    assert product.api("PATCH", f"/users/{registry}", json={"isAdmin": True})["results"][0]["role"] == "admin"
    assert product.api("GET", f"/users/{registry}", headers=own)["results"][0]["username"] == "Dedi"
    assert registry in [each["registry"] for each in product.api("GET", "/users")["results"][0]["items"]]
    assert product.api("DELETE", f"/users/{registry}")["code"] == 1000
    assert product.api("GET", f"/users/{registry}")["code"] == 2602
    trail = product.api("GET", "/audit", params={"everybody": "true", "limit": 200})["results"][0]["items"]
    mine = [each["action"] for each in reversed(trail) if registry in (each["registry"], each["target"])]
    assert mine == [
        "login", "POST /keys", "POST /users/me/password", "DELETE /keys/{keyId}", "PATCH /users/{registry}",
        "DELETE /users/{registry}",
    ]  # fmt: skip

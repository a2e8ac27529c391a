"""Export and import of sessions, as far as no session process is needed; the rest: tests/cli/test_session_files.py."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import keys, moving
from warest.bus import refused
from warest.config.house import House
from warest.errors import Unsupported
from warest.moving import Moving
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]

PASSPHRASE = "correct horse battery"
ME = {"id": "628222:7@s.whatsapp.net", "name": "Ani", "lid": "9@lid"}
EXPORT, IMPORT = "/session/s/export", "/session/import"


@pytest.fixture(scope="module")
def file() -> str:
    out = io.BytesIO()
    told = Moving(name="s", me=ME, reject_calls=False, call_reply="", endpoints=())
    moving.write(out, PASSPHRASE, told, [b"keys"])
    return base64.b64encode(out.getvalue()).decode()


def code(answer: testing.Result) -> tuple[int, int]:
    return answer.status_code, answer.json["code"]


def test_somebody_elses_session(call: Call, online: Online, user: Account, file: str) -> None:
    """It can be neither taken nor replaced."""
    online(user, "s")
    assert code(call("POST", EXPORT, json={"passphrase": PASSPHRASE, "stop": True})) == (403, 2201)
    assert code(call("POST", IMPORT, json={"passphrase": PASSPHRASE, "file": file})) == (403, 2201)


def test_a_device_that_somebody_else_has(call: Call, opened: Store, parts: House, user: Account, file: str) -> None:
    """Nothing is said of whose it is."""
    record = opened.create_session(user, "theirs")
    parts.states.put(record.ulid, state="stopped", me=ME)
    answer = call("POST", IMPORT, json={"passphrase": PASSPHRASE, "file": file})
    assert code(answer) == (409, 1102) and "theirs" not in answer.json["message"]


def test_where_it_is_impossible(call: Call, online: Online, admin: Account, serve: Callable[..., None]) -> None:
    """501, and what to do instead."""
    online(admin, "s")
    told: list[dict[str, Any]] = []

    def pack_session(**order: Any) -> Any:
        told.append(order)
        return refused(Unsupported("use pg_dump"))

    serve(keys.SUPERVISOR_QUEUE, "pack_session", pack_session)
    answer = call("POST", EXPORT, json={"passphrase": PASSPHRASE, "stop": True})
    assert code(answer) == (501, 8005) and "pg_dump" in answer.json["message"]
    assert PASSPHRASE not in str(told)


def test_a_passphrase_belongs_into_a_body(call: Call, online: Online, admin: Account, file: str) -> None:
    """Not into a URL, which is logged, nor into a form that any page could post."""
    online(admin, "s")
    in_url = {"passphrase": PASSPHRASE}
    form = {"body": f"passphrase={PASSPHRASE}&stop=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    assert code(call("POST", EXPORT, params=in_url, json={"stop": True})) == (400, 2000)
    assert code(call("POST", EXPORT, **form)) == (400, 2000)
    assert code(call("POST", IMPORT, params=in_url, json={"file": file})) == (400, 2000)


def test_a_file_that_is_too_large(
    application: Callable[..., testing.TestClient], admin_headers: dict[str, str]
) -> None:
    client = application(session_file_limit_mb=0.001)
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 2000 + b"\r\n--x--\r\n"
    headers = {**admin_headers, "Content-Type": "multipart/form-data; boundary=x"}
    answer = client.simulate_post(f"/api/v1{IMPORT}", body=body, headers=headers)
    assert code(answer) == (413, 2006) and "0.001MB" in answer.json["message"]

"""Base64, and the ways to give what has been decoded."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.drivers.storage import Storage

Call = Callable[..., testing.Result]

TEXT, ENCODED = "hello world", "aGVsbG8gd29ybGQ="


def converted(call: Call, **given: Any) -> dict[str, Any]:
    answer = call("POST", "/misc/base64", json=given)
    assert answer.status_code == 200, answer.json
    (result,) = answer.json["results"]
    return dict(result)


def test_encoding(call: Call) -> None:
    """Without `action`, too. What looks like base64 stays as it is (quirk Q15), unless it is said to be a text."""
    assert call("POST", "/misc/base64", json={"input": TEXT}).json["message"] == "Encoded to base64"
    assert converted(call, action="encode", input=TEXT) == converted(call, input=TEXT) == {"data": ENCODED}
    assert converted(call, input="ä")["data"] == base64.b64encode("ä".encode()).decode()
    letters = "abcdefghijklmnopqrst"
    assert converted(call, input=letters)["data"] == letters
    assert converted(call, input=letters, encoding="utf8")["data"] == base64.b64encode(letters.encode()).decode()
    assert converted(call, input=letters[:15])["data"] == base64.b64encode(letters[:15].encode()).decode()
    assert converted(call, input="a name with-some/signs")["data"] != "a name with-some/signs"


def test_a_path_is_a_text(call: Call) -> None:
    assert converted(call, input="/etc/hostname")["data"] == base64.b64encode(b"/etc/hostname").decode()


def test_decoding(call: Call) -> None:
    """Into a text, unless another way is wanted."""
    answer = call("POST", "/misc/base64", json={"action": "DECODE", "input": ENCODED}).json
    meta = {"mode": "string", "mimeType": "application/octet-stream", "size": 11}
    assert (answer["message"], answer["results"]) == ("Decoded from base64", [{"data": TEXT, "meta": meta}])
    assert converted(call, action="decode", input=ENCODED, output="base64")["data"] == ENCODED
    uri = converted(call, action="decode", input=f"data:Text/Plain;base64,{ENCODED}", output="dataurl")
    assert uri["data"] == f"data:text/plain;base64,{ENCODED}" and uri["meta"]["mimeType"] == "text/plain"
    assert converted(call, action="decode", input="_-8=")["data"] == b"\xff\xef".decode(errors="replace")
    odd = converted(call, action="decode", input=f"data:text/x\r\nX: y;base64,{ENCODED}", output="dataurl")
    assert odd["meta"]["mimeType"] == "application/octet-stream"


def test_decoding_into_files(call: Call, files: Storage) -> None:
    """A public one that anybody can fetch, or a private one, which nobody can by its key."""
    public = converted(call, action="decode", input=ENCODED, output="url")
    key = public["meta"]["key"]
    assert public["data"] == public["meta"]["url"] == f"/storages/{key}"
    assert key.startswith("misc/20") and key.endswith(".bin") and public["meta"]["size"] == 11
    assert call("GET", public["data"], key=None).content == TEXT.encode()
    private = converted(call, action="decode", input=f"data:image/png;base64,{ENCODED}", output="file")
    assert private["data"] == private["meta"]["key"] and "url" not in private["meta"]
    assert files.stat(private["data"]).visibility == "private" and private["data"].endswith(".png")
    assert call("GET", f"/storages/{private['data']}", key=None).status_code == 404


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"action": "encode"}, 2001, "input is required"),
        ({"action": "decode"}, 2001, "input is required"),
        ({"action": "shred", "input": "x"}, 2002, "action must be encode or decode"),
        ({"action": "decode", "input": "x", "output": "tape"}, 2002, "output must be one of base64, string"),
    ],
)
def test_what_makes_no_sense(call: Call, given: dict[str, str], code: int, message: str) -> None:
    answer = call("POST", "/misc/base64", json=given)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, code, [])
    assert answer.json["message"].startswith(message)

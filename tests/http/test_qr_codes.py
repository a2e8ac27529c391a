"""QRs of texts: in the answer, or as files for a while."""

import base64
import io
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import segno
from falcon import testing
from PIL import Image

from warest.drivers.storage import Storage
from warest.handouts import Handouts

Call = Callable[..., testing.Result]

PATH = "/misc/convert-string-toqr"


def drawn(call: Call, target: str, **given: Any) -> dict[str, Any]:
    answer = call("POST", f"{PATH}/{target}", json={"string": "hello golden", **given})
    assert answer.status_code == 200, answer.json
    (result,) = answer.json["results"]
    return dict(result)


def modules(png: bytes) -> list[list[int]]:
    """Of a picture with six pixels a module and a margin of one: 1 is dark."""
    picture = Image.open(io.BytesIO(png)).convert("L")
    side = picture.width // 6 - 2
    return [[int(picture.getpixel((9 + 6 * x, 9 + 6 * y)) == 0) for x in range(side)] for y in range(side)]


def of(content: str | bytes) -> list[list[int]]:
    return [list(row) for row in segno.make(content, error="m", micro=False).matrix]


def test_in_the_answer(call: Call) -> None:
    """In whatever case it is asked for."""
    for target in ("base64", "BASE64"):
        answer = call("POST", f"{PATH}/{target}", json={"string": "x"}).json
        assert answer["message"] == "String converted to QR-friendly PNG (base64 data URI)"
        (result,) = answer["results"]
        assert result["meta"] == {"mode": "dataurl", "mimeType": "image/png", "format": "png"}
        head, _, data = result["data"].partition(",")
        assert head == "data:image/png;base64"
        assert modules(base64.b64decode(data)) == of("x")


@pytest.mark.parametrize(
    ("target", "mime_type", "begin"), [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<")]
)
def test_as_a_file(call: Call, files: Storage, target: str, mime_type: str, begin: bytes) -> None:
    """That anybody can fetch until it expires."""
    before = time.time()
    result = drawn(call, target)
    meta = result["meta"]
    assert (meta["mode"], meta["mimeType"], meta["temporary"]) == ("url", mime_type, True)
    assert result["data"] == meta["url"] == f"/storages/{meta['key']}"
    assert meta["key"].startswith("misc/temp/20") and meta["key"].endswith(f".{target}")
    expires = datetime.fromisoformat(meta["expiresAt"]).timestamp()
    assert before + 299 < expires < time.time() + 301
    fetched = call("GET", result["data"], key=None)
    assert fetched.headers["content-type"] == mime_type
    assert fetched.content.startswith(begin) and len(fetched.content) == meta["size"]


def test_the_picture_of_the_original(call: Call) -> None:
    """Has as many pixels."""
    png = call("GET", drawn(call, "png")["data"], key=None).content
    assert Image.open(io.BytesIO(png)).size == (138, 138)
    assert modules(png) == of("hello golden")


def test_bytes(call: Call) -> None:
    """What is in an encoding is drawn as the bytes it stands for, and as a text if they are one."""
    raw = call("GET", drawn(call, "png", string="//4A", encoding="base64")["data"], key=None).content
    assert modules(raw) == of(b"\xff\xfe\x00")
    text = call("GET", drawn(call, "png", string="68 69", encoding="hex")["data"], key=None).content
    assert modules(text) == of("hi")


@pytest.mark.parametrize(
    ("target", "given", "code", "message"),
    [
        ("png", {}, 2001, "string is required"),
        ("png", {"string": ""}, 2001, "string is required"),
        ("gif", {"string": "x"}, 2002, "target must be one of base64"),
        ("png", {"string": "x" * 3000}, 2002, "The amount of data is too big"),
        ("png", {"string": "x", "encoding": "rot13"}, 2002, "encoding must be one of"),
    ],
)
def test_what_cannot_be_drawn(call: Call, target: str, given: dict[str, str], code: int, message: str) -> None:
    answer = call("POST", f"{PATH}/{target}", json=given)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, code, [])
    assert answer.json["message"].startswith(message)


def test_temporary_files_go(files: Storage) -> None:
    """The expired ones, as many as are wanted; what stays is left alone."""
    expired, fresh = Handouts(files, seconds=-1), Handouts(files, seconds=60)
    gone = [expired.lend([b"x"], "image/png").key for _ in range(3)]
    kept = fresh.publish([b"x"], "image/png").key
    assert fresh.sweep() == 0
    assert [expired.sweep(2), expired.sweep(2)] == [2, 1]
    assert [files.exists(key) for key in gone] == [False] * 3 and files.exists(kept)

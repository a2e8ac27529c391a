"""Hashes and HMACs of whatever an input may be."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from support.file_host import FileHost, says, starts

Call = Callable[..., testing.Result]

TEXT = b"hello world"
ENCODED = "aGVsbG8gd29ybGQ="


def hashed(call: Call, input: object, **options: Any) -> str:
    answer = call("POST", "/misc/crypto/hash", json={"input": input, **options}).json
    assert (answer["code"], answer["message"]) == (1000, "Hash generated"), answer
    data: str = answer["results"][0]["data"]
    return data


@pytest.mark.parametrize(
    ("input", "options"),
    [
        (ENCODED, {}),
        (ENCODED.rstrip("="), {}),
        ("data:text/plain;base64," + ENCODED, {}),
        ("data:text/plain,hello%20world", {}),
        ({"type": "Buffer", "data": list(TEXT)}, {}),
        ("hello world", {"encoding": "utf8"}),
        ("hello world", {"encoding": "UTF-8"}),
        (TEXT.hex(), {"encoding": "hex"}),
        (ENCODED, {"encoding": "base64"}),
    ],
)
def test_inputs(call: Call, input: object, options: dict[str, str]) -> None:
    """All the ways to say the same."""
    assert hashed(call, input, **options) == hashlib.sha256(TEXT).hexdigest()


def test_a_plain_text_is_read_as_base64_unless_it_is_said_to_be_one(call: Call) -> None:
    """As the original did (quirk Q15): these digests are its own."""
    assert hashed(call, "hello world") == "d59b1e3bd000b1884b836dda7af86cc4142ad05168cd42db5c788769222a90a9"
    assert hashed(call, "hello").startswith("d189b04b")
    assert hashed(call, "hello", encoding="utf8") == hashlib.sha256(b"hello").hexdigest()


def test_a_path_is_a_text(call: Call, tmp_path: Path) -> None:
    """Whatever lies there is not looked at (quirk S3)."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for options in ({}, {"encoding": "utf8"}, {"encoding": "base64"}):
        assert hashed(call, str(secret), **options) != hashlib.sha256(b"secret").hexdigest()
    assert hashed(call, "/etc/hostname", encoding="utf8") == hashlib.sha256(b"/etc/hostname").hexdigest()
    assert hashed(call, "file:///etc/hostname", encoding="utf8") == hashlib.sha256(b"file:///etc/hostname").hexdigest()


@pytest.mark.parametrize("name", ["data", "file", "source"])
def test_other_names_and_the_query(call: Call, name: str) -> None:
    answer = call("POST", f"/misc/crypto/hash?algorithm=sha1&{name}={ENCODED}").json
    assert answer["results"] == [{"data": hashlib.sha1(TEXT).hexdigest()}]


@pytest.mark.parametrize(
    ("algo", "python"),
    [
        ("sha512", "sha512"), ("SHA1", "sha1"), ("RSA-SHA256", "sha256"), ("sha2-256", "sha256"), ("md5", "md5"),
        ("sha3-256", "sha3_256"), ("sha512-256", "sha512_256"), ("ripemd160", "ripemd160"), ("blake2b512", "blake2b"),
    ],
)  # fmt: skip
def test_algorithms(call: Call, algo: str, python: str) -> None:
    assert hashed(call, ENCODED, algo=algo) == hashlib.new(python, TEXT).hexdigest()


def test_hashes_of_any_length(call: Call) -> None:
    """Have the length that OpenSSL gives them."""
    assert hashed(call, ENCODED, algo="shake128") == hashlib.shake_128(TEXT).hexdigest(16)
    assert hashed(call, ENCODED, algo="shake256") == hashlib.shake_256(TEXT).hexdigest(32)


def test_outputs(call: Call) -> None:
    digest = hashlib.sha256(b"\x01\x02").digest()
    for output, shown in (
        ("hex", digest.hex()),
        ("base64", base64.b64encode(digest).decode()),
        ("base64url", base64.urlsafe_b64encode(digest).decode().rstrip("=")),
    ):
        assert hashed(call, "0102", encoding="hex", output=output) == shown


def test_hmac(call: Call) -> None:
    for given in ({"key": "k1"}, {"secret": "k1"}):
        answer = call("POST", "/misc/crypto/hmac", json={"input": ENCODED, "algorithm": "sha512", **given}).json
        assert answer["message"] == "HMAC generated"
        assert answer["results"] == [{"data": hmac.new(b"k1", TEXT, "sha512").hexdigest()}]


@pytest.mark.parametrize(
    ("path", "given", "code", "message"),
    [
        ("hash", {}, 2001, "input is required"),
        ("hash", {"input": ""}, 2001, "input is required"),
        ("hash", {"input": [1]}, 2001, "input is required"),
        ("hash", {"input": {"type": "Buffer", "data": [256]}}, 2002, "input must be"),
        ("hash", {"input": {"type": "Buffer", "data": "x"}}, 2002, "input must be"),
        ("hash", {"input": {"type": "Buffer", "data": 10**12}}, 2002, "input must be"),
        ("hash", {"input": {"type": "Buffer"}}, 2002, "input must be"),
        ("hash", {"input": {"a": 1}}, 2002, "input must be"),
        ("hash", {"input": "data:text/plain;base64,a"}, 2002, "not base64"),
        ("hash", {"input": ENCODED, "algo": "nope"}, 2002, "Unsupported hash algorithm"),
        ("hash", {"input": ENCODED, "output": "oct"}, 2002, "output must be one of"),
        ("hash", {"input": ENCODED, "encoding": "utf7"}, 2002, "encoding must be one of"),
        ("hash", {"input": "xy", "encoding": "hex"}, 2002, "not hexadecimal"),
        ("hmac", {"input": ENCODED}, 2001, "key is required"),
        ("hmac", {"key": "k"}, 2001, "input is required"),
        ("hmac", {"input": ENCODED, "key": "k", "algo": "nope"}, 2002, "Unsupported HMAC algorithm"),
        ("hmac", {"input": ENCODED, "key": "k", "algo": "shake128"}, 2002, "Unsupported HMAC algorithm"),
    ],
)
def test_what_makes_no_sense(call: Call, path: str, given: dict[str, Any], code: int, message: str) -> None:
    answer = call("POST", f"/misc/crypto/{path}", json=given)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, code, [])
    assert message in answer.json["message"]


def test_a_file_behind_a_url(application: Callable[..., testing.TestClient], admin_headers: dict[str, str]) -> None:
    """From where the settings allow; one that is too large, or not there, is an error."""
    client = application(fetch_networks="127.0.0.1")
    with FileHost() as host:
        host.paths["/file"] = says(200, TEXT)
        host.paths["/large"] = starts(Content_Length="50000001")

        def asked(url: str) -> testing.Result:
            return client.simulate_post("/api/v1/misc/crypto/hash", json={"input": url}, headers=admin_headers)

        found = asked(host.url("/file"))
        assert found.json["results"] == [{"data": hashlib.sha256(TEXT).hexdigest()}]
        assert (asked(host.url("/large")).status_code, asked(host.url("/nothing")).status_code) == (400, 502)


def test_a_url_that_leads_inside(call: Call) -> None:
    answer = call("POST", "/misc/crypto/hash", json={"input": "http://127.0.0.1:1/secret"})
    assert (answer.status_code, answer.json["code"]) == (400, 2000)

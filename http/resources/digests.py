"""/api/v1/misc/crypto: hashes, with and without a key.

Facts: contract, endpoints.md section 11; quirk Q15: unless `encoding` says what a text is in, it is read as base64.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Protocol

import falcon
from pydantic import AliasChoices, Field

from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.inputs import Content, Inputs
from warest.http.operation import Answer, Parameters, Result, Word, operation

_ALIASES = {
    "sha2224": "sha224", "sha2256": "sha256", "sha2384": "sha384", "sha2512": "sha512",
    "blake2b512": "blake2b", "blake2s256": "blake2s", "rmd160": "ripemd160",
}  # fmt: skip

#: Bytes that are told of hashes of any length.
_LENGTHS = {"shake128": 16, "shake256": 32}

_OUTPUTS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda digest: base64.b64encode(digest).decode(),
    "base64url": lambda digest: base64.urlsafe_b64encode(digest).decode().rstrip("="),
}


class ToHash(Parameters):
    """`encoding`: utf8, base64, base64url, hex or latin1. `output`: hex, base64 or base64url."""

    input: Content = Field(None, validation_alias=AliasChoices("input", "data", "file", "source"))
    algorithm: Word = Field(None, validation_alias=AliasChoices("algo", "algorithm"))
    encoding: Word = None
    output: Word = None


class ToSign(ToHash):
    key: Word = Field(None, validation_alias=AliasChoices("key", "secret"))


class Digest(Result):
    data: str


class _Digest(Protocol):
    def update(self, piece: bytes, /) -> None: ...


class Hash:
    """/api/v1/misc/crypto/hash"""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    @operation(
        "Hash a text or a file",
        family=Family.E1,
        parameters=ToHash,
        result=Digest,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: ToHash) -> Answer:
        show, name = _output(parameters.output), _name(parameters.algorithm)
        try:
            digest = hashlib.new(_known(name), usedforsecurity=False)
        except ValueError:
            raise Refusal(Code.INVALID_PARAMETER, "Unsupported hash algorithm") from None
        _feed(digest, self._inputs, parameters)
        length = _LENGTHS.get(name)
        data = digest.digest(length) if length else digest.digest()  # type: ignore[call-arg]
        return Answer([{"data": show(data)}], "Hash generated")


class Hmac:
    """/api/v1/misc/crypto/hmac"""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    @operation(
        "Sign a text or a file with a secret",
        family=Family.E1,
        parameters=ToSign,
        result=Digest,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: ToSign) -> Answer:
        if not parameters.key:
            raise Refusal(Code.MISSING_PARAMETER, "key is required")
        show, name = _output(parameters.output), _name(parameters.algorithm)
        try:
            digest = hmac.new(parameters.key.encode(), digestmod=_known(name))
        except (ValueError, TypeError):
            raise Refusal(Code.INVALID_PARAMETER, "Unsupported HMAC algorithm") from None
        _feed(digest, self._inputs, parameters)
        return Answer([{"data": show(digest.digest())}], "HMAC generated")


def _feed(digest: _Digest, inputs: Inputs, parameters: ToHash) -> None:
    with inputs.opened(parameters.input, parameters.encoding, hint="base64") as found:
        for piece in found.pieces:
            digest.update(piece)


def _output(asked: str | None) -> Callable[[bytes], str]:
    show = _OUTPUTS.get((asked or "hex").lower())
    if show is None:
        raise Refusal(Code.INVALID_PARAMETER, f"output must be one of {', '.join(_OUTPUTS)}")
    return show


def _name(asked: str | None) -> str:
    """OpenSSL's name without what its spellings differ in: RSA-SHA256, SHA2-256 and sha256 are one."""
    plain = re.sub("[-_/]", "", (asked or "sha256").lower()).removeprefix("rsa")
    return _ALIASES.get(plain, plain)


def _known(name: str) -> str:
    """As Python calls it. Raises ValueError."""
    for each in hashlib.algorithms_available:
        if re.sub("[-_]", "", each) == name:
            return each
    raise ValueError(name)

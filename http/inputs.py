"""What a parameter of /misc holds: a file by what it is or where it is, or a text.

Facts: contract, endpoints.md section 11; quirks S3 and Q15. In this order: the JSON of a Node.js Buffer, the URL of a
file, a data URI, what is in the encoding that the request names or the route assumes, what looks like base64, a text.
The original also took the path of a file on the server. Here a path is a text like any other.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from warest.errors import InvalidInput
from warest.fetch import Fetcher
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.loose import word
from warest.sources import is_url, of_data_uri

#: Bytes of the largest file behind a URL.
LIMIT = 50_000_000

UNKNOWN_TYPE = "application/octet-stream"

#: So much text of the alphabet of base64 is taken for it.
_LOOKS_LIKE_BASE64 = re.compile(r"[A-Za-z0-9+/]{14,}={0,2}")
_SHORTEST_BASE64 = 16

_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


def _content(value: object) -> Any:
    return value if isinstance(value, dict) else word(value)


#: A parameter that holds an input.
Content = Annotated[str | dict[str, Any] | None, BeforeValidator(_content)]


@dataclass(frozen=True, slots=True)
class Input:
    """`pieces` can be gone through once. `mime_type` is what somebody said of it, or that nobody did."""

    pieces: Iterable[bytes]
    mime_type: str = UNKNOWN_TYPE

    def read(self) -> bytes:
        return b"".join(self.pieces)


class Inputs:
    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    @contextmanager
    def opened(
        self, value: str | dict[str, Any] | None, encoding: str | None = None, hint: str = ""
    ) -> Iterator[Input]:
        """`encoding` is what the request says that the text is in: it is then nothing but a text. `hint` is what it
        is taken to be in otherwise.

        Raises Refusal when there is none, or one that makes no sense; InvalidInput and FetchError of a URL.
        """
        if not value:
            raise Refusal(Code.MISSING_PARAMETER, "input is required")
        if isinstance(value, str) and not encoding and is_url(value):
            with self._fetcher.open(value, limit=LIMIT) as found:
                yield Input(found, found.mime_type or UNKNOWN_TYPE)
            return
        try:
            held = _buffer(value) if isinstance(value, dict) else _held(value, encoding, hint)
        except InvalidInput as error:
            raise Refusal(Code.INVALID_PARAMETER, error.message) from None
        yield held


def _buffer(value: dict[str, Any]) -> Input:
    data = value.get("data")
    try:
        if value.get("type") == "Buffer" and isinstance(data, list):
            return Input([bytes(data)])
    except (TypeError, ValueError):  # not all of them are bytes
        pass
    raise InvalidInput('input must be a text, a URL or {"type": "Buffer", "data": [bytes]}')


def _held(text: str, encoding: str | None, hint: str) -> Input:
    if encoding:
        return Input([decoded(text, encoding)])
    if found := of_data_uri(text):
        mime_type, data = found
        return Input([data], mime_type if _TYPE.fullmatch(mime_type) else UNKNOWN_TYPE)
    if hint:
        return Input([decoded(text, hint)])
    looks = len(text) >= _SHORTEST_BASE64 and _LOOKS_LIKE_BASE64.fullmatch(text)
    return Input([lenient_base64(text) if looks else text.encode(errors="replace")])


def decoded(text: str, encoding: str) -> bytes:
    """The bytes that a text stands for. Raises InvalidInput."""
    decode = _ENCODINGS.get(encoding.lower())
    if decode is None:
        raise InvalidInput(f"encoding must be one of {', '.join(_ENCODINGS)}")
    return decode(text)


def lenient_base64(text: str) -> bytes:
    """As Node.js reads it: whatever is not of the alphabet is skipped, and the first `=` is the end."""
    known = re.sub(r"[^A-Za-z0-9+/_-]", "", text.partition("=")[0]).translate(str.maketrans("-_", "+/"))
    whole = known[:-1] if len(known) % 4 == 1 else known
    return base64.b64decode(whole + "=" * (-len(whole) % 4))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidInput("the text is not hexadecimal") from None


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")


def _latin1(text: str) -> bytes:
    return text.encode("latin-1", errors="replace")


_ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf8": _utf8, "utf-8": _utf8, "text": _utf8, "base64": lenient_base64, "base64url": lenient_base64, "hex": _hex,
    "latin1": _latin1, "binary": _latin1, "ascii": _latin1,
}  # fmt: skip

"""How /misc gives what it has made: in the answer, or as a file.

Facts: contract, endpoints.md section 11.
"""

import base64
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from warest.handouts import Handout, Handouts
from warest.http import times
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Result

#: In the answer.
_HELD: dict[str, Callable[[bytes, str], str]] = {
    "base64": lambda data, _: base64.b64encode(data).decode(),
    "string": lambda data, _: data.decode(errors="replace"),
    "dataurl": lambda data, mime_type: f"data:{mime_type};base64,{base64.b64encode(data).decode()}",
}

MODES = (*_HELD, "url", "file")


class Meta(Result):
    """`mode`: base64, string, dataurl, url or file. Of a file `key` is its name in storage, and `url` where anybody can
    fetch it; of a temporary one `expiresAt` says until when."""

    mode: str
    mimeType: str
    size: int | None = None
    format: str | None = None
    temporary: bool | None = None
    key: str | None = None
    url: str | None = None
    expiresAt: str | None = None


def mode_of(asked: str | None, otherwise: str) -> str:
    """Raises Refusal."""
    mode = (asked or otherwise).lower()
    if mode not in MODES:
        raise Refusal(Code.INVALID_PARAMETER, f"output must be one of {', '.join(MODES)}")
    return mode


class Outputs:
    def __init__(self, handouts: Handouts) -> None:
        self._handouts = handouts

    def give(self, content: Iterable[bytes], mime_type: str, mode: str) -> tuple[str, dict[str, Any]]:
        """`data` and `meta` of an answer; of `mode_of`."""
        if mode in _HELD:
            data = b"".join(content)
            return _HELD[mode](data, mime_type), {"mode": mode, "mimeType": mime_type, "size": len(data)}
        made = self._handouts.publish if mode == "url" else self._handouts.keep
        return _of_file(made(content, mime_type), mime_type, mode)

    def lend(self, content: Iterable[bytes], mime_type: str) -> tuple[str, dict[str, Any]]:
        """As a public file, for a while."""
        return _of_file(self._handouts.lend(content, mime_type), mime_type, "url")


def _of_file(made: Handout, mime_type: str, mode: str) -> tuple[str, dict[str, Any]]:
    meta: dict[str, Any] = {"mode": mode, "mimeType": mime_type, "size": made.size}
    if made.expires_at:
        meta["temporary"] = True
    meta["key"] = made.key
    if made.url:
        meta["url"] = made.url
    if made.expires_at:
        meta["expiresAt"] = times.iso(datetime.fromtimestamp(made.expires_at, UTC))
    return made.url or made.key, meta

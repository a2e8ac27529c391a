"""/api/v1/misc/convert-string-toqr: a text as a QR.

Facts: contract, endpoints.md section 11.
"""

import base64
from typing import Any

import falcon

from warest import pictures
from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.inputs import decoded
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.outputs import Meta, Outputs
from warest.http.studio import Studio

#: What is drawn here, and its MIME type.
_DRAWN = {"png": "image/png", "svg": "image/svg+xml"}

#: What a worker makes of that.
_CONVERTED = ("jpg", "jpeg", "webp")


class ToDraw(Parameters):
    """`encoding`: what the string is in, if it is not the text itself: base64, hex or latin1."""

    string: Word = None
    encoding: Word = None


class Drawn(Result):
    data: str
    meta: Meta


class QrCode:
    """/api/v1/misc/convert-string-toqr/{target}"""

    def __init__(self, outputs: Outputs, studio: Studio) -> None:
        self._outputs = outputs
        self._studio = studio

    @operation(
        "Draw a QR",
        family=Family.E1,
        parameters=ToDraw,
        result=Drawn,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SERVICE_UNAVAILABLE, Code.TIMEOUT),
    )
    def on_post(self, request: falcon.Request, parameters: ToDraw, target: str) -> Answer:
        if not parameters.string:
            raise Refusal(Code.MISSING_PARAMETER, "string is required")
        try:
            return self._drawn(target.lower(), _content(parameters.string, parameters.encoding))
        except InvalidInput as error:
            raise Refusal(Code.INVALID_PARAMETER, error.message) from None

    def _drawn(self, target: str, content: str | bytes) -> Answer:
        if target == "base64":
            data = base64.b64encode(pictures.qr(content, "png")).decode()
            meta: dict[str, Any] = {"mode": "dataurl", "mimeType": "image/png", "format": "png"}
            done = "String converted to QR-friendly PNG (base64 data URI)"
            return Answer([{"data": f"data:image/png;base64,{data}", "meta": meta}], done)
        given, meta = self._filed(target, content)
        return Answer([{"data": given, "meta": meta}], f"String converted to QR-friendly {target.upper()} format")

    def _filed(self, target: str, content: str | bytes) -> tuple[str, dict[str, Any]]:
        if target in _DRAWN:
            return self._outputs.lend([pictures.qr(content, target)], _DRAWN[target])
        if target not in _CONVERTED:
            raise InvalidInput(f"target must be one of base64, {', '.join((*_DRAWN, *_CONVERTED))}")
        with self._studio.edited([pictures.qr(content, "png")], {"convert": target}) as made:
            return self._outputs.lend(made.content, made.mimetype)


def _content(string: str, encoding: str | None) -> str | bytes:
    """Raises InvalidInput."""
    content = decoded(string, encoding or "utf8")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content

"""/api/v1/misc/base64: into it and out of it.

Facts: contract, endpoints.md section 11; quirk Q15: what looks like base64 is not encoded again, unless `encoding` says
that it is a text.
"""

import base64

import falcon
from pydantic import AliasChoices, Field

from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.inputs import Content, Inputs
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.outputs import Meta, Outputs, mode_of


class ToConvert(Parameters):
    """`action`: encode or decode. `encoding`: what the text to encode is in. `output`: string, base64, dataurl, url or
    file, for what was decoded."""

    action: Word = None
    input: Content = Field(None, validation_alias=AliasChoices("input", "data", "file", "source"))
    encoding: Word = None
    output: Word = None


class Converted(Result):
    data: str
    meta: Meta | None = None


class Base64:
    """/api/v1/misc/base64"""

    def __init__(self, inputs: Inputs, outputs: Outputs) -> None:
        self._inputs = inputs
        self._outputs = outputs

    @operation(
        "Encode base64, or decode it",
        family=Family.E1,
        parameters=ToConvert,
        result=Converted,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: ToConvert) -> Answer:
        action = (parameters.action or "encode").lower()
        if action not in ("encode", "decode"):
            raise Refusal(Code.INVALID_PARAMETER, "action must be encode or decode")
        return self._encode(parameters) if action == "encode" else self._decode(parameters)

    def _encode(self, parameters: ToConvert) -> Answer:
        with self._inputs.opened(parameters.input, parameters.encoding) as found:
            data = base64.b64encode(found.read()).decode()
        return Answer([{"data": data}], "Encoded to base64")

    def _decode(self, parameters: ToConvert) -> Answer:
        mode = mode_of(parameters.output, "string")
        with self._inputs.opened(parameters.input, hint="base64") as found:
            data, meta = self._outputs.give(found.pieces, found.mime_type, mode)
        return Answer([{"data": data, "meta": meta}], "Decoded from base64")

"""/api/v1/misc/media: thumbnails, and pictures in other formats and sizes.

Facts: contract, endpoints.md section 11.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, BeforeValidator, Field

from warest.http import times
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.inputs import Content, Inputs
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.outputs import Meta, Outputs, mode_of
from warest.http.studio import Picture, Studio

_CODES = (
    Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR, Code.SERVICE_UNAVAILABLE, Code.TIMEOUT,
)  # fmt: skip

_FIELDS = AliasChoices("file", "data", "url", "source")


def _between(low: int, high: int) -> BeforeValidator:
    """A number, taken to the nearest that is allowed; whatever is none is as good as nothing."""

    def read(value: object) -> int | None:
        try:
            return min(high, max(low, int(float(str(value)))))
        except (ValueError, OverflowError):
            return None

    return BeforeValidator(read)


def _actions(value: object) -> dict[str, Any]:
    """An object, or one in a text, as forms have it."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("it has to be an object")
    return {name: found[name] for name in ("convert", "resize", "compress") if found.get(name) is not None}


class ToShow(Parameters):
    """`type`: image or video. `width` and `height`: 16 to 1024; `count`: 1 to 6, of a video. `output`: base64, string,
    dataurl, url or file."""

    file: Content = Field(None, validation_alias=_FIELDS)
    type: Word = None
    width: Annotated[int | None, _between(16, 1024)] = None
    height: Annotated[int | None, _between(16, 1024)] = None
    count: Annotated[int | None, _between(1, 6)] = None
    output: Word = None


class Thumbnail(Result):
    thumbnail: str
    meta: Meta


class Thumbnails(Result):
    data: list[Thumbnail]


class ToEdit(Parameters):
    """`actions`: `convert` (png, jpg, webp, tiff or avif), `resize` (`width`, `height`, `fit`), `compress`
    (`quality`)."""

    file: Content = Field(None, validation_alias=_FIELDS)
    actions: Annotated[dict[str, Any], BeforeValidator(_actions)] = Field(default_factory=dict)
    output: Word = None


class Details(Result):
    format: str
    width: int
    height: int
    size: int


class Performed(Result):
    converted: bool
    resized: bool
    compressed: bool


class Edited(Result):
    data: str
    details: Details
    actionsPerformed: Performed
    createdAt: str
    meta: Meta


class MakeThumbnails:
    """/api/v1/misc/media/thumbnail"""

    def __init__(self, inputs: Inputs, outputs: Outputs, studio: Studio) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._studio = studio

    @operation(
        "Make thumbnails of an image or a video", family=Family.E1, parameters=ToShow, result=Thumbnails, codes=_CODES
    )
    def on_post(self, request: falcon.Request, parameters: ToShow) -> Answer:
        mode, kind = mode_of(parameters.output, "base64"), (parameters.type or "").lower()
        if kind not in ("image", "video"):
            raise Refusal(Code.INVALID_PARAMETER, "type must be image or video")
        width = parameters.width or 320
        size = width, parameters.height or width
        with (
            self._inputs.opened(parameters.file, hint="base64") as found,
            self._studio.thumbnails(found.pieces, kind, *size, parameters.count or 3) as made,
        ):
            data = [self._given(one, mode) for one in made]
        return Answer([{"data": data}], "Thumbnails generated")

    def _given(self, made: Picture, mode: str) -> dict[str, Any]:
        thumbnail, meta = self._outputs.give(made.content, made.mimetype, mode)
        return {"thumbnail": thumbnail, "meta": meta}


class EditImage:
    """/api/v1/misc/media/image"""

    def __init__(self, inputs: Inputs, outputs: Outputs, studio: Studio) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._studio = studio

    @operation(
        "Convert, resize and compress an image", family=Family.E1, parameters=ToEdit, result=Edited, codes=_CODES
    )
    def on_post(self, request: falcon.Request, parameters: ToEdit) -> Answer:
        mode = mode_of(parameters.output, "base64")
        with (
            self._inputs.opened(parameters.file, hint="base64") as found,
            self._studio.edited(found.pieces, parameters.actions) as made,
        ):
            data, meta = self._outputs.give(made.content, made.mimetype, mode)
        result = {
            "data": data,
            "details": {name: getattr(made, name) for name in Details.model_fields},
            "actionsPerformed": {name: getattr(made, name) for name in Performed.model_fields},
            "createdAt": times.iso(datetime.now(UTC)),
            "meta": meta,
        }
        return Answer([result], "Image processed")

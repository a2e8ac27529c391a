"""Files that come in as a part of a form or as the whole body: they go into the spool. Those that
a text names: warest/sources.py.

Facts: contract, endpoints.md section 6; quirks Q10 (boundaries keep their case) and Q11.
"""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import falcon
from falcon.media import multipart

from warest.config.settings import Settings
from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Refusal, Rejection
from warest.sources import Upload
from warest.spool import ON_ITS_WAY, Spool

#: A text field of a form may be this long, bytes.
_LONGEST_FIELD = 2 * 1024 * 1024

_MULTIPART = "multipart/form-data"


@dataclass(frozen=True)
class FileInput:
    """What a resource takes: what it calls its file, the fields that it may stand in, the code for one that is too
    large, what is too large, and how many there may be. Of several files, where one is wanted, one counts."""

    noun: str
    fields: tuple[str, ...]
    too_large: Code
    limit_mb: Callable[[Settings], float] = operator.attrgetter("media_limit_mb")
    most: int = 1

    def limit(self, settings: Settings) -> int:
        """Bytes."""
        return int(self.limit_mb(settings) * 1_000_000)


class Uploads:
    """Middleware: takes the files of a form or of a raw body, for resources that name the fields it may stand in.

    What is left in the spool when the answer goes out was not handed on, and is deleted.
    """

    def __init__(self, settings: Settings, spool: Spool) -> None:
        self._settings = settings
        self._spool = spool

    def process_resource(self, request: falcon.Request, _: falcon.Response, resource: Any, __: dict[str, str]) -> None:
        wanted: FileInput | None = getattr(resource, "file_input", None)
        if wanted is None or request.context.body is not None:
            return
        request.context.body = {}
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        if (request.content_length or 0) > self._settings.raw_limit_mb * 1_000_000:
            raise Rejection(413, "request entity too large")
        with refused_when_too_large(wanted):
            if kind == _MULTIPART:
                self._take_form(request, wanted)
            elif request.content_length:
                self._keep(request, wanted, request.bounded_stream, "", kind)

    def process_response(self, request: falcon.Request, *_: Any) -> None:
        for upload in _waiting(request):
            self._spool.delete(upload.key)

    def _take_form(self, request: falcon.Request, wanted: FileInput) -> None:
        """Fields that are repeated become lists. Of several files the one in a field of the route counts, else the
        first."""
        is_named = False
        try:
            for part in request.get_media():
                if part.filename is None:
                    _add(request.context.body, part.name, _text_of(part))
                elif wanted.most > 1:
                    self._add_file(request, wanted, part)
                elif not _waiting(request) or (part.name in wanted.fields and not is_named):
                    is_named = part.name in wanted.fields
                    self._replace(request, wanted, part)
                else:
                    part.stream.exhaust()
        except (multipart.MultipartParseError, falcon.MediaMalformedError):
            raise Rejection(400, "The body is not a multipart form") from None

    def _replace(self, request: falcon.Request, wanted: FileInput, part: multipart.BodyPart) -> None:
        self.process_response(request)
        request.context.uploads = []
        self._keep_part(request, wanted, part)

    def _add_file(self, request: falcon.Request, wanted: FileInput, part: multipart.BodyPart) -> None:
        if len(_waiting(request)) == wanted.most:
            raise too_many(wanted)
        self._keep_part(request, wanted, part)

    def _keep_part(self, request: falcon.Request, wanted: FileInput, part: multipart.BodyPart) -> None:
        mimetype = (part.content_type or "").partition(";")[0].strip().lower()
        self._keep(request, wanted, part.stream, part.filename or "", mimetype)

    def _keep(self, request: falcon.Request, wanted: FileInput, stream: Any, name: str, mimetype: str) -> None:
        key = self._spool.put(stream, seconds=ON_ITS_WAY, limit=wanted.limit(self._settings))
        request.context.uploads = [*_waiting(request), Upload(key, name, mimetype)]


@contextmanager
def refused_when_too_large(wanted: FileInput) -> Iterator[None]:
    """What the spool says of a file, in the words of the route."""
    try:
        yield
    except InvalidInput as error:
        if "limit" not in error.details:
            raise
        limit_mb = error.details["limit"] / 1_000_000
        raise Refusal(wanted.too_large, f"{wanted.noun} too large (limit {limit_mb:g}MB)") from None


def too_many(wanted: FileInput) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"At most {wanted.most} files can be sent in one call")


def handed_on(request: falcon.Request) -> list[Upload]:
    """The files that came with the request, for whoever takes care of them from now on."""
    waiting = _waiting(request)
    request.context.uploads = []
    return waiting


def came_with(request: falcon.Request) -> int:
    """How many they are, as long as nobody took them."""
    return len(_waiting(request))


def _text_of(part: multipart.BodyPart) -> str:
    text: bytes = part.stream.read(_LONGEST_FIELD + 1)
    if len(text) > _LONGEST_FIELD:
        raise Rejection(413, "request entity too large")
    return text.decode(errors="replace")


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    if name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]


def _waiting(request: falcon.Request) -> list[Upload]:
    uploads: list[Upload] = getattr(request.context, "uploads", [])
    return uploads

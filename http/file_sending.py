"""What all routes have in common that send a file."""

import time
from dataclasses import dataclass, replace
from typing import Annotated, Any

import falcon
import orjson
from pydantic import AliasChoices, BeforeValidator, Field

from warest.commands import WithFile
from warest.config.kinds import split
from warest.config.settings import Settings
from warest.file_headers import media_type
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Answer, Flag, Word
from warest.http.sending import Sending, SendParameters, Shown, WhenToSend
from warest.http.uploads import FileInput, handed_on, refused_when_too_large
from warest.media import rules
from warest.sources import Sources, SpooledFile, Upload
from warest.spool import ON_ITS_WAY
from warest.store import SessionRecord


def _object(value: object) -> dict[str, Any]:
    """An object, or one as JSON in the field of a form; anything else is none."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


Options = Annotated[dict[str, Any], BeforeValidator(_object)]


class FileToSend(SendParameters):
    """The file is a URL, a data URI or base64 in its field; or it comes itself, in a multipart form or as the whole
    body with the rest in the query."""

    filename: Word = None
    caption: Word = None
    reply_message_id: Word = Field(None, validation_alias=AliasChoices("replyMessageId", "quotedMessageId", "replyId"))
    is_forwarded: Flag = Field(False, validation_alias=AliasChoices("isForwarded", "forwarded"))


class CompressedFile(FileToSend):
    """`compress` (true): make it smaller if that is worth it. `compression`: how, in place of the settings."""

    compress: Flag = True
    compression: Options = Field({}, validation_alias=AliasChoices("compression", "compressOptions"))


@dataclass(frozen=True, kw_only=True)
class Taken(SpooledFile):
    """The same, and where it shall go."""

    record: SessionRecord
    to: tuple[str, ...]


class FileSending:
    def __init__(self, sending: Sending, settings: Settings, sources: Sources) -> None:
        self._sending = sending
        self._settings = settings
        self._sources = sources

    def take(self, request: falcon.Request, given: FileToSend, source: str | None, wanted: FileInput) -> Taken:
        """The file of a request, and where it shall go. In the contract's order: session, recipient, file."""
        record, to = self._sending.addressed(request, given)
        self.check_time(given)
        file = self.required(request, source or "", wanted, given.filename or "")
        return Taken(record=record, to=to, **vars(file))

    def check_time(self, given: WhenToSend) -> None:
        """Files do not wait for ever. Raises Refusal."""
        if given.send_at is not None and given.send_at > time.time() + ON_ITS_WAY / 2:
            raise Refusal(
                Code.INVALID_PARAMETER, f"A file can be sent {ON_ITS_WAY // 120} minutes from now at the latest"
            )

    def required(self, request: falcon.Request, source: str, wanted: FileInput, name: str = "") -> SpooledFile:
        """The same as `file`. Raises Refusal when there is none, or nothing in it."""
        file = self.file(request, source, wanted, name)
        if file is None:
            raise Refusal(Code.BAD_REQUEST, f"Invalid {wanted.noun.lower()} input")
        if not file.size:
            raise self.refuse(file, Code.BAD_REQUEST, f"Invalid {wanted.noun.lower()} input: the file is empty")
        return file

    def file(self, request: falcon.Request, source: str, wanted: FileInput, name: str = "") -> SpooledFile | None:
        """The file that came with the request, or that `source` names; None: there is none. `name` replaces its own."""
        uploads = handed_on(request)
        upload = uploads[0] if uploads else self._named(source, wanted)
        return self.spooled(upload, name) if upload else None

    def named(self, content: bytes | str, wanted: FileInput, name: str, mimetype: str) -> SpooledFile | None:
        """A file that a parameter holds or names; `name` and `mimetype` are what its sender says of it, if anything."""
        upload = self._named(content, wanted)
        return self.spooled(replace(upload, mimetype=media_type(mimetype) or upload.mimetype), name) if upload else None

    def _named(self, content: bytes | str, wanted: FileInput) -> Upload | None:
        limit = wanted.limit(self._settings)
        with refused_when_too_large(wanted):
            if isinstance(content, bytes):
                return self._sources.given(content, limit)
            return self._sources.named(content, limit)

    def delete(self, key: str) -> None:
        self._sources.delete(key)

    def spooled(self, upload: Upload, name: str = "") -> SpooledFile:
        return self._sources.spooled(upload, name)

    def refuse(self, taken: SpooledFile, code: Code, message: str) -> Refusal:
        """To be raised: the file is not sent, and goes."""
        self.delete(taken.key)
        return Refusal(code, message)

    def allowed_type(self, mimetype: str) -> str | None:
        """What a document of this type goes out as; None: not at all."""
        return rules.sendable_as(mimetype, split(self._settings.file_types.lower()))

    def send(
        self,
        request: falcon.Request,
        given: FileToSend,
        taken: Taken,
        command: WithFile,
        shown: Shown,
        compression: dict[str, Any] | None,
    ) -> Answer:
        return self.send_with(request, given, taken.record, command, shown, taken, compression)

    def send_with(
        self,
        request: falcon.Request,
        given: WhenToSend,
        record: SessionRecord,
        command: WithFile,
        shown: Shown,
        file: SpooledFile | None,
        compression: dict[str, Any] | None,
    ) -> Answer:
        """What may be sent without a file, too."""
        if file is None:
            return self._sending.send(request, given, record, command, shown)
        return self._sending.send(
            request, given, record, command, shown,
            compression=compression, hashes={file.key: file.checksum}, discard=lambda: self.delete(file.key),
        )  # fmt: skip


def wishes(given: CompressedFile) -> dict[str, Any]:
    """What the worker is told of how to make it smaller."""
    return {**given.compression, "enabled": given.compress}

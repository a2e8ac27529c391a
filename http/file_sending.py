"""What all routes have in common that send a file."""

import mimetypes
from dataclasses import dataclass
from typing import Annotated, Any

import falcon
import orjson
from pydantic import AliasChoices, BeforeValidator, Field

from warest import ids
from warest.bus import Bus
from warest.commands import SendFile
from warest.config.kinds import split
from warest.config.settings import Settings
from warest.errors import InvalidInput
from warest.file_headers import clean_name
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Answer, Flag, Parameters, Word
from warest.http.resources.messages import Tokens, sent_entry
from warest.http.sessions import SessionAccess
from warest.http.sources import Sources
from warest.http.uploads import FileInput
from warest.media import rules
from warest.spool import Spool
from warest.store import SessionRecord

UNKNOWN = "application/octet-stream"


def _object(value: object) -> dict[str, Any]:
    """An object, or one as JSON in the field of a form; anything else is none."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


Options = Annotated[dict[str, Any], BeforeValidator(_object)]


class FileToSend(Parameters):
    """The file is a URL, a data URI or base64 in its field; or it comes itself, in a multipart form or as the whole
    body with the rest in the query."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None
    to: Tokens = ()  # type: ignore[assignment]
    filename: Word = None
    caption: Word = None
    reply_message_id: Word = Field(None, validation_alias=AliasChoices("replyMessageId", "quotedMessageId", "replyId"))
    is_forwarded: Flag = Field(False, validation_alias=AliasChoices("isForwarded", "forwarded"))


class CompressedFile(FileToSend):
    """`compress` (true): make it smaller if that is worth it. `compression`: how, in place of the settings."""

    compress: Flag = True
    compression: Options = Field({}, validation_alias=AliasChoices("compression", "compressOptions"))


@dataclass(frozen=True)
class Taken:
    """A request's file in the spool. `mimetype` is what was declared, else what its name says, else what it is."""

    record: SessionRecord
    to: tuple[str, ...]
    key: str
    name: str
    mimetype: str
    head: bytes


class FileSending:
    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, spool: Spool, sources: Sources) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._spool = spool
        self._sources = sources

    def take(self, request: falcon.Request, given: FileToSend, source: str | None, wanted: FileInput) -> Taken:
        """The file of a request, and where it shall go. In the contract's order: session, recipient, file."""
        record = self._access.open(request.context.account, given.session_id, given.phone)
        to = tuple(map(str, ids.recipients(given.to, self._settings.country_code)))
        if not to:
            raise Refusal(Code.MISSING_PARAMETER, "Missing or invalid 'to'")
        upload = self._sources.take(request, source or "", wanted)
        if upload is None:
            raise Refusal(Code.BAD_REQUEST, f"Invalid {wanted.noun.lower()} input")
        name = clean_name(given.filename or upload.name)
        with self._spool.open(upload.key, length=rules.HEAD) as opened:
            head = opened.read()
        return Taken(record, to, upload.key, name, _type_of(upload.mimetype, name, head), head)

    def refuse(self, taken: Taken, code: Code, message: str) -> Refusal:
        """To be raised: the file is not sent, and goes."""
        self._spool.delete(taken.key)
        return Refusal(code, message)

    def allowed_type(self, mimetype: str) -> str | None:
        """What a document of this type goes out as; None: not at all."""
        allowed = split(self._settings.file_types.lower())
        return next((one for one in (mimetype, UNKNOWN) if rules.is_among(one, allowed)), None)

    def send(
        self,
        taken: Taken,
        command: SendFile,
        compression: dict[str, Any] | None,
        *,
        label: str,
        kind: str,
        extras: dict[str, Any],
        unfit: tuple[Code, str],
    ) -> Answer:
        """`unfit` is the code, and the beginning of the message, for a file that is not what it has to be."""
        try:
            timeout = self._settings.command_timeout
            sent = self._bus.call(taken.record.ulid, command, timeout, compression=compression)
        except InvalidInput as error:
            if error.details.get("step") != "prepare":
                raise
            raise Refusal(unfit[0], f"{unfit[1]}: {error.message}") from None
        many = f" ({len(sent)} recipients)" if len(sent) > 1 else ""
        told = {name: value for name, value in extras.items() if value}
        entries = [
            sent_entry(one, kind, forwarded=command.forwarded, quoted=command.reply_to, extras=told) for one in sent
        ]
        return Answer(entries, f"{label} message sent{many}")


def wishes(given: CompressedFile) -> dict[str, Any]:
    """What the worker is told of how to make it smaller."""
    return {**given.compression, "enabled": given.compress}


def _type_of(declared: str, name: str, head: bytes) -> str:
    if declared and declared != UNKNOWN:
        return declared
    return mimetypes.guess_type(name)[0] or rules.sniffed(head) or UNKNOWN

"""/api/v1/messages/send/document: a file of whatever kind.

Facts: contract, endpoints.md section 6.
"""

from pathlib import PurePosixPath
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids, texts
from warest.bus import Bus
from warest.commands import SendDocument
from warest.config.settings import Settings
from warest.http import uploads
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Flag, Parameters, Word, operation
from warest.http.resources.messages import SentEntry, Tokens, message_id, sent_entry
from warest.http.sessions import SessionAccess
from warest.http.sources import Sources
from warest.media import rules
from warest.spool import Spool

_FIELDS = ("document", "url", "media", "file", "source", "upload")


class DocumentToSend(Parameters):
    """`document`: a URL, a data URI or base64; or the file itself in a multipart form, or as the whole body with the
    rest in the query."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None
    to: Tokens = ()  # type: ignore[assignment]
    document: Word = Field(None, validation_alias=AliasChoices(*_FIELDS))
    filename: Word = None
    caption: Word = None
    reply_message_id: Word = Field(None, validation_alias=AliasChoices("replyMessageId", "quotedMessageId"))
    is_forwarded: Flag = Field(False, validation_alias=AliasChoices("isForwarded", "forwarded"))


class SendDocumentResource:
    """/api/v1/messages/send/document"""

    file_input = uploads.FileInput(_FIELDS, too_large=Code.DOCUMENT_TOO_LARGE)

    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, spool: Spool, sources: Sources) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._spool = spool
        self._sources = sources

    @operation(
        "Send a file",
        family=Family.E2,
        parameters=DocumentToSend,
        result=SentEntry,
        codes=(
            Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.BAD_REQUEST, Code.UNSUPPORTED_MEDIA_TYPE,
            Code.DOCUMENT_TOO_LARGE, Code.DOWNSTREAM_ERROR, Code.SEND_FAILED, Code.QUEUED,
        ),
    )  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: DocumentToSend) -> Answer:
        record = self._access.open(request.context.account, parameters.session_id, parameters.phone)
        to = tuple(map(str, ids.recipients(parameters.to, self._settings.country_code)))
        if not to:
            raise Refusal(Code.MISSING_PARAMETER, "Missing or invalid 'to'")
        command = self._command(request, parameters, to)
        sent = self._bus.call(record.ulid, command, self._settings.command_timeout)
        many = f" ({len(sent)} recipients)" if len(sent) > 1 else ""
        return Answer([_entry(one, command) for one in sent], f"Document message sent{many}")

    def _command(self, request: falcon.Request, parameters: DocumentToSend, to: tuple[str, ...]) -> SendDocument:
        upload = self._sources.take(request, parameters.document or "", self.file_input)
        if upload is None:
            raise Refusal(Code.BAD_REQUEST, "Invalid document input")
        name = PurePosixPath((parameters.filename or upload.name).replace("\\", "/")).name or "document"
        mimetype = uploads.kind_of(name, upload.mimetype)
        with self._spool.open(upload.key, length=16) as opened:
            reason = rules.refusal_of(name, mimetype, opened.read())
        if reason:
            self._spool.delete(upload.key)
            raise Refusal(Code.UNSUPPORTED_MEDIA_TYPE, reason)
        return SendDocument(
            to=to,
            file=upload.key,
            name=name,
            mimetype=mimetype,
            caption=texts.as_whatsapp(parameters.caption or ""),
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )


def _entry(sent: dict[str, Any], command: SendDocument) -> dict[str, Any]:
    kind = f"document {rules.extension_of(command.name)}".rstrip()
    extras = {"filename": command.name, "mimetype": command.mimetype}
    if command.caption:
        extras["caption"] = command.caption
    return sent_entry(sent, kind, forwarded=command.forwarded, quoted=command.reply_to, extras=extras)

"""/api/v1/messages/send/document: a file of whatever kind, as it is.

Facts: contract, endpoints.md section 6.
"""

from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import SendFile
from warest.http.codes import Code
from warest.http.errors import Family
from warest.http.file_sending import FileSending, FileToSend, Taken
from warest.http.operation import Answer, Word, operation
from warest.http.sending import CODES, SentEntry, Shown, message_id
from warest.http.uploads import FileInput
from warest.media import rules

_FIELDS = ("document", "url", "media", "file", "source", "upload")


class DocumentToSend(FileToSend):
    __doc__ = FileToSend.__doc__

    document: Word = Field(None, validation_alias=AliasChoices(*_FIELDS))


class SendDocument:
    """/api/v1/messages/send/document"""

    file_input = FileInput("Document", _FIELDS, Code.DOCUMENT_TOO_LARGE)

    def __init__(self, sending: FileSending) -> None:
        self._sending = sending

    @operation(
        "Send a file",
        family=Family.E2,
        parameters=DocumentToSend,
        result=SentEntry,
        codes=(*CODES, Code.UNSUPPORTED_MEDIA_TYPE, Code.DOCUMENT_TOO_LARGE, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: DocumentToSend) -> Answer:
        taken = self._sending.take(request, parameters, parameters.document, self.file_input)
        mimetype = self._checked(taken)
        command = SendFile(
            kind="document",
            to=taken.to,
            file=taken.key,
            name=taken.name or "document",
            mimetype=mimetype,
            caption=texts.as_whatsapp(parameters.caption or ""),
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )
        extras = {"caption": command.caption, "filename": command.name, "mimetype": mimetype}
        kind = f"document {rules.extension_of(command.name)}".rstrip()
        shown = Shown("Document message", kind, extras, (Code.BAD_REQUEST, "Invalid document input"))
        compression: dict[str, Any] | None = (
            {} if rules.sniffed(taken.head).startswith("image/") else None
        )  # a picture gets its thumbnail
        return self._sending.send(request, parameters, taken, command, shown, compression)

    def _checked(self, taken: Taken) -> str:
        """What it goes out as."""
        if reason := rules.refusal_of(taken.name, taken.mimetype, taken.head):
            raise self._sending.refuse(taken, Code.UNSUPPORTED_MEDIA_TYPE, reason)
        if mimetype := self._sending.allowed_type(taken.mimetype):
            return mimetype
        raise self._sending.refuse(
            taken, Code.UNSUPPORTED_MEDIA_TYPE, f"Files of the type {taken.mimetype} are not sent"
        )

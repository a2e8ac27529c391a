"""/api/v1/messages/{messageId}/media: the file that a received message brought.

Not in the original, whose receivers had the link in the event only.
"""

from dataclasses import replace
from typing import Any

import falcon
from pydantic import Field

from warest import keys, mirroring
from warest.bus import Bus
from warest.config import links
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.errors import NotFound
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess
from warest.store import MessageFile, SessionRecord, Store


class Asked(Parameters):
    """The session that received the message."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None


class ReceivedFile(Result):
    """`status`: stored, pending, skipped, expired or failed; `reason` says why. `url` is a new link, valid until
    `expiresAt` (epoch s; null: for good); both are null while nothing is stored."""

    sessionId: str
    chatId: str
    messageId: str
    status: str
    reason: str
    type: str
    mimeType: str
    fileName: str
    fileSize: int
    url: str | None
    expiresAt: int | None
    storageKey: str | None
    storageDriver: str | None


class ReceivedFileResource:
    """/api/v1/messages/{messageId}/media"""

    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, store: Store, files: Storage) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._store = store
        self._files = files

    @operation(
        "A link to the file of a received message",
        family=Family.E2,
        parameters=Asked,
        result=ReceivedFile,
        codes=(Code.SESSION_NOT_FOUND, Code.MEDIA_NOT_FOUND),
    )
    def on_get(self, request: falcon.Request, parameters: Asked, messageId: str) -> Answer:
        record, file = self._known(request, parameters, messageId)
        return Answer([self._told(record, file)], "Media found")

    @operation(
        "Fetch the file of a received message from WhatsApp, if it is not stored",
        family=Family.E2,
        parameters=Asked,
        result=ReceivedFile,
        codes=(
            Code.SESSION_NOT_FOUND, Code.MEDIA_NOT_FOUND, Code.MEDIA_NOT_AVAILABLE, Code.MEDIA_DOWNLOAD_FAILED,
            Code.QUEUED,
        ),
    )  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: Asked, messageId: str) -> Answer:
        record, known = self._known(request, parameters, messageId)
        where = {"session": record.ulid, "chat": known.chat, "message": known.message}
        fetched = self._bus.order(keys.MIRROR_QUEUE, "fetch_file", self._settings.command_timeout, **where)
        file = MessageFile(**fetched) if fetched else known
        told = self._told(record, file)
        if file.state == mirroring.EXPIRED:
            raise Refusal(Code.MEDIA_NOT_AVAILABLE, "WhatsApp has the file no longer", results=[told])
        if file.state != mirroring.STORED:
            raise Refusal(Code.MEDIA_DOWNLOAD_FAILED, f"The file could not be fetched: {file.reason}", results=[told])
        return Answer([told], "Media stored")

    def _known(self, request: falcon.Request, asked: Asked, message: str) -> tuple[SessionRecord, MessageFile]:
        record = self._access.known(request.context.account, asked.session_id, asked.phone)
        file = self._store.files.find(request.context.account, record.ulid, message)
        if file is None:
            raise Refusal(Code.MEDIA_NOT_FOUND, "This message brought no file, or it is not known")
        return record, file

    def _told(self, record: SessionRecord, file: MessageFile) -> dict[str, Any]:
        is_stored, url, expires = file.state == mirroring.STORED, None, None
        if is_stored:
            try:
                url, expires = links.to_received_file(self._settings, self._files, file.storage_key)
            except NotFound:
                is_stored, file = False, replace(file, state=mirroring.FAILED, reason="It is in storage no longer")
        told = ReceivedFile(
            sessionId=record.id,
            chatId=file.chat,
            messageId=file.message,
            status=file.state,
            reason=file.reason,
            type=file.kind,
            mimeType=file.mime_type,
            fileName=file.name,
            fileSize=file.size,
            url=url,
            expiresAt=expires,
            storageKey=file.storage_key if is_stored else None,
            storageDriver=self._files.driver if is_stored else None,
        )
        return told.model_dump()

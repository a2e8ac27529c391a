"""Stored messages as the API shows them (contract, endpoints.md section 8)."""

from collections.abc import Iterable
from typing import Any

from warest import mirroring
from warest.config import links
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.errors import WarestError
from warest.http.operation import Result
from warest.store import Message, MessageFile, Store


class MessageView(Result):
    """Times in epoch seconds. `mediaMetadata.url` is a link that expires; null while the file is not stored."""

    id: str
    toJid: str
    senderJid: str
    fromMe: bool
    messageType: str
    body: str | None
    timestamp: int
    isMedia: bool
    mediaType: str | None
    mediaMetadata: dict[str, Any] | None
    messageTypeDetails: dict[str, Any]
    quotedMessageId: str | None
    mentionedJids: list[str]
    reactions: list[dict[str, Any]]
    isEdited: bool
    isDeleted: bool
    deletedAt: int | None
    poll: dict[str, Any] | None
    createdAt: int
    updatedAt: int
    chatId: str
    status: str | None
    isStarred: bool


class MessageViews:
    def __init__(self, settings: Settings, store: Store, files: Storage) -> None:
        self._settings = settings
        self._store = store
        self._files = files

    def of(self, session: str, messages: Iterable[Message]) -> list[MessageView]:
        shown = list(messages)
        files = self._store.files.of_messages(session, [message.id for message in shown if message.is_media])
        return [self._view(message, files.get((message.chat, message.id))) for message in shown]

    def _view(self, message: Message, file: MessageFile | None) -> MessageView:
        node, meta = _node(message), message.raw.get("meta", {})
        context = node.get("contextInfo", {})
        return MessageView(
            id=message.id,
            toJid=message.recipient or message.chat,
            senderJid=message.sender,
            fromMe=message.from_me,
            messageType=message.type,
            body=message.body,
            timestamp=message.ts,
            isMedia=message.is_media,
            mediaType=message.type if message.is_media else None,
            mediaMetadata=self._media(node, file) if message.is_media else None,
            messageTypeDetails=_details(message, meta),
            quotedMessageId=context.get("stanzaId"),
            mentionedJids=context.get("mentionedJid", []),
            reactions=meta.get("reactions", []),
            isEdited=message.edited,
            isDeleted=message.deleted,
            deletedAt=meta.get("deletedAt"),
            poll=_poll(message, node, meta),
            createdAt=int(message.created_at),
            updatedAt=int(message.updated_at),
            chatId=message.chat,
            status=message.status or None,
            isStarred=message.starred,
        )

    def _media(self, node: dict[str, Any], file: MessageFile | None) -> dict[str, Any]:
        size = str(node.get("fileLength", "")) or "0"
        return {
            "url": self._link(file),
            "mimeType": (file and file.mime_type) or node.get("mimetype"),
            "fileName": (file and file.name) or node.get("fileName"),
            "fileSize": file.size if file else int(size) if size.isdigit() else None,
        }

    def _link(self, file: MessageFile | None) -> str | None:
        if file is None or file.state != mirroring.STORED:
            return None
        try:
            return links.to_received_file(self._settings, self._files, file.storage_key)[0]
        except WarestError:  # it was deleted, or storage is away: the list is shown all the same
            return None


def _node(message: Message) -> dict[str, Any]:
    """The part of the message that has its content, inside whatever wraps it."""
    content = message.raw.get("message", {})
    while inner := next((part["message"] for part in content.values() if _wraps(part)), None):
        content = inner
    parts = (part for name, part in content.items() if name != "messageContextInfo" and isinstance(part, dict))
    return next(parts, {})


def _wraps(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("message"), dict)


def _details(message: Message, meta: dict[str, Any]) -> dict[str, Any]:
    told = {
        "edit": {"events": meta["editEvents"]} if meta.get("editEvents") else None,
        "pin": meta.get("pin"),
        "starredAt": meta.get("starredAt"),
        "deletedAt": meta.get("deletedAt"),
    }
    return {name: value for name, value in told.items() if value is not None}


def _poll(message: Message, node: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any] | None:
    """With the votes that could be opened, by option."""
    if message.type != "poll" or message.deleted:
        return None
    names = [option.get("optionName", "") for option in node.get("options", [])]
    votes = meta.get("votes", [])
    voters = {name: [vote["by"] for vote in votes if name in vote.get("options", [])] for name in names}
    return {
        "name": node.get("name", ""),
        "selectableCount": node.get("selectableOptionsCount", 0),
        "options": [{"name": name, "voters": voters[name], "votes": len(voters[name])} for name in names],
    }

"""What the store knows of chats and messages that a send is about: the quoted message, and when messages disappear."""

from dataclasses import replace
from typing import Any

from warest.commands import Outgoing, SendFiles
from warest.store import Account, Message, SessionRecord, Store


def completed(store: Store, account: Account, record: SessionRecord, command: Outgoing) -> Outgoing:
    """The command, with what is known; what is not, it goes out without."""
    recall = _Recall(store, account, record.ulid, command.to)
    expirations = store.chats.expirations(record.ulid, command.to)
    if isinstance(command, SendFiles):
        files = tuple(file | {"quoted": recall.quoted(file["reply_to"])} for file in command.files)
        return replace(command, files=files, expirations=expirations)
    return replace(command, quoted=recall.quoted(command.reply_to), expirations=expirations)


class _Recall:
    def __init__(self, store: Store, account: Account, session: str, to: tuple[str, ...]) -> None:
        self._store = store
        self._account = account
        self._session = session
        self._to = to

    def quoted(self, id: str | None) -> dict[str, Any] | None:
        """Of several messages with this id, the one in a chat that it is sent to goes first."""
        found = self._store.messages.find(self._account, self._session, id) if id else []
        here = [message for message in found if message.chat in self._to]
        return _told(message) if (message := next(iter(here or found), None)) else None


def _told(message: Message) -> dict[str, Any] | None:
    content = message.raw.get("message")
    if not isinstance(content, dict) or message.deleted:
        return None
    author = message.sender or message.raw.get("key", {}).get("participant") or message.chat
    return {"chat": message.chat, "participant": author, "message": content}

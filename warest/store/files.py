"""The queries about the files of incoming messages: what each is, and what has become of it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from pony.orm import desc

from warest import entities
from warest.store import fitting
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFile:
    """`state` and `told` are words of warest/mirroring.py: how it is, and how the last event said it was.

    `source` is what is needed to fetch it (mirroring.RemoteFile), `kind` the contentType of its message, `size` in
    bytes. `storage_key` is empty until it is stored.
    """

    chat: str
    message: str
    kind: str
    mime_type: str = ""
    name: str = ""
    size: int = 0
    source: dict[str, Any] = field(default_factory=dict)
    state: str
    reason: str = ""
    told: str = ""
    storage_key: str = ""
    tries: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


class Files(Noun):
    def put(self, session: str, file: MessageFile) -> None:
        """Keep how a file is now. Raises NotFound when the session has been deleted."""
        now = time.time()
        with self._writing(session):
            key = {"chat": fitting.key(file.chat), "message": fitting.key(file.message)}
            known = self._entities.File.get(session=session, **key)
            if known is None:
                self._entities.File(session=session, **key, **_columns(file), created_at=now, updated_at=now)
            else:
                known.set(**_columns(file), updated_at=now)

    def of_message(self, session: str, chat: str, message: str) -> MessageFile | None:
        """For the house itself."""
        key = {"chat": fitting.key(chat), "message": fitting.key(message)}
        with transaction():
            row = self._entities.File.get(session=session, **key)
            return _file(row) if row else None

    def of_messages(self, session: str, messages: Iterable[str]) -> dict[tuple[str, str], MessageFile]:
        """Of at most fitting.PORTION messages, by their ids: chat and message -> file. For the house itself."""
        if not (ids := list(dict.fromkeys(map(fitting.key, messages)))):
            return {}
        wanted = fitting.padded(ids)
        with transaction():
            rows = self._entities.File.select(lambda row: row.session == session and row.message in wanted)
            return {(row.chat, row.message): _file(row) for row in rows}

    def find(self, owner: Account, session: str, message: str) -> MessageFile | None:
        """By the message's id alone; of several chats' the newest."""
        id = fitting.key(message)
        with transaction():
            if not self._owns(owner, session):
                return None
            rows = self._entities.File.select(lambda row: row.session == session and row.message == id)
            row = rows.order_by(lambda row: desc(row.created_at)).first()
            return _file(row) if row else None


def _columns(file: MessageFile) -> dict[str, Any]:
    fit = replace(
        file,
        kind=fitting.short(file.kind, 64),
        mime_type=fitting.short(file.mime_type),
        name=fitting.short(file.name),
        reason=fitting.text(file.reason),
        size=fitting.seconds(file.size),
    )
    names = ("kind", "mime_type", "name", "size", "state", "reason", "told", "storage_key", "tries")
    return {name: getattr(fit, name) for name in names} | {"source": fitting.dump(file.source)}


def _file(row: entities.Row) -> MessageFile:
    columns = (name for name in MessageFile.__dataclass_fields__ if name != "source")
    return MessageFile(source=fitting.load(row.source), **{name: getattr(row, name) for name in columns})

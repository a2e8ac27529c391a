"""The queries about messages."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from pony.orm import desc, select

from warest import entities
from warest.store import chats, fitting, sql
from warest.store.history_records import ChatNews, Message
from warest.store.noun import Noun
from warest.store.records import Account, Page
from warest.store.schema import transaction

#: What has become of a message, in its order; one that we received has the empty word.
STATUSES = ("", "pending", "sent", "delivered", "read", "played")

_Key = tuple[str, str]


class Messages(Noun):
    def put(self, session: str, messages: Iterable[Message], *, live: bool = False) -> int:
        """Keep messages, and let their chats know; returns how many were new. One that is known stays as it is.

        With `live`, the new ones from others count as unread in their chats.
        """
        return sum(self._put(session, portion, live) for portion in fitting.portions(messages))

    def known(self, session: str, messages: Iterable[Message]) -> int:
        """How many of these (fitting.PORTION at most) are kept already."""
        keys = {(fitting.key(each.chat), fitting.key(each.id)) for each in messages}
        with transaction():
            return len(keys.intersection(self._known(session, keys)))

    def get(self, owner: Account, session: str, chat: str, id: str) -> Message | None:
        chat, id = fitting.key(chat), fitting.key(id)
        with transaction():
            row = self._owns(owner, session) and self._entities.Message.get(session=session, chat=chat, id=id)
            return from_row(row) if row else None

    def find(self, owner: Account, session: str, id: str) -> list[Message]:
        """Those of this id in whatever chat, newest first: only a chat and its id together are unique."""
        id = fitting.key(id)
        with transaction():
            if not self._owns(owner, session):
                return []
            rows = self._entities.Message.select(lambda row: row.session == session and row.id == id)
            return [from_row(row) for row in rows.order_by(lambda row: desc(row.ts))]

    def page(
        self,
        owner: Account,
        session: str,
        chat: str,
        *,
        start: int | None = None,
        end: int | None = None,
        media_only: bool = False,
        from_me: bool | None = None,
        search: str = "",
        limit: int,
        offset: int = 0,
    ) -> Page[Message]:
        """Newest first, from `start` to `end`. `search` stands in the body, in whatever case."""
        chat = fitting.key(chat)
        with transaction():
            if not self._owns(owner, session):
                return Page([], 0)
            query = self._entities.Message.select(lambda row: row.session == session and row.chat == chat)
            query = _between(query, start, end)
            query = _filtered(query, media_only, from_me, fitting.text(search).lower())
            rows = query.order_by(lambda row: (desc(row.ts), desc(row.id))).limit(limit, offset=offset)
            return Page([from_row(row) for row in rows], query.count())

    def count(self, owner: Account, session: str) -> int:
        """How many there are in all chats."""
        with transaction():
            rows = self._entities.Message.select(lambda row: row.session == session)
            return rows.count() if self._owns(owner, session) else 0

    def change(self, session: str, chat: str, id: str, work: Callable[[Message], Message]) -> Message | None:
        """Replace a message by what `work` makes of it, while nobody else can; None: it is not known.

        Chat, id, direction, sender and time of a message never change.
        """
        with transaction():
            row = self._entities.Message.get_for_update(session=session, chat=fitting.key(chat), id=fitting.key(id))
            if row is None:
                return None
            row.set(**_content(work(from_row(row))), updated_at=time.time())
            return from_row(row)

    def advance(self, session: str, chat: str, ids: Iterable[str], status: str) -> None:
        """Receipts come in any order: a message that is further already stays so."""
        for portion in fitting.portions(fitting.key(id) for id in ids):
            self._advance(session, fitting.key(chat), fitting.padded(portion), status)

    def delete(self, session: str, chat: str, id: str) -> bool:
        """Whether it was there."""
        values = [session, fitting.key(chat), fitting.key(id)]
        return bool(sql.erase(self._entities.db, "messages", "session = ? AND chat = ? AND id = ?", values))

    def clear(self, session: str, chat: str) -> int:
        """All messages of a chat; returns how many. The chat stays, with nothing in it."""
        count = sql.erase_all(self._entities.db, "messages", "session = ? AND chat = ?", [session, fitting.key(chat)])
        with self._writing(session):
            if row := self._entities.Chat.get(session=session, jid=fitting.key(chat)):
                row.set(unread=0, last_message="", updated_at=time.time())
        return count

    def _advance(self, session: str, chat: str, ids: list[str], status: str) -> None:
        before = list(STATUSES[: STATUSES.index(status)])
        with self._writing(session):
            rows = self._entities.Message.select(
                lambda row: row.session == session and row.chat == chat and row.id in ids and row.status in before
            )
            for row in rows.for_update():  # against `change`
                row.set(status=status, updated_at=time.time())

    def _put(self, session: str, messages: list[Message], live: bool) -> int:
        new: dict[_Key, dict[str, Any]] = {}
        now = time.time()
        for row in (_columns(session, message, now) for message in messages):
            new.setdefault((row["chat"], row["id"]), row)
        with self._writing(session):
            for key in self._known(session, new):
                new.pop(key, None)
            sql.insert(self._entities.db, "messages", list(new.values()))
            chats.learn(self._entities, session, _news(new.values(), live))
        return len(new)

    def _known(self, session: str, keys: Iterable[_Key]) -> list[_Key]:
        ids = fitting.padded(dict.fromkeys(id for _, id in keys))
        return list(
            select((row.chat, row.id) for row in self._entities.Message if row.session == session and row.id in ids)
        )


def _news(rows: Iterable[dict[str, Any]], live: bool) -> list[ChatNews]:
    """What each of the chats learns: its newest message, and how many of others there are."""
    newest: dict[str, dict[str, Any]] = {}
    more: dict[str, int] = {}
    for row in rows:
        chat = row["chat"]
        newest[chat] = max(newest.get(chat, row), row, key=lambda each: each["ts"])
        more[chat] = more.get(chat, 0) + (live and not row["from_me"])
    return [
        ChatNews(jid=chat, last_message=row["body"], last_message_ts=row["ts"], more_unread=more[chat])
        for chat, row in newest.items()
    ]


def _between(query: Any, start: int | None, end: int | None) -> Any:
    if start is not None:
        first = fitting.seconds(start)
        query = query.filter(lambda row: row.ts >= first)
    if end is not None:
        last = fitting.seconds(end)
        query = query.filter(lambda row: row.ts <= last)
    return query


def _filtered(query: Any, media_only: bool, from_me: bool | None, sought: str) -> Any:
    if media_only:
        query = query.filter(lambda row: row.is_media)
    if from_me is not None:
        query = query.filter(lambda row: row.from_me == from_me)
    return query.filter(lambda row: sought in row.body.lower()) if sought else query


def _columns(session: str, message: Message, now: float) -> dict[str, Any]:
    return {
        "session": session,
        "chat": fitting.key(message.chat),
        "id": fitting.key(message.id),
        "from_me": message.from_me,
        "sender": fitting.key(message.sender),
        "recipient": fitting.key(message.recipient),
        "ts": fitting.seconds(message.ts),
        **_content(message),
        "created_at": now,
        "updated_at": now,
    }


def _content(message: Message) -> dict[str, Any]:
    """What may change."""
    return {
        "type": fitting.short(message.type, 64),
        "is_media": message.is_media,
        "body": fitting.text(message.body),
        "raw": fitting.dump(message.raw),
        "status": message.status,
        "starred": message.starred,
        "deleted": message.deleted,
        "edited": message.edited,
    }


def from_row(row: entities.Row) -> Message:
    return Message(
        chat=row.chat,
        id=row.id,
        from_me=row.from_me,
        ts=row.ts,
        sender=row.sender,
        recipient=row.recipient,
        type=row.type,
        is_media=row.is_media,
        body=row.body,
        raw=fitting.load(row.raw),
        status=row.status,
        starred=row.starred,
        deleted=row.deleted,
        edited=row.edited,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

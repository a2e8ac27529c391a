"""The queries about chats."""

import time
from collections.abc import Iterable
from typing import Any

from pony.orm import desc, select

from warest import entities
from warest.ids import GROUP_SERVER
from warest.store import fitting, sql
from warest.store.history_records import Chat, ChatNews
from warest.store.noun import Noun
from warest.store.records import Account, Page
from warest.store.schema import transaction

#: What chats are sorted by -> its column.
SORTS = {"lastMessage": "last_message_ts", "name": "name", "id": "jid", "unreadCount": "unread"}


class Chats(Noun):
    def put(self, session: str, news: Iterable[ChatNews]) -> None:
        """Learn about chats, known ones and new. An older last message never replaces a newer one."""
        for portion in fitting.portions(news):
            with self._writing(session):
                learn(self._entities, session, portion)

    def get(self, owner: Account, session: str, jid: str) -> Chat | None:
        jid = fitting.key(jid)
        with transaction():
            row = self._owns(owner, session) and self._entities.Chat.get(session=session, jid=jid)
            return _chat(row) if row else None

    def known(self, session: str, jids: Iterable[str]) -> set[str]:
        """Those of the JIDs (fitting.PORTION at most) that have a chat."""
        asked = {fitting.key(jid): jid for jid in jids}
        wanted = fitting.padded(asked)
        with transaction():
            found = select(row.jid for row in self._entities.Chat if row.session == session and row.jid in wanted)
            return {asked[jid] for jid in found}

    def page(
        self,
        owner: Account,
        session: str,
        *,
        search: str = "",
        is_group: bool | None = None,
        is_unread: bool | None = None,
        has_media: bool | None = None,
        sort: str = "lastMessage",
        descending: bool = True,
        limit: int,
        offset: int = 0,
    ) -> Page[Chat]:
        """`search` stands in the name or the JID, in whatever case; `sort` is one of SORTS."""
        with transaction():
            if not self._owns(owner, session):
                return Page([], 0)
            query = self._entities.Chat.select(lambda row: row.session == session)
            if search:
                sought = fitting.text(search).lower()
                query = query.filter(lambda row: sought in row.name.lower() or sought in row.jid.lower())
            if is_group is not None:
                query = query.filter(lambda row: row.is_group == is_group)
            if is_unread is not None:
                query = query.filter(lambda row: row.unread > 0 if is_unread else row.unread == 0)
            if has_media is not None:
                query = self._with_media(query, session, has_media)
            return _page(query, self._order(sort, descending), limit, offset)

    def expirations(self, session: str, jids: Iterable[str]) -> dict[str, int]:
        """In which of these chats messages disappear, and after how long, s."""
        found: dict[str, int] = {}
        for portion in fitting.portions(fitting.key(jid) for jid in jids):
            found |= self._expirations(session, fitting.padded(portion))
        return found

    def delete(self, session: str, jid: str) -> None:
        """The chat with its messages."""
        values = [session, fitting.key(jid)]
        sql.erase_all(self._entities.db, "messages", "session = ? AND chat = ?", values)
        sql.erase(self._entities.db, "chats", "session = ? AND jid = ?", values)

    def _expirations(self, session: str, jids: list[str]) -> dict[str, int]:
        with transaction():
            rows = self._entities.Chat.select(
                lambda row: row.session == session and row.jid in jids and row.ephemeral > 0
            )
            return {row.jid: row.ephemeral for row in rows}

    def _with_media(self, query: Any, session: str, wanted: bool) -> Any:
        holders = select(row.chat for row in self._entities.Message if row.session == session and row.is_media)
        return query.filter(lambda row: row.jid in holders if wanted else row.jid not in holders)

    def _order(self, sort: str, descending: bool) -> list[Any]:
        columns = [getattr(self._entities.Chat, name) for name in dict.fromkeys([SORTS[sort], "jid"])]
        return [desc(column) for column in columns] if descending else columns


def learn(opened: entities.Entities, session: str, news: list[ChatNews]) -> None:
    """Within a transaction that has the session for itself. At most fitting.PORTION at once."""
    if not news:
        return
    now = time.time()
    jids = fitting.padded(dict.fromkeys(fitting.key(one.jid) for one in news))
    found = opened.Chat.select(lambda row: row.session == session and row.jid in jids)
    known = {row.jid: row for row in found}
    for one in news:
        jid = fitting.key(one.jid)
        if jid not in known:
            known[jid] = opened.Chat(session=session, jid=jid, **_blank(one.jid, now))
        changes = _learned(known[jid], one)
        if any(getattr(known[jid], name) != value for name, value in changes.items()):
            known[jid].set(**changes, updated_at=now)


def _blank(jid: str, now: float) -> dict[str, Any]:
    flags = {"is_group": jid.endswith(f"@{GROUP_SERVER}"), "archived": False, "pinned": False}
    numbers = {"unread": 0, "muted_until": 0, "last_message_ts": 0, "ephemeral": 0}
    return {**flags, **numbers, "name": "", "last_message": "", "created_at": now, "updated_at": now}


def _learned(row: entities.Row, news: ChatNews) -> dict[str, Any]:
    """The columns that the news change."""
    ts = fitting.seconds(news.last_message_ts)
    given = {
        "name": fitting.short(news.name) or None,
        "unread": news.unread,
        "archived": news.archived,
        "pinned": news.pinned,
        "muted_until": None if news.muted_until is None else fitting.seconds(news.muted_until),
        "ephemeral": news.ephemeral,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if news.more_unread:
        changes["unread"] = changes.get("unread", row.unread) + news.more_unread
    if ts and ts >= row.last_message_ts:
        changes |= {"last_message": fitting.text(news.last_message), "last_message_ts": ts}
    return changes


def _page(query: Any, order: list[Any], limit: int, offset: int) -> Page[Chat]:
    return Page([_chat(row) for row in query.order_by(*order).limit(limit, offset=offset)], query.count())


def _chat(row: entities.Row) -> Chat:
    return Chat(
        jid=row.jid,
        name=row.name,
        is_group=row.is_group,
        unread=row.unread,
        archived=row.archived,
        pinned=row.pinned,
        muted_until=row.muted_until,
        last_message=row.last_message,
        last_message_ts=row.last_message_ts,
        ephemeral=row.ephemeral,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

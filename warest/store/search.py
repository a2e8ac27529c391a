"""Messages by the words in them, through each database's own index (migrations/0006.search.py).

All words have to be there, in whatever case and order; each may be the beginning of a longer one. What a word is
differs a little: MySQL leaves out words of one or two letters, and none cuts up scripts that are written without
blanks.
"""

import re
from typing import Any

from warest import entities
from warest.store import fitting, sql
from warest.store.history_records import Message
from warest.store.messages import from_row
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction

#: Most words of a search, and longest one, characters.
WORDS, LONGEST = 10, 64

#: The newest matches that are sorted by time; those beyond have no page.
NEWEST = 5_000

#: PostgreSQL looks through so many of the newest messages first.
LOOKED_THROUGH = 1_500

_WORD = re.compile(r"\w+")

_SQLITE = """
SELECT m.chat, m.id FROM
  (SELECT rowid FROM messages_words WHERE messages_words MATCH ? ORDER BY rowid DESC LIMIT {newest}) AS found
  JOIN messages AS m ON m.rowid = found.rowid
ORDER BY m.ts DESC, m.id LIMIT ? OFFSET ?
"""

_POSTGRES = """
SELECT chat, id FROM messages
WHERE to_tsvector('simple', left(body, 50000)) @@ to_tsquery('simple', ?) AND session = ? {chat}
ORDER BY ts DESC, id LIMIT ? OFFSET ?
"""

#: The same among the newest only. What many messages have, these have too; the index of words would find all of them.
_POSTGRES_NEWEST = """
SELECT chat, id FROM
  (SELECT chat, id, ts, body FROM messages WHERE session = ? {chat} ORDER BY ts DESC, id LIMIT {newest}) AS newest
WHERE to_tsvector('simple', left(body, 50000)) @@ to_tsquery('simple', ?)
ORDER BY ts DESC, id LIMIT ? OFFSET ?
"""

_MYSQL = """
SELECT chat, id FROM messages
WHERE MATCH (words) AGAINST (? IN BOOLEAN MODE) AND session = ? {chat}
ORDER BY ts DESC, id LIMIT ? OFFSET ?
"""


class Search(Noun):
    def __init__(self, opened: entities.Entities) -> None:
        super().__init__(opened)
        self._dialect: str = opened.db.provider.dialect

    def messages(
        self, owner: Account, session: str, text: str, *, chat: str = "", limit: int, offset: int = 0
    ) -> list[Message]:
        """The newest first, in all chats or in one. No words: no messages."""
        words = [word[:LONGEST].lower() for word in _WORD.findall(fitting.text(text))][:WORDS]
        if not words:
            return []
        chat = fitting.key(chat) if chat else ""
        with transaction():
            if not self._owns(owner, session):
                return []
            found = self._found(session, words, chat, limit, offset)
            rows = (self._entities.Message.get(session=session, chat=where, id=id) for where, id in found)
            return [from_row(row) for row in rows if row]

    def _found(self, session: str, words: list[str], chat: str, limit: int, offset: int) -> list[Any]:
        db = self._entities.db
        if self._dialect == "SQLite":
            return sql.query(db, _SQLITE.format(newest=NEWEST), [_match(session, words, chat), limit, offset])
        within, values = ("AND chat = ?", [session, chat]) if chat else ("", [session])
        if self._dialect == "PostgreSQL":
            sought = " & ".join(f"{word}:*" for word in words)
            query = _POSTGRES_NEWEST.format(chat=within, newest=LOOKED_THROUGH)
            newest = sql.query(db, query, [*values, sought, limit, offset])
            if len(newest) == limit:
                return newest
            return sql.query(db, _POSTGRES.format(chat=within), [sought, *values, limit, offset])
        sought = " ".join(f"+{word}*" for word in words)
        return sql.query(db, _MYSQL.format(chat=within), [sought, *values, limit, offset])


def _match(session: str, words: list[str], chat: str) -> str:
    """In the language of FTS5; quoted, a word is nothing but a word."""
    sought = " AND ".join(f'"{word}"*' for word in words)
    within = f' AND chat : "{chat.replace(chr(34), "")}"' if chat else ""
    return f'session : "{session}" AND body : ({sought}){within}'

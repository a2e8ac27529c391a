"""Words of messages can be looked for: an index of each database's own kind. store/search.py asks it."""

from typing import Any

from yoyo import step

__depends__ = {"0005.files"}

#: In SQLite an index is a table beside the other one; triggers keep it up to date.
_SQLITE = (
    "CREATE VIRTUAL TABLE messages_words USING fts5"
    " (session, chat, body, content='messages', content_rowid='rowid', tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER messages_words_insert AFTER INSERT ON messages BEGIN"
    " INSERT INTO messages_words (rowid, session, chat, body) VALUES (new.rowid, new.session, new.chat, new.body); END",
    "CREATE TRIGGER messages_words_delete AFTER DELETE ON messages BEGIN"
    " INSERT INTO messages_words (messages_words, rowid, session, chat, body)"
    " VALUES ('delete', old.rowid, old.session, old.chat, old.body); END",
    "CREATE TRIGGER messages_words_update AFTER UPDATE OF body ON messages BEGIN"
    " INSERT INTO messages_words (messages_words, rowid, session, chat, body)"
    " VALUES ('delete', old.rowid, old.session, old.chat, old.body);"
    " INSERT INTO messages_words (rowid, session, chat, body) VALUES (new.rowid, new.session, new.chat, new.body); END",
    "INSERT INTO messages_words (messages_words) VALUES ('rebuild')",
)

_SQLITE_BACK = (
    "DROP TRIGGER messages_words_insert",
    "DROP TRIGGER messages_words_delete",
    "DROP TRIGGER messages_words_update",
    "DROP TABLE messages_words",
)

#: A tsvector has a largest size, which must not cost a message.
_POSTGRES = ("CREATE INDEX messages_words ON messages USING gin (to_tsvector('simple', left(body, 50000)))",)

#: Our columns tell `a` from `A`; this copy does not, and neither `e` from `é`.
_MYSQL = (
    "ALTER TABLE messages ADD COLUMN words LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    " GENERATED ALWAYS AS (body) STORED",
    "CREATE FULLTEXT INDEX messages_words ON messages (words)",
)

_MYSQL_BACK = ("DROP INDEX messages_words ON messages", "ALTER TABLE messages DROP COLUMN words")


def _run(connection: Any, statements: tuple[str, ...]) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()


def _kind(connection: Any) -> str:
    return type(connection).__module__.partition(".")[0]


def apply(connection: Any) -> None:
    _run(connection, {"sqlite3": _SQLITE, "psycopg2": _POSTGRES}.get(_kind(connection), _MYSQL))


def back(connection: Any) -> None:
    others = {"sqlite3": _SQLITE_BACK, "psycopg2": ("DROP INDEX messages_words",)}
    _run(connection, others.get(_kind(connection), _MYSQL_BACK))


steps = [step(apply, back)]

"""The migrations on MySQL and MariaDB: what these say differently, and how a migration that was killed is finished."""

import re
from typing import Any

import pymysql
import pymysql.cursors
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import DatabaseURI

#: Collations that tell `a` from `A` and from `a `, the best first; the last pads with spaces, and every server has it.
_COLLATIONS = ("utf8mb4_0900_bin", "utf8mb4_nopad_bin", "utf8mb4_bin")

#: What the server says when a statement of ours is run again: table, column, index exist, or are gone.
_DONE_BEFORE = {1050, 1060, 1061, 1051, 1091}

#: Migrations that were begun and have not ended.
_UNFINISHED = "warest_unfinished"


class _Cursor(pymysql.cursors.Cursor):
    resuming = False
    collation = _COLLATIONS[-1]

    def execute(self, query: str, args: Any = None) -> int:
        try:
            return super().execute(translated(query, self.collation), args)
        except pymysql.err.MySQLError as error:
            if _is_done_before(error) and (self.resuming or "_yoyo" in query):
                return 0
            raise


class Backend(MySQLBackend):  # type: ignore[misc]
    """yoyo's, connected as we connect. DDL ends a transaction here, so a killed migration is done in part."""

    resuming = False
    collation = _COLLATIONS[-1]

    def connect(self, dburi: Any) -> Any:
        return pymysql.connect(**dburi.args)

    def copy(self) -> "Backend":
        other: Backend = super().copy()
        other.resuming, other.collation = self.resuming, self.collation
        return other

    def cursor(self) -> "_Cursor":
        """All goes through it: the statements of a migration, and yoyo's own."""
        cursor = self.connection.cursor(_Cursor)
        assert isinstance(cursor, _Cursor)
        cursor.resuming, cursor.collation = self.resuming, self.collation
        return cursor

    def savepoint_rollback(self, id: str) -> None:
        """Not done: DDL has ended every savepoint, and that one is missing would hide what went wrong."""

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        self._begin(migration)
        try:
            super().apply_one(migration, force, mark)
        except pymysql.err.MySQLError as error:
            if _is_done_before(error):  # somebody else's table stands there: it shall not pass for ours the next time
                self._end(migration)
            raise
        self._end(migration)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        self._begin(migration)
        super().rollback_one(migration, force)
        self._end(migration)

    def _begin(self, migration: Any) -> None:
        """From a second begin without an end on, what is done already is passed over."""
        done = self.execute(f"INSERT IGNORE INTO {_UNFINISHED} VALUES (:id)", {"id": migration.id}).rowcount
        self.connection.commit()
        self.resuming = not done

    def _end(self, migration: Any) -> None:
        self.resuming = False
        self.execute(f"DELETE FROM {_UNFINISHED} WHERE id = :id", {"id": migration.id})
        self.connection.commit()


def opened(arguments: dict[str, Any]) -> Backend:
    backend = Backend(DatabaseURI("mysql", None, None, None, None, arguments["database"], arguments), "_yoyo_migration")
    known = {row[0] for row in backend.execute("SHOW COLLATION WHERE Charset = 'utf8mb4'").fetchall()}
    backend.collation = next(one for one in _COLLATIONS if one in known)
    if _UNFINISHED not in backend.list_tables():
        backend.execute(f"CREATE TABLE {_UNFINISHED} (id VARCHAR(191) PRIMARY KEY)")
    backend.init_database()
    return backend


def translated(sql: str, collation: str) -> str:
    """Tables hold every character and tell names apart by it; TEXT alone would end at 64 KB."""
    if not re.match(r"(\s|--.*\n)*(CREATE|ALTER)\s+TABLE\b", sql, re.IGNORECASE):
        return sql
    sql = re.sub(r"\bTEXT\b", "LONGTEXT", sql)
    if re.match(r"(\s|--.*\n)*CREATE", sql, re.IGNORECASE):
        options = f"ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE {collation}"
        sql = f"{sql.rstrip().rstrip(';')} {options}"
    return sql


def _is_done_before(error: Exception) -> bool:
    return bool(error.args) and error.args[0] in _DONE_BEFORE

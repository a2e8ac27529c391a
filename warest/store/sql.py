"""What Pony has no words for: many rows at once, and deleting a few of many. Within a transaction of the caller."""

from collections.abc import Callable, Sequence
from typing import Any

from warest.store.schema import transaction

#: Rows of one INSERT; SQLite takes 32 766 values.
_ROWS = 500

#: Rows that one transaction of `erase` takes away, so that nobody else waits for long.
BATCH = 1_000

#: How each database is told to delete some of the rows that fit.
_SOME = {
    "SQLite": "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {where} LIMIT {limit})",
    "PostgreSQL": "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {where} LIMIT {limit}))",
    "MySQL": "DELETE FROM {table} WHERE {where} LIMIT {limit}",
}


def insert(db: Any, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """All of `rows`, which have the same columns and are new. Pony would send them one by one."""
    if not rows:
        return
    columns = list(rows[0])
    one = f"({', '.join(['?'] * len(columns))})"
    for begin in range(0, len(rows), _ROWS):
        some = rows[begin : begin + _ROWS]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(some))}"
        execute(db, sql, [row[column] for row in some for column in columns])


def erase(db: Any, table: str, where: str, values: Sequence[Any], limit: int = BATCH) -> int:
    """In a transaction of its own, delete at most `limit` rows; returns how many. `where` is as `execute` has it."""
    sql = _SOME[db.provider.dialect].format(table=table, where=where, limit=limit)
    with transaction():
        return execute(db, sql, values)


def erase_all(db: Any, table: str, where: str, values: Sequence[Any]) -> int:
    """All rows that fit, a batch at a time."""
    return _until_done(lambda: erase(db, table, where, values))


def _until_done(work: Callable[[], int]) -> int:
    total = count = work()
    while count == BATCH:
        total += (count := work())
    return total


def execute(db: Any, sql: str, values: Sequence[Any]) -> int:
    """One statement with a `?` for each value; returns how many rows it touched. Errors are Pony's, as elsewhere."""
    if db.provider.paramstyle != "qmark":
        sql = sql.replace("?", "%s")
    cursor = db.get_connection().cursor()
    db.provider.execute(cursor, sql, tuple(values))
    count: int = cursor.rowcount
    cursor.close()
    return count


def query(db: Any, sql: str, values: Sequence[Any]) -> list[Any]:
    """The rows of one SELECT with a `?` for each value."""
    if db.provider.paramstyle != "qmark":
        sql = sql.replace("?", "%s")
    cursor = db.get_connection().cursor()
    db.provider.execute(cursor, sql, tuple(values))
    rows: list[Any] = list(cursor.fetchall())
    cursor.close()
    return rows

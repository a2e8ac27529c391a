"""In PostgreSQL the newest messages of a session can be had in order: store/search.py looks at those first."""

from typing import Any

from yoyo import step

__depends__ = {"0006.search"}


def _run(connection: Any, statement: str) -> None:
    if type(connection).__module__.startswith("psycopg2"):
        with connection.cursor() as cursor:
            cursor.execute(statement)


steps = [
    step(
        lambda connection: _run(connection, "CREATE INDEX messages_newest ON messages (session, ts DESC, id)"),
        lambda connection: _run(connection, "DROP INDEX messages_newest"),
    )
]

"""Pony entities: one class a table, as warest/migrations creates them. Only warest/store uses them.

Pony binds entities to one database object for good, so `define` makes both anew: a process may hold several stores.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pony.orm import Database, Optional, PrimaryKey, Required

Row = Any  # Pony publishes no types


@dataclass(frozen=True)
class Entities:
    db: Any
    User: Any
    ApiKey: Any
    Session: Any


def define() -> Entities:
    db = Database()

    class User(db.Entity):  # type: ignore[name-defined, misc]
        _table_ = "users"
        id = PrimaryKey(str, 26)
        registry = Required(str, unique=True)
        username = Required(str, unique=True)
        password = Required(str)  # a hash, see accounts.py
        api_key = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        is_admin = Required(bool)
        created_at = Required(float)
        updated_at = Required(float)

    class ApiKey(db.Entity):  # type: ignore[name-defined, misc]
        _table_ = "api_keys"
        id = PrimaryKey(str, 26)
        registry = Required(str)
        name = Required(str)
        hash = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        created_at = Required(float)
        expires_at = Required(float)

    class Session(db.Entity):  # type: ignore[name-defined, misc]
        _table_ = "sessions"
        id = PrimaryKey(str, 26)
        name = Required(str, 64, unique=True)
        registry = Required(str)
        auto_start = Required(bool)
        webhook_url = Optional(str)  # empty: none
        webhook_secret = Optional(str)
        created_at = Required(float)
        updated_at = Required(float)

    return Entities(db, User, ApiKey, Session)


def open_sqlite(path: Path) -> Entities:
    """Bind the entities to a SQLite file in WAL mode, so that readers and the one writer do not wait for each other."""
    entities = define()

    @entities.db.on_connect(provider="sqlite")  # type: ignore[untyped-decorator]
    def tune(_: Any, connection: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA foreign_keys = ON")

    entities.db.bind(provider="sqlite", filename=str(path.resolve()), create_db=True)
    entities.db.generate_mapping(create_tables=False)
    return entities

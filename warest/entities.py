"""Pony entities: one class a table, as warest/migrations creates them. Only warest/store uses them.

Pony binds entities to one database object for good, so `define` makes both anew: a process may hold several stores.
"""

from dataclasses import dataclass
from typing import Any

from pony.orm import Database, LongStr, Optional, PrimaryKey, Required

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
        registry = Required(str, 255, unique=True)
        username = Required(str, 255, unique=True)
        password = Required(str, 255)  # a hash, see accounts.py
        api_key = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        is_admin = Required(bool)
        created_at = Required(float)
        updated_at = Required(float)

    class ApiKey(db.Entity):  # type: ignore[name-defined, misc]
        _table_ = "api_keys"
        id = PrimaryKey(str, 26)
        registry = Required(str, 255)
        name = Required(str, 255)
        hash = Required(str, 64, unique=True)  # SHA-256 of the key, hex
        created_at = Required(float)
        expires_at = Required(float)

    class Session(db.Entity):  # type: ignore[name-defined, misc]
        _table_ = "sessions"
        id = PrimaryKey(str, 26)
        name = Required(str, 64, unique=True)
        registry = Required(str, 255)
        auto_start = Required(bool)
        webhook_url = Optional(LongStr, lazy=False)  # empty: none
        webhook_secret = Optional(str, 255)
        created_at = Required(float)
        updated_at = Required(float)

    return Entities(db, User, ApiKey, Session)

"""Everything the network must remember, in one SQLite file.

A change is one small write inside an open transaction; the transaction is committed at the end of the event loop's
turn, and always before a byte that depends on it leaves (`Outbox.flush`). WAL with synchronous=OFF survives the
death of the process at any point; it need not survive a power cut.
"""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from warest.errors import SetupError

FILE = "sandbox.sqlite3"

_SCHEMA = """
create table settings (name text primary key, value blob not null) without rowid;
create table accounts (
    phone text primary key, lid text not null unique, name text not null,
    identity blob not null,         -- the phone's registration id, identity key and signed prekey
    app_state_key blob not null,
    last_prekey integer not null default 0,
    last_key_index integer not null default 0,
    about text not null default ''
) without rowid;
create table devices (
    phone text not null, id integer not null, noise blob not null unique, identity blob not null,
    registration integer not null, key_index integer not null, platform text not null,
    signed_id integer not null, signed_public blob not null, signature blob not null,
    greeted integer not null default 0,     -- has got the phone's app state key
    primary key (phone, id)
) without rowid;
create table prekeys (      -- one-time prekeys that devices uploaded
    phone text not null, device integer not null, id integer not null, public blob not null,
    primary key (phone, device, id)
) without rowid;
create table phone_prekeys (
    phone text not null, id integer not null, private blob not null, primary key (phone, id)
) without rowid;
create table sessions (     -- Signal sessions of phones, by the address of the device at the other end
    phone text not null, address text not null, record blob not null, primary key (phone, address)
) without rowid;
create table groups (
    id text primary key, name text not null, creator text not null, created integer not null,
    facts text not null     -- JSON: groups.Facts
) without rowid;
create table group_members (id text not null, phone text not null, role text not null, unique (id, phone));
create table group_requests (id text not null, phone text not null, at integer not null, unique (id, phone));
create table group_pictures (id text primary key, data blob not null) without rowid;
create table group_privacy (phone text primary key) without rowid;     -- who is not to be added to groups
create table sender_keys (  -- of phones, and those that they were handed, by the address of the device that writes
    phone text not null, chat text not null, address text not null, record blob not null,
    primary key (phone, chat, address)
) without rowid;
create table queue (        -- stanzas that a device has not answered yet
    seq integer primary key autoincrement, phone text not null, device integer not null,
    tag text not null, id text not null, node blob not null
);
create index queue_stanza on queue (phone, device, id);
create table messages (     -- what phones sent and received
    seq integer primary key autoincrement, phone text not null, chat text not null, sender text not null,
    id text not null, status text not null, message blob not null, entry text not null,
    unique (phone, sender, id)
);
create table watchers (     -- which devices asked for whose device list
    watched text not null, phone text not null, device integer not null, primary key (watched, phone, device)
) without rowid;
create table app_state (
    phone text not null, collection text not null, version integer not null, patch blob not null,
    primary key (phone, collection, version)
) without rowid;
create table files (        -- what the media host serves, and for which device; the bytes are in a folder
    name text primary key, phone text not null, device integer not null
) without rowid;
create table violations (
    seq integer primary key autoincrement, at real not null, device text not null, what text not null,
    node text not null
);
create table profiles (     -- facts: JSON, profiles.Facts
    phone text primary key, facts text not null, picture blob not null
) without rowid;
pragma user_version = 7;
"""
_VERSION = 7

#: What leads from a version to the next.
_CHANGES = {
    1: "alter table accounts add column about text not null default ''; pragma user_version = 2;",
    2: """
        create table files (
            name text primary key, phone text not null, device integer not null, data blob not null
        ) without rowid;
        pragma user_version = 3;
    """,
    # What sessions have not fetched until then is gone: it was the history for those just linked.
    3: """
        drop table files;
        create table files (name text primary key, phone text not null, device integer not null) without rowid;
        pragma user_version = 4;
    """,
    4: """
        create table groups (
            id text primary key, name text not null, creator text not null, created integer not null
        ) without rowid;
        create table group_members (id text not null, phone text not null, unique (id, phone));
        create table sender_keys (
            phone text not null, chat text not null, address text not null, record blob not null,
            primary key (phone, chat, address)
        ) without rowid;
        pragma user_version = 5;
    """,
    5: """
        alter table groups add column facts text not null default '{}';
        alter table group_members add column role text not null default '';
        update group_members set role = 'superadmin'
            where phone = (select creator from groups where groups.id = group_members.id);
        create table group_requests (id text not null, phone text not null, at integer not null, unique (id, phone));
        create table group_pictures (id text primary key, data blob not null) without rowid;
        create table group_privacy (phone text primary key) without rowid;
        pragma user_version = 6;
    """,
    6: """
        create table profiles (phone text primary key, facts text not null, picture blob not null) without rowid;
        pragma user_version = 7;
    """,
}

#: Seconds that a second sandbox waits for the folder: long enough for the first to end.
_LOCK_TIMEOUT = 1.0


class Store:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        (folder / FILE).touch(mode=0o600)
        #: Called when a transaction begins, so that somebody ends it.
        self.on_change: Callable[[], None] = lambda: None
        self._db = sqlite3.connect(folder / FILE, isolation_level=None, timeout=_LOCK_TIMEOUT)
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma synchronous = off")
            self._prepare()
        except sqlite3.OperationalError as error:
            self._db.close()
            raise SetupError(f"{folder / FILE} cannot be used ({error}): is another sandbox running on it?") from error

    def _prepare(self) -> None:
        self._db.execute("begin immediate")
        version = self._db.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise SetupError(f"{FILE} is of a newer WAREST (version {version}): upgrade, or use another folder.")
        self._db.execute("commit")
        changes = [_SCHEMA] if version == 0 else [_CHANGES[each] for each in range(version, _VERSION)]
        for change in changes:
            self._db.executescript(f"begin; {change} commit;")

    def read(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def write(self, sql: str, *values: Any) -> int:
        """Run one change; the answer is the number of rows it touched."""
        self._begin()
        return self._db.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Any) -> int:
        """Insert one row; the answer is its number."""
        self._begin()
        return self._db.execute(sql, values).lastrowid or 0

    def write_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._begin()
        self._db.executemany(sql, rows)

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("begin")
            self.on_change()

    def commit(self) -> None:
        if self._db.in_transaction:
            self._db.execute("commit")

    def close(self) -> None:
        self.commit()
        self._db.close()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A value that is made once and then stays."""
        for (value,) in self.read("select value from settings where name = ?", name):
            return bytes(value)
        value = make()
        self.write("insert into settings values (?, ?)", name, value)
        return value

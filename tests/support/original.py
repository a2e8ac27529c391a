"""A database as the original leaves it: contract, data.md section 1."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE _migrations (id integer primary key, name varchar(255), batch integer, migration_time datetime);
CREATE TABLE users (id varchar(255) primary key, registry varchar(255) not null default '' unique,
    username varchar(255) unique, password varchar(255), api_key varchar(255) unique, is_admin boolean default '0',
    last_login_at datetime, created_at datetime default CURRENT_TIMESTAMP, updated_at datetime);
CREATE TABLE sessions (id varchar(255) primary key, registry_user varchar(255), label varchar(255) not null unique,
    credentials_path text, auto_start boolean default '1', webhook_url text, webhook_secret varchar(255),
    status varchar(255) default 'starting', session_profile text, last_connected_at datetime, created_at datetime,
    updated_at datetime, foreign key (registry_user) references users (registry) on delete cascade);
CREATE TABLE sync_chats (session_id varchar(255), jid varchar(255), name varchar(255), is_group boolean,
    unread_count integer, last_message text, last_message_ts bigint, ephemeral_expiry integer, created_at_sec bigint,
    updated_at_sec bigint, created_at datetime, updated_at datetime not null, primary key (session_id, jid));
CREATE TABLE sync_contacts (session_id varchar(255), jid varchar(255), phone varchar(255), name varchar(255),
    notify varchar(255), verified_name varchar(255), is_me boolean, is_my_contact boolean, is_group boolean,
    updated_at_sec bigint, created_at datetime, updated_at datetime, primary key (session_id, jid));
CREATE TABLE sync_messages (session_id varchar(255), id varchar(255), chat_jid varchar(255), from_me boolean,
    sender_jid varchar(255), to_jid varchar(255), message_type varchar(64), body text, timestamp_sec bigint, raw text,
    updated_at_sec bigint, created_at datetime, updated_at datetime, primary key (session_id, id));
"""


class Original:
    """Puts rows into such a file; what is not given is null, as it is where nobody has said anything."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES)

    def put(self, table: str, *rows: dict[str, Any]) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def user(self, registry: str, username: str, **more: Any) -> None:
        self.put("users", {"id": f"id of {username}", "registry": registry, "username": username, **more})

    def session(self, id: str, registry: str, **more: Any) -> None:
        self.put("sessions", {"id": id, "label": id, "registry_user": registry, **more})

    def chat(self, session: str, jid: str, **more: Any) -> None:
        self.put("sync_chats", {"session_id": session, "jid": jid, "updated_at": "2025-01-01", **more})

    def contact(self, session: str, jid: str, **more: Any) -> None:
        self.put("sync_contacts", {"session_id": session, "jid": jid, **more})

    def messages(self, session: str, chat: str, count: int, **more: Any) -> None:
        rows = (self.row(session, chat, f"3EB0{number:06}", 1_700_000_000 + number, **more) for number in range(count))
        self.put("sync_messages", *rows)

    def message(self, session: str, chat: str, id: str, **more: Any) -> None:
        self.put("sync_messages", self.row(session, chat, id, 1_700_000_000, **more))

    @staticmethod
    def row(session: str, chat: str, id: str, ts: int, **more: Any) -> dict[str, Any]:
        key = {"remoteJid": chat, "fromMe": False, "id": id}
        row = {
            "session_id": session, "id": id, "chat_jid": chat, "from_me": 0, "sender_jid": chat, "to_jid": chat,
            "message_type": "conversation", "body": f"body of {id}", "timestamp_sec": ts,
            "raw": json.dumps({"key": key, "message": {"conversation": f"body of {id}"}, "meta": {}}),
        }  # fmt: skip
        return {**row, **more}

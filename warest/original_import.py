"""What the original's SQLite file holds, into our database: users, sessions, webhooks, chats, contacts and messages.

The file is only read. What is here already stays as it is, so all of it can be run again, after a kill as well, and on
top of what has happened since. Rows are read and written a portion at a time.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from warest import original_rows as rows
from warest.errors import Conflict, SetupError
from warest.original_rows import BadRow
from warest.store import Account, Store

T = TypeVar("T")

#: Rows that are read and written at once.
PORTION = 500

#: Without these it is somebody else's file.
_NEEDED = ("users", "sessions")

#: A session of ours that comes from there is like one that its phone has unlinked.
STATE, REASON = "logged_out", "It comes from the original, whose WhatsApp credentials do not carry over."

#: Of a table: rows that have been looked at, and all.
Progress = Callable[[str, int, int], None]


@dataclass
class Report:
    """By table: what is new here, what was here already, and what was left out, with the reason."""

    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def skip(self, table: str, reason: str) -> None:
        self.skipped[table, reason] += 1


class Import:
    """Reads one file into one store. With `dry` it writes nothing, and counts what would be new."""

    def __init__(self, store: Store, path: Path, *, dry: bool, progress: Progress) -> None:
        self._store = store
        self._path = path
        self._dry = dry
        self._progress = progress
        self.report = Report()
        self._accounts: dict[str, Account] = {}
        #: Their name for a session -> its owner, and ours; the latter is empty where it would only be made.
        self._sessions: dict[str, tuple[Account, str]] = {}

    def run(self) -> Report:
        """Raises SetupError for a file that is none of the original's."""
        with _opened(self._path) as connection:
            self._each(connection, "users", self._user)
            self._each(connection, "sessions", self._session)
            self._history(connection, "sync_chats", rows.chat, self._chats)
            self._history(connection, "sync_contacts", rows.contact, self._contacts)
            self._history(connection, "sync_messages", rows.message, self._messages)
        return self.report

    def _each(self, connection: sqlite3.Connection, table: str, take: Callable[[rows.Row], str]) -> None:
        for portion in self._portions(connection, table):
            for row in portion:
                try:
                    outcome = take(row)
                except BadRow as error:
                    self.report.skip(table, str(error))
                else:
                    (self.report.new if outcome == "new" else self.report.known)[table] += 1

    def _user(self, row: rows.Row) -> str:
        user = rows.user(row)
        known = self._store.users.get(user.registry)
        if known is None:
            if self._store.users.named(user.username):
                raise BadRow(f"the name {user.username} is somebody else's here")
            if not self._dry:
                self._add(user)
            if not user.password:
                self.report.notes.append(f"User {user.username} has no password here, only a key.")
            self._accounts[user.registry] = Account(user.registry, user.username, user.is_admin)
            return "new"
        if user.registry != "admin" and known.username != user.username:
            raise BadRow(f"registry {user.registry} is that of {known.username} here")
        if user.registry == "admin":
            self.report.notes.append(
                f"The first admin ({user.username} there) stays who it is here: {known.username}, with its own "
                "password and key. It gets the sessions."
            )
        self._accounts[user.registry] = Account(known.registry, known.username, known.is_admin)
        return "known"

    def _add(self, user: rows.User) -> None:
        try:
            self._store.users.take_over(
                user.registry, user.username, user.password or "-", user.key_hash, is_admin=user.is_admin
            )
        except Conflict:
            raise BadRow(f"the key of {user.username} is somebody else's here") from None

    def _session(self, row: rows.Row) -> str:
        session = rows.session(row)
        owner = self._accounts.get(session.registry)
        if owner is None:
            raise BadRow("its owner is not here")
        known = self._store.session(session.name)
        if known and known.owner.registry != owner.registry:
            raise BadRow(f"the name {session.name} is taken here by somebody else")
        if known:
            self._sessions[session.name] = owner, known.ulid
            return "known"
        self._sessions[session.name] = owner, "" if self._dry else self._make(owner, session)
        return "new"

    def _make(self, owner: Account, session: rows.Session) -> str:
        """As a whole, with where its events go."""
        with self._store.together():
            record = self._store.create_session(owner, session.name, auto_start=False)
            self._store.endpoints.change(owner, record.ulid, url=session.url, secret=session.secret)
            self._store.remember_state(record.ulid, state=STATE, reason=REASON)
        return record.ulid

    def _history(
        self,
        connection: sqlite3.Connection,
        table: str,
        read: Callable[[rows.Row], T],
        put: Callable[[Account, str, list[T]], int],
    ) -> None:
        for portion in self._portions(connection, table):
            found: dict[str, list[T]] = {}
            for row in portion:
                name = str(row.get("session_id"))
                if name not in self._sessions:
                    self.report.skip(table, "of a session that is not there, or was left out")
                    continue
                try:
                    found.setdefault(name, []).append(read(row))
                except BadRow as error:
                    self.report.skip(table, str(error))
            for name, news in found.items():
                owner, ulid = self._sessions[name]
                count = put(owner, ulid, news) if ulid else len(news)
                self.report.new[table] += count
                self.report.known[table] += len(news) - count

    def _chats(self, _: Account, session: str, news: list[Any]) -> int:
        known = self._store.chats.known(session, [one.jid for one in news])
        fresh = [one for one in news if one.jid not in known]
        if not self._dry:
            self._store.chats.put(session, fresh)
        return len(fresh)

    def _contacts(self, owner: Account, session: str, news: list[Any]) -> int:
        known = self._store.contacts.find_many(owner, session, [one.jid for one in news])
        fresh = [one for one in news if one.jid not in known]
        if not self._dry:
            self._store.contacts.put(session, fresh)
        return len(fresh)

    def _messages(self, _: Account, session: str, messages: list[Any]) -> int:
        if self._dry:
            return len(messages) - self._store.messages.known(session, messages)
        return self._store.messages.put(session, messages)

    def _portions(self, connection: sqlite3.Connection, table: str) -> Iterator[list[rows.Row]]:
        """In the order in which they were written. A table that is not there has no rows."""
        total, last, done = _count(connection, table), -(2**63), 0
        while total:
            asked = f"SELECT rowid AS _row, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {PORTION}"
            portion = connection.execute(asked, [last]).fetchall()
            if not portion:
                return
            last, done = portion[-1]["_row"], done + len(portion)
            yield portion
            self._progress(table, done, max(done, total))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise SetupError(f"There is no file {path}.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = lambda data: data.decode(errors="replace")
            connection.row_factory = _as_dict
            if missing := [table for table in _NEEDED if not _exists(connection, table)]:
                raise SetupError(f"{path} is not a database of the original: it has no table {missing[0]}.")
            yield connection
    except sqlite3.Error as error:
        raise SetupError(f"{path} cannot be read: {error}") from error


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((column[0] for column in cursor.description), row, strict=True))


def _exists(connection: sqlite3.Connection, table: str) -> bool:
    asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(asked, [table]).fetchone() is not None


def _count(connection: sqlite3.Connection, table: str) -> int:
    if not _exists(connection, table):
        return 0
    return int(connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"])

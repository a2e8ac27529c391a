"""Where the engine keeps the keys of a session: a SQLite file, or a schema of PostgreSQL that several hosts share.

Two clients on one store throw each other out and spoil the keys (trap 22). So a store is claimed before it is opened,
and whoever had it before is shut out, however frozen: it lost its lease, but may wake and go on where it was.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from warest.errors import DriverError, LeaseLost
from warest.whatsapp import fixes

#: A predecessor on this host may still be closing its connection, s.
PREDECESSOR_PATIENCE = 6.0

#: Every schema of ours begins so; the ULID of the session and the number of its lease follow.
PREFIX = "warest_session_"


class KeyStores(Protocol):
    """The stores of all sessions. It is pickled on its way to a session process."""

    def claimed(self, session: str, lease: int) -> contextlib.AbstractContextManager[str]:
        """Hold the store of a session; gives the name that the engine opens it by.

        Raises LeaseLost when a newer lease has claimed it, DriverError when it is out of reach.
        """

    def forget(self, session: str) -> None:
        """Delete the keys of a session that nobody runs. Safe to repeat."""


@dataclass(frozen=True)
class Files:
    """A SQLite file a session, each in a folder that only we can read."""

    folder: Path

    @contextmanager
    def claimed(self, session: str, lease: int) -> Iterator[str]:
        """The kernel frees the lock of a process that is gone, so the lease's number is not needed."""
        folder = self.folder / session
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "lock").open("a+") as handle:
            deadline = time.monotonic() + PREDECESSOR_PATIENCE
            while not _try_lock(handle):
                if time.monotonic() > deadline or _is_frozen(_holder_of(handle)):
                    _kill(_holder_of(handle))
                time.sleep(0.05)
            handle.truncate(0)
            handle.write(f"{os.getpid()} {_pid_namespace()}")
            handle.flush()
            yield fixes.store_name(folder / "whatsapp.sqlite")

    def forget(self, session: str) -> None:
        shutil.rmtree(self.folder / session, ignore_errors=True)


def _try_lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_of(handle: IO[str]) -> int | None:
    """As long as the lock is held, the number in the file is that of its holder, once it has written it.

    None for one in another container, too: there the number means another process.
    """
    handle.seek(0)
    number, _, namespace = handle.read().partition(" ")
    return int(number) if number.isdigit() and namespace == _pid_namespace() else None


def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _is_frozen(pid: int | None) -> bool:
    """It will not close anything: there is nothing to wait for."""
    with contextlib.suppress(OSError):
        return pid is not None and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False


def _kill(pid: int | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Schemas:
    """A schema a session, since the engine takes the first account that it finds in one (trap 31).

    The schema carries the number of the lease and is renamed when it is claimed: a former holder, wherever it runs,
    finds its tables gone from that moment on.
    """

    server: dict[str, Any] = field(repr=False)  #: the arguments of libpq

    @contextmanager
    def claimed(self, session: str, lease: int) -> Iterator[str]:
        schema = f"{PREFIX}{session.lower()}_{lease}"
        with self._cursor() as cursor:
            held = _schemas_of(cursor, session)
            if any(number > lease for number in held):
                raise LeaseLost(f"the keys of session {session} were claimed by a newer lease")
            if held:
                newest = max(held)
                if newest != lease:
                    cursor.execute(f'ALTER SCHEMA "{held[newest]}" RENAME TO "{schema}"')
            else:
                cursor.execute(f'CREATE SCHEMA "{schema}"')
                # The engine asks for this table without naming a schema, and would find that of another session.
                cursor.execute(f'CREATE TABLE "{schema}".whatsmeow_version (version integer, compat integer)')
        yield self._url(schema)

    def forget(self, session: str) -> None:
        with self._cursor() as cursor:
            for schema in _schemas_of(cursor, session).values():
                cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')

    def check(self) -> None:
        """Raises DriverError unless the server answers and lets us make schemas."""
        with self._cursor() as cursor:
            cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE'), current_user")
            may_create, user = cursor.fetchone()
            if not may_create:
                raise DriverError(
                    f"The database of the session keys does not let {user} make schemas: "
                    f"GRANT CREATE ON DATABASE {self.server.get('dbname', '')} TO {user}."
                )

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """One transaction on a connection of its own."""
        import psycopg2  # only where it is used: it costs every session a megabyte

        try:
            with closing(psycopg2.connect(**self.server)) as connection, connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            raise DriverError(f"The database of the session keys is out of reach: {error}") from error

    def _url(self, schema: str) -> str:
        """As the engine's driver (lib/pq) wants it; it knows no `prefer`, and wants TLS unless told otherwise."""
        given = {name: str(value) for name, value in self.server.items()}
        host, port = given.pop("host", ""), given.pop("port", "5432")
        account = ":".join(
            urllib.parse.quote(given.pop(name), safe="") for name in ("user", "password") if name in given
        )
        database = urllib.parse.quote(given.pop("dbname", ""), safe="")
        options = {
            name: value for name, value in given.items() if name in ("sslmode", "sslrootcert", "sslcert", "sslkey")
        }
        if options.get("sslmode") in (None, "prefer", "allow"):
            options["sslmode"] = "disable"
        options |= {"search_path": schema, "application_name": schema, "connect_timeout": "5"}
        if host.startswith("/"):
            options, host = {"host": host, **options}, ""
        return f"postgres://{account}@{host}:{port}/{database}?{urllib.parse.urlencode(options)}"


def _schemas_of(cursor: Any, session: str) -> dict[int, str]:
    """Lease number -> schema."""
    prefix = f"{PREFIX}{session.lower()}_"
    cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [prefix])
    return {int(name.removeprefix(prefix)): name for (name,) in cursor.fetchall()}

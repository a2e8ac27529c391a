"""Where the engine keeps the keys of a session: a SQLite file, or a schema of PostgreSQL that several hosts share.

Two clients on one store throw each other out and spoil the keys (trap 22). So a store is claimed before it is opened,
and whoever had it before is shut out, however frozen: it lost its lease, but may wake and go on where it was.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import signal
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from warest.errors import Conflict, DriverError, LeaseLost, NotFound, SetupError, Unsupported
from warest.vault import Vault
from warest.whatsapp import fixes, sealed_stores

log = logging.getLogger(__name__)

#: A predecessor on this host may still be closing its connection, s.
PREDECESSOR_PATIENCE = 6.0

_NOT_A_FILE = (
    "With WAREST_SESSION_STORE=postgres sessions are neither exported nor imported: every host that has this database "
    "can run them, and pg_dump copies their schemas, called warest_session_*."
)

#: Every schema of ours begins so; the ULID of the session and the number of its lease follow.
PREFIX = "warest_session_"


class KeyStores(Protocol):
    """The stores of all sessions. It is pickled on its way to a session process."""

    def claimed(self, session: str, lease: int) -> contextlib.AbstractContextManager[str]:
        """Hold the store of a session; gives the name that the engine opens it by.

        Raises LeaseLost when a newer lease has claimed it, DriverError when it is out of reach, SetupError when it
        cannot be read, and will not be before somebody does something about it.
        """

    def forget(self, session: str) -> None:
        """Delete the keys of a session that nobody runs. Safe to repeat."""

    def seal(self, session: str) -> None:
        """Encrypt the keys of a session that does not run, if they lie where that is needed. Safe to repeat.

        Nothing happens when somebody runs it. Raises DriverError, with the keys as they were.
        """

    def unseal(self, session: str) -> None:
        """Decrypt them again for a session that is about to run. `claimed` does that, too, but it costs its process
        9 MB. Nothing happens when somebody runs it; raises DriverError when they cannot be read."""

    def packed(self, session: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The keys of a session that does not run, as a file that the vault has encrypted for it.

        Raises Unsupported, NotFound, Conflict when somebody runs it.
        """

    def unpack(self, session: str, copy: Callable[[Path], None]) -> str:
        """Keys from such a file, which `copy` brings, for a session that has none; the JID of their device.

        Raises Unsupported, InvalidInput for what are no keys, Conflict when the session runs. Safe to repeat.
        """

    def reseal(self) -> tuple[int, int]:
        """Encrypt with the newest key what another one has encrypted; returns how many, and how many cannot be read."""


@dataclass(frozen=True)
class Files:
    """A SQLite file a session, each in a folder that only we can read, encrypted while the session does not run."""

    folder: Path
    vault: Vault = field(repr=False)

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
            try:
                sealed_stores.unseal(folder, self.vault)
            except DriverError as error:
                raise SetupError(f"The session's keys cannot be read. {error}") from error
            sealed_stores.close_to_others(folder)
            yield fixes.store_name(sealed_stores.plain(folder))

    def forget(self, session: str) -> None:
        shutil.rmtree(self.folder / session, ignore_errors=True)

    def seal(self, session: str) -> None:
        if sealed_stores.plain(self.folder / session).exists():
            with contextlib.suppress(Conflict), self._held(session) as folder:
                sealed_stores.seal(folder, self.vault)

    def unseal(self, session: str) -> None:
        if sealed_stores.sealed(self.folder / session).exists():
            with contextlib.suppress(Conflict), self._held(session) as folder:
                sealed_stores.unseal(folder, self.vault)

    @contextmanager
    def packed(self, session: str) -> Iterator[IO[bytes]]:
        if not (self.folder / session).exists():
            raise NotFound("The session has no keys.")
        with self._held(session) as folder:
            if not sealed_stores.seal(folder, self.vault):
                raise NotFound("The session has no keys.")
            with sealed_stores.sealed(folder).open("rb") as file:
                yield file

    def unpack(self, session: str, copy: Callable[[Path], None]) -> str:
        (self.folder / session).mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._held(session) as folder:
            kept, came = sealed_stores.sealed(folder), folder / "whatsapp.came"
            if sealed_stores.plain(folder).exists():
                raise Conflict("The session has keys.")
            if kept.exists():  # from the first run of this: it has been killed before it could say so
                return sealed_stores.check(folder, self.vault, kept)
            try:
                copy(came)
                device = sealed_stores.check(folder, self.vault, came)
                came.replace(kept)
            finally:
                came.unlink(missing_ok=True)
            return device

    def reseal(self) -> tuple[int, int]:
        count = locked = 0
        for folder in sorted(self.folder.glob("*/")):
            try:
                with contextlib.suppress(Conflict), self._held(folder.name):
                    count += sealed_stores.reseal(folder, self.vault)
            except DriverError as error:
                log.error("session %s: %s", folder.name, error)
                locked += 1
        return count, locked

    @contextmanager
    def _held(self, session: str) -> Iterator[Path]:
        """The folder of a session, while nobody can run it. Raises Conflict when somebody does."""
        folder = self.folder / session
        with (folder / "lock").open("a+") as handle:
            if not _try_lock(handle):
                raise Conflict("The session runs.")
            handle.truncate(0)  # nobody to be killed, should its process come while we are at it
            yield folder


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

    def seal(self, session: str) -> None:
        """Nothing: whoever runs the database encrypts it, or its disk."""

    def unseal(self, session: str) -> None:
        """Nothing, likewise."""

    def packed(self, session: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        raise Unsupported(_NOT_A_FILE)

    def unpack(self, session: str, copy: Callable[[Path], None]) -> str:
        raise Unsupported(_NOT_A_FILE)

    def reseal(self) -> tuple[int, int]:
        return 0, 0

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

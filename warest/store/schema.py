"""The database itself: its schema, and the transactions on it."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yoyo
from pony.orm import IntegrityError, OrmError, TransactionIntegrityError, db_session
from pony.orm.dbapiprovider import DBException
from yoyo.migrations import get_migration_hash

from warest.errors import Conflict, DriverError
from warest.store.mysql import Mysql
from warest.store.postgres import Postgres
from warest.store.sqlite import Sqlite

MIGRATIONS = Path(__file__).parent.parent / "migrations"

#: What the names of seeds begin with where yoyo keeps what has run: a migration may be called the same.
_SEED = "seed/"

Database = Sqlite | Postgres | Mysql


@contextmanager
def transaction() -> Iterator[None]:
    try:
        with db_session:
            yield
    except (TransactionIntegrityError, IntegrityError) as error:
        raise Conflict(f"It exists already: {error}") from error
    except (DBException, OrmError) as error:
        raise DriverError(f"The database said: {error}") from error


def migrate(database: Database) -> int:
    """Bring the schema up to date; returns how many migrations ran. Safe to run twice and at once."""
    with _answering(database):
        database.prepare()
        with _alone(database) as backend:
            pending = backend.to_apply(yoyo.read_migrations(str(MIGRATIONS)))
            backend.apply_migrations(pending)
            return len(pending)


def rollback(database: Database, *, everything: bool = False) -> int:
    """Undo the last migration, or all of them, with what is in their tables; returns how many."""
    with _answering(database):
        database.ping()
        with _alone(database) as backend:
            applied = list(backend.to_rollback(yoyo.read_migrations(str(MIGRATIONS))))
            undone = applied if everything else applied[:1]
            backend.rollback_migrations(undone)
            if everything:
                _forget_seeds(backend)
            return len(undone)


def seed(database: Database, folder: Path) -> list[str]:
    """Run the SQL files of a folder in the order of their names, each once for all time; returns which ran."""
    with _answering(database):
        database.ping()
        with _alone(database) as backend:
            seeds = yoyo.read_migrations(str(folder))
            for one in seeds:
                one.id = f"{_SEED}{one.id}"
                one.hash = get_migration_hash(one.id)
            pending = backend.to_apply(seeds)
            backend.apply_migrations(pending)
            return [one.id.removeprefix(_SEED) for one in pending]


def status(database: Database) -> list[tuple[str, bool]]:
    """Every migration, and whether it has run."""
    with _answering(database):
        database.ping()
        with _alone(database) as backend:
            known = yoyo.read_migrations(str(MIGRATIONS))
            pending = {migration.id for migration in backend.to_apply(known)}
            return [(migration.id, migration.id not in pending) for migration in known]


def ping(database: Database) -> float:
    """How long a new connection takes to answer, s."""
    begun = time.monotonic()
    with _answering(database):
        database.ping()
    return time.monotonic() - begun


def _forget_seeds(backend: Any) -> None:
    """What they put in has gone with the tables, so they may run again."""
    with backend.transaction():
        gone = {"seeds": f"{_SEED}%"}
        backend.execute(f"DELETE FROM {backend.migration_table} WHERE migration_id LIKE :seeds", gone)


@contextmanager
def _alone(database: Database) -> Iterator[Any]:
    """One migrator at a time. yoyo has a lock, but makes the table for it without one, and a kill leaves it locked."""
    with database.alone():
        backend = database.backend()
        with closing(backend.connection):
            backend.break_lock()
            yield backend


@contextmanager
def _answering(database: Database) -> Iterator[None]:
    """Raise DriverError, with the database's words, when it cannot be reached or does not do as told."""
    try:
        yield
    except (*database.errors, OSError) as error:
        raise DriverError(f"{database}: {error}") from error

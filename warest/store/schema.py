"""The database itself: its schema, and the transactions on it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yoyo
from pony.orm import OrmError, TransactionIntegrityError, db_session
from pony.orm.dbapiprovider import DBException

from warest.errors import Conflict, DriverError

MIGRATIONS = Path(__file__).parent.parent / "migrations"


@contextmanager
def transaction() -> Iterator[None]:
    try:
        with db_session:
            yield
    except TransactionIntegrityError as error:
        raise Conflict(f"It exists already: {error}") from error
    except (DBException, OrmError) as error:
        raise DriverError(f"The database said: {error}") from error


def migrate_sqlite(path: Path) -> int:
    """Bring the schema up to date; returns how many migrations ran. Safe to run twice and at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        backend = yoyo.get_backend(f"sqlite:///{path.resolve()}")
        try:
            pending = backend.to_apply(yoyo.read_migrations(str(MIGRATIONS)))
            backend.apply_migrations(pending)
            return len(pending)
        finally:
            backend.connection.close()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time. yoyo has a lock, but makes the table for it without one."""
    with path.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

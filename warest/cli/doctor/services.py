"""Checks of the database, and of the secrets that the settings give."""

from warest import store
from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.config import house, secrets
from warest.config.settings import Settings


def no_samples(settings: Settings) -> Finding:
    """A value that stands in somebody's documents protects nothing."""
    if known := secrets.samples_in(settings):
        status = FAIL if secrets.is_exposed(settings) else WARN
        remedy = "Change them, or unset them to have them generated."
        return Finding(status, f"everybody knows the value of {', '.join(known)}", remedy)
    return Finding(OK, "none has a value that everybody knows")


def database_answers(settings: Settings) -> Finding:
    database = house.database(settings)
    if isinstance(database, store.Sqlite) and not database.path.exists():
        return Finding(WARN, f"{database} is not there yet", "`warest up` or `warest db migrate` makes it.")
    seconds = store.ping(database)
    return Finding(OK, f"{database} answered in {seconds * 1000:.0f} ms")


def is_migrated(settings: Settings) -> Finding:
    pending = [name for name, is_applied in store.status(house.database(settings)) if not is_applied]
    if pending:
        return Finding(FAIL, f"pending: {', '.join(pending)}", "Run `warest db migrate`.")
    return Finding(OK, "none is pending")

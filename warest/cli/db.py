"""`warest db`: the database."""

import click

from warest import accounts, store
from warest.config import secrets, settings


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def migrate() -> None:
    """Bring the schema up to date and make the first admin. Safe to run at every deploy."""
    click.echo(f"{prepare(settings.from_env())} migrations ran.")


def prepare(current: settings.Settings) -> int:
    """Migrate and seed; returns how many migrations ran."""
    count = store.migrate_sqlite(current.sqlite_path)
    kept = secrets.load(current)
    opened = store.open_sqlite(current.sqlite_path)
    accounts.seed_admin(opened, current.admin_username, kept.admin_password, kept.admin_apikey)
    return count

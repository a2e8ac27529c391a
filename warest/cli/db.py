"""`warest db`: the database."""

import click

from warest import accounts, store
from warest.config import house, secrets, settings


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def migrate() -> None:
    """Bring the schema up to date and make the first admin. Safe to run at every deploy."""
    click.echo(f"{prepare(settings.from_env())} migrations ran.")


@db.command()
@click.option("--all", "everything", is_flag=True, help="Undo every migration, not only the last.")
def rollback(everything: bool) -> None:
    """Undo the last migration. What its tables hold is lost."""
    count = store.rollback(house.database(settings.from_env()), everything=everything)
    click.echo(f"{count} migrations undone.")


@db.command()
def status() -> None:
    """List the migrations, and which of them have run."""
    for name, is_applied in store.status(house.database(settings.from_env())):
        click.echo(f"{'applied' if is_applied else 'pending'}  {name}")


@db.command()
def ping() -> None:
    """Say whether the database answers."""
    database = house.database(settings.from_env())
    click.echo(f"{database} answered in {store.ping(database) * 1000:.0f} ms.")


def prepare(current: settings.Settings) -> int:
    """Migrate and seed; returns how many migrations ran."""
    count = store.migrate(house.database(current))
    kept = secrets.load(current)
    accounts.seed_admin(house.open_store(current), current.admin_username, kept.admin_password, kept.admin_apikey)
    return count

"""`warest db`: the database."""

import os
import re
from pathlib import Path

import click

from warest import accounts, store
from warest.config import house, secrets, settings

#: Where seeds are, in the working folder.
SEEDS = Path("seeds")

_FOLDER = click.Path(file_okay=False, path_type=Path)


def _plain(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise click.BadParameter("small letters, digits, `-` and `_` only")
    return name


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def migrate() -> None:
    """Bring the schema up to date, make the first admin, encrypt what is not. Safe to run at every deploy."""
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


@db.command()
@click.option("--folder", type=_FOLDER, default=SEEDS, show_default=True, help="Where the SQL files are.")
def seed(folder: Path) -> None:
    """Run the SQL files of a folder in the order of their names, each only once. None come with WAREST."""
    if not folder.is_dir():
        raise click.ClickException(f"There is no folder {folder}: `warest db make-seed NAME` makes one.")
    ran = store.seed(house.database(settings.from_env()), folder)
    for name in ran:
        click.echo(f"ran  {name}")
    click.echo(f"{len(ran)} seeds ran.")


@db.command()
@click.argument("name", callback=_plain)
@click.option("--folder", type=_FOLDER, default=SEEDS, show_default=True, help="Where to put it.")
def make_seed(name: str, folder: Path) -> None:
    """Begin an SQL file for `warest db seed`."""
    folder.mkdir(parents=True, exist_ok=True)
    _begin(folder / f"{_next_number(folder)}.{name}.sql", "-- Runs once, in one transaction: INSERT INTO ...;\n")


@db.command()
@click.argument("name", callback=_plain)
def make_migration(name: str) -> None:
    """Begin a migration and the way back from it. For developers, in a checkout of WAREST."""
    folder = store.MIGRATIONS
    if not (folder.parent.parent / "pyproject.toml").exists() or not os.access(folder, os.W_OK):
        raise click.ClickException(f"WAREST is installed in {folder.parent}: migrations are made in a checkout.")
    number, last = _next_number(folder), max(path.stem for path in _numbered(folder) if "rollback" not in path.stem)
    header = "-- What for. Types are those that SQLite, PostgreSQL and MySQL/MariaDB all know; times are epoch seconds."
    _begin(folder / f"{number}.{name}.sql", f"{header}\n-- depends: {last}\n\n")
    _begin(folder / f"{number}.{name}.rollback.sql", "")


def _next_number(folder: Path) -> str:
    return f"{max((int(path.name[:4]) for path in _numbered(folder)), default=0) + 1:04}"


def _numbered(folder: Path) -> list[Path]:
    """The files of migrations or seeds, in SQL or Python."""
    return [path for path in folder.iterdir() if re.fullmatch(r"[0-9]{4}\..+\.(sql|py)", path.name)]


def _begin(path: Path, text: str) -> None:
    path.write_text(text)
    click.echo(path)


def prepare(current: settings.Settings) -> int:
    """Migrate, seed, and encrypt what is not; returns how many migrations ran."""
    count = store.migrate(house.database(current))
    kept, opened = secrets.load(current), house.open_store(current)
    accounts.seed_admin(opened, current.admin_username, kept.admin_password, kept.admin_apikey)
    opened.endpoints.reseal()
    return count

"""`warest db`: the database."""

import os
import re
import sys
from collections import Counter
from pathlib import Path

import click

from warest import accounts, store
from warest.cli import tables
from warest.config import house, secrets, settings
from warest.original_import import Import, Report

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


@db.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing: say what would come, and what would not.")
def import_original(file: Path, dry_run: bool) -> None:
    """Take over users, sessions, webhooks, chats, contacts and messages from the original's SQLite file.

    The file is only read. What is here already stays; it can be stopped and run again. docs/moving.md says more.
    """
    current = settings.from_env()
    if current.db_client == "sqlite" and current.sqlite_path.exists() and current.sqlite_path.samefile(file):
        raise click.ClickException(
            f"{file} is where this installation has its own database: move the original's file away, or set "
            "WAREST_DATA_DIR to a new folder."
        )
    prepare(current)
    _show(Import(house.open_store(current), file, dry=dry_run, progress=_progress).run(), is_dry=dry_run)


def _progress(table: str, done: int, total: int) -> None:
    """One line a table on a terminal, else one at its end."""
    is_terminal, is_last = sys.stderr.isatty(), done == total
    if is_terminal or is_last:
        click.echo(f"{chr(13) if is_terminal else ''}{table}: {done} of {total}", err=True, nl=is_last)


def _show(report: Report, *, is_dry: bool) -> None:
    names = dict.fromkeys([*report.new, *report.known, *(table for table, _ in report.skipped)])
    skipped: Counter[str] = Counter()
    for (table, _), count in report.skipped.items():
        skipped[table] += count
    found = [(name, str(report.new[name]), str(report.known[name]), str(skipped[name])) for name in names]
    tables.show([("TABLE", "WOULD COME" if is_dry else "CAME", "WAS HERE", "LEFT OUT"), *found])
    for (table, reason), count in sorted(report.skipped.items()):
        click.echo(f"left out: {count} of {table}: {reason}")
    for note in dict.fromkeys(report.notes):
        click.echo(note)
    if report.new["sessions"] or report.known["sessions"]:
        click.echo("Each session asks for one new scan: `warest session create NAME`. Files are not copied.")


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
    opened.reseal()
    return count

"""`warest user`: who may use the server, in its database. For whoever runs it: no key is asked for."""

import sys

import click

from warest import accounts
from warest.cli import embedded_redis, tables
from warest.config import house, settings
from warest.config.kinds import header_text
from warest.errors import InvalidInput, NotFound
from warest.logins import UiSessions
from warest.store import Store, UserRecord

#: Users that are read together.
_PAGE = 100

#: Who the audit trail says it was.
BY_COMMAND = "command line"


def open_store() -> Store:
    return house.open_store(settings.from_env())


def of_name(store: Store, name: str) -> UserRecord:
    found = store.users.named(name)
    if found is None:
        raise NotFound(f"There is no user {name}: `warest user list` shows those that there are.")
    return found


@click.group()
def user() -> None:
    """Look after the users, in the database."""


@user.command("list")
def show() -> None:
    """List the users, how many sessions each has, and who is switched off."""
    store, rows = open_store(), [("NAME", "ROLE", "REGISTRY", "SESSIONS", "")]
    while page := store.users.page(limit=_PAGE, offset=len(rows) - 1).rows:
        rows += [
            (each.username, _role(each), each.registry, str(each.sessions), "" if each.is_active else "switched off")
            for each in page
        ]
    tables.show(rows)


@user.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password; without this one is made and shown.")
def add(name: str, admin: bool, password_stdin: bool) -> None:
    """Make a user NAME. `warest key add` makes keys for him."""
    store, password = open_store(), _password(password_stdin)
    made = accounts.add_user(store, _valid(name), password, is_admin=admin)
    store.audit.append(None, "user add", key_name=BY_COMMAND, target=made.registry)
    click.echo(f"{made.username} is made, registry {made.registry}.")
    if not password_stdin:
        click.echo(f"Password, shown this once: {password}")


@user.command()
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--admin/--no-admin", default=None, help="Whether he is an admin.")
@click.option("--on/--off", "active", default=None, help="Whether his keys and his password count.")
@click.option("--password", "new_password", is_flag=True, help="Make a new password, and show it.")
@click.option("--password-stdin", is_flag=True, help="Read a new password.")
def change(
    name: str, rename: str | None, admin: bool | None, active: bool | None, new_password: bool, password_stdin: bool
) -> None:
    """Change what is said of a user; a new password and --off end his logins on pages."""
    store = open_store()
    before = of_name(store, name)
    if before.registry == accounts.SEEDED:
        raise click.ClickException("The first admin comes from the settings: change it there.")
    password = _password(password_stdin) if new_password or password_stdin else None
    changed = store.users.change(
        before.registry,
        username=_valid(rename) if rename else None,
        password_hash=accounts.hashed(password) if password else None,
        is_admin=admin,
        is_active=active,
    )
    if password or active is False:
        _end_logins(before.registry)
    store.audit.append(None, "user change", key_name=BY_COMMAND, target=before.registry)
    click.echo(f"{changed.username} is changed.")
    if new_password and not password_stdin:
        click.echo(f"Password, shown this once: {password}")


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete a user who has no sessions any more, with his keys, endpoints and events."""
    store = open_store()
    gone = of_name(store, name)
    if gone.registry == accounts.SEEDED:
        raise click.ClickException("The first admin comes from the settings, and would be there again.")
    store.users.remove(gone.registry)
    store.audit.append(None, "user remove", key_name=BY_COMMAND, target=gone.registry)
    click.echo(f"{name} is deleted.")


def _password(is_given: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if is_given else accounts.new_password()


def _valid(name: str) -> str:
    try:
        return header_text(name)
    except ValueError as error:
        raise InvalidInput(f"A name goes out in a header: {error}") from None


def _end_logins(registry: str) -> None:
    current = settings.from_env()
    redis_url = embedded_redis.url_of(current)
    UiSessions(house.connect(current.model_copy(update={"redis_url": redis_url})).redis).end_all(registry)


def _role(user: UserRecord) -> str:
    return "admin" if user.is_admin else "user"

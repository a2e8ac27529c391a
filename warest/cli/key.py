"""`warest key`: the API keys of users, in the database. For whoever runs the server."""

import ipaddress
import time
from datetime import UTC, datetime

import click

from warest import accounts, scopes
from warest.cli import tables
from warest.cli.user import BY_COMMAND, of_name, open_store
from warest.errors import Conflict, InvalidInput, NotFound
from warest.scopes import Scope
from warest.store import ApiKeyRecord

_SCOPE = click.Choice([scope.value for scope in Scope])


@click.group()
def key() -> None:
    """Look after the API keys of a user, in the database."""


@key.command("list")
@click.argument("user")
def show(user: str) -> None:
    """List the keys of USER: what each may, until when, and when it was used last."""
    store = open_store()
    rows = [_row(each) for each in store.api_keys.of(of_name(store, user).registry)]
    tables.show([("ID", "NAME", "ENDS WITH", "SCOPES", "SESSIONS", "UNTIL", "LAST USED"), *rows])


@key.command()
@click.argument("user")
@click.argument("name")
@click.option(
    "--scope",
    "wanted",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may; all by default.",
)
@click.option("--session", "sessions", multiple=True, metavar="ID", help="A session that it is for; all by default.")
@click.option("--address", "addresses", multiple=True, metavar="NET", help="Where it counts; everywhere by default.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="How long it is valid; for ever by default.")
def add(
    user: str,
    name: str,
    wanted: tuple[str, ...],
    sessions: tuple[str, ...],
    addresses: tuple[str, ...],
    days: float | None,
) -> None:
    """Make a key for USER and show it. NAME says what it is for."""
    store = open_store()
    owner = of_name(store, user).account
    records = [store.session_of(owner, each) for each in sessions]
    if missing := [name for name, record in zip(sessions, records, strict=True) if record is None]:
        raise NotFound(f"{user} has no session {missing[0]}.")
    text = accounts.new_key(owner)
    made = store.api_keys.make(
        owner.registry,
        text,
        name=name,
        scopes=frozenset(map(Scope, wanted)) or (scopes.ALL - {Scope.ADMIN} if sessions else scopes.ALL),
        sessions=[record.ulid for record in records if record] or None,
        addresses=[_network(each) for each in addresses],
        expires_at=None if days is None else time.time() + days * 86_400,
    )
    store.audit.append(None, "key add", key_name=BY_COMMAND, target=f"{owner.registry} {made.id}")
    click.echo(text)


@key.command()
@click.argument("user")
@click.argument("id")
def revoke(user: str, id: str) -> None:
    """End the key of USER that has this ID in the list."""
    store = open_store()
    owner = of_name(store, user).account
    try:
        gone = accounts.revoke_key(store, owner, id)
    except Conflict as error:
        raise click.ClickException(error.message) from None
    if gone is None:
        raise NotFound(f"{user} has no key {id}.")
    store.audit.append(None, "key revoke", key_name=BY_COMMAND, target=f"{owner.registry} {id}")
    click.echo(f"{gone.name} is revoked.")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InvalidInput(f"{text} is neither an address nor a network.") from None


def _row(key: ApiKeyRecord) -> tuple[str, ...]:
    only = key.owner.only
    return (
        key.id,
        key.name,
        key.hint or "-",
        scopes.dumped(key.scopes),
        "all" if only is None else str(len(only)),
        _date(key.expires_at) or "for ever",
        _date(key.last_used_at) or "-",
    )


def _date(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes") if at else ""

"""`warest session`: link accounts and look after them, over the API of a running server."""

import dataclasses
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from warest.cli import tables
from warest.cli.linking import Linking, Offer
from warest.cli.remote import with_client
from warest.client import Client
from warest.config import settings
from warest.pictures import qr_blocks


@click.group()
def session() -> None:
    """Look after the sessions of a running server, over its API."""


@session.command()
@click.argument("name")
@click.option("--pair", metavar="PHONE", help="Show a code to type on that phone, instead of a QR.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), metavar="S", default=180, show_default=True, help="Longest wait, s."
)
@with_client
def create(client: Client, name: str, pair: str | None, timeout: float) -> None:
    """Link an account: show a QR until a phone has scanned it. A session that is there is started again."""

    def ask() -> Offer | None:
        return _code_of(client, name, pair) if pair else _qr_of(client, name)

    device = Linking(client, name, ask).run(timeout)
    click.echo(f"{name} is {device.state}: {_account(device.phone, device.name)}")


@session.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_client
def show_all(client: Client, as_json: bool) -> None:
    """List the sessions, how each is and what to do about it."""
    found = client.sessions.all()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
        return
    rows = [(each.id, each.state, each.status, _account(each.phone, each.name), each.advice) for each in found]
    tables.show([("ID", "STATE", "STATUS", "ACCOUNT", "ADVICE"), *rows])


@session.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_client
def show(client: Client, name: str, as_json: bool) -> None:
    """Show how a session is, and the account behind it."""
    device = client.sessions.device(name)
    if as_json:
        click.echo(json.dumps({"id": name} | dataclasses.asdict(device), indent=2))
        return
    until = datetime.fromtimestamp(device.until, UTC).isoformat(timespec="seconds") if device.until else "-"
    tables.show(
        [
            ("id", name),
            ("state", device.state),
            ("reason", device.reason),
            ("advice", device.advice),
            ("until", until),
            ("account", _account(device.phone, device.name)),
            ("pn", device.pn or "-"),
            ("lid", device.lid or "-"),
        ]
    )


@session.command()
@click.argument("name")
@with_client
def logout(client: Client, name: str) -> None:
    """Unlink a session and stop it. It stays in the list."""
    client.sessions.logout(name)
    click.echo(f"{name} is logged out.")


@session.command()
@click.argument("name")
@with_client
def reconnect(client: Client, name: str) -> None:
    """Connect a session anew."""
    client.sessions.reconnect(name)
    click.echo(f"{name} connects anew.")


@session.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@with_client
def delete(client: Client, name: str, yes: bool) -> None:
    """Unlink a session and forget everything about it."""
    if not yes:
        click.confirm(f"Unlink {name} and forget everything about it?", abort=True, err=True)
    client.sessions.delete(name)
    click.echo(f"{name} is deleted.")


@session.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--stop", is_flag=True, help="Stop the session, if it runs: it can run in one place only.")
@with_client
def export(client: Client, name: str, file: Path, stop: bool) -> None:
    """Write a session into a file that a passphrase encrypts, to go on elsewhere without a new scan.

    The passphrase is WAREST_SESSION_PASSPHRASE, or is asked for.
    """
    if file.exists():
        raise click.ClickException(f"{file} exists.")
    content = client.sessions.export(name, _passphrase(confirms=True), stop=stop)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    click.echo(f"{name} is in {file}, and stopped here. Do not start it here again once it runs elsewhere.")


@session.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="Another name than it had.")
@with_client
def import_(client: Client, file: Path, name: str) -> None:
    """Have an exported session go on here. The passphrase is as for `export`."""
    with file.open("rb") as content:
        taken = client.sessions.import_file(content, _passphrase(confirms=False), name)
    click.echo(f"{taken} starts.")


def _passphrase(*, confirms: bool) -> str:
    """Of the settings, or typed without an echo."""
    given = settings.from_env().session_passphrase
    return given or str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirms, err=True))


def _not_an_argument(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value not in (None, "-"):
        raise click.BadParameter("others could read it there: give `-`, and type or pipe the secret.")
    return value


@session.command()
@click.argument("name")
@click.option("--webhook", metavar="URL", help="Where the session's events go; '' for nowhere.")
@click.option(
    "--secret", metavar="-", callback=_not_an_argument, help="Sign them with a secret: `-` is typed, or from stdin."
)
@with_client
def config(client: Client, name: str, webhook: str | None, secret: str | None) -> None:
    """Say where a session's events go. Without a secret of yours, one is made."""
    if webhook is None and secret is None:
        raise click.UsageError("Say --webhook, --secret or both.")
    given = _typed_secret() if secret else None
    kept = client.sessions.configure(name, webhook_url=webhook, webhook_secret=given)
    click.echo(f"Events of {name} go to {kept.url or 'nowhere'}.")
    if kept.url and not given:
        is_shown = sys.stdout.isatty()  # decision 4: on a terminal only
        click.echo(f"They are signed with {kept.secret if is_shown else 'a secret that only a terminal is shown'}.")


def _typed_secret() -> str:
    """From a pipe, or typed without an echo."""
    if sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True, err=True))
    if secret := sys.stdin.readline().strip():
        return secret
    raise click.UsageError("There is no secret on stdin.")


def _qr_of(client: Client, name: str) -> Offer | None:
    created = client.sessions.create(name)
    if not created.qr:
        return None
    return Offer(qr_blocks(created.qr), "Scan it with WhatsApp: Linked devices.", created.qr_seconds)


def _code_of(client: Client, name: str, phone: str) -> Offer | None:
    code = client.sessions.pair_code(name, phone).code
    hint = "Type it on the phone: WhatsApp, Linked devices, Link with phone number."
    return Offer(f"{code}\n", hint) if code else None


def _account(phone: str | None, name: str | None) -> str:
    return tables.plain(f"{phone} ({name})" if phone and name else phone or "-")

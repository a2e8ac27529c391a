"""`warest secrets`: the keys of what is kept encrypted: webhook secrets, proxies, the keys of stopped sessions."""

import click

from warest.config import house, settings
from warest.config import secrets as kept


@click.group()
def secrets() -> None:
    """Look after the encryption of webhook secrets and of stopped sessions."""


@secrets.command()
def seal() -> None:
    """Encrypt with the newest key whatever is not. Safe to run, and to stop, at any time."""
    _seal(settings.from_env())


@secrets.command()
def rotate() -> None:
    """Make a new key, and encrypt everything with it. The old ones stay, for backups."""
    current = settings.from_env()
    kept.rotate(current)
    _seal(current)


def _seal(current: settings.Settings) -> None:
    """Raises ClickException when something cannot be read; the rest is done then."""
    found, lost = house.open_store(current).reseal()
    stores, locked = house.key_stores_of(current).reseal()
    click.echo(f"The newest key is {house.vault_of(current).key_id}.")
    click.echo(
        f"Encrypted with it: {found} webhook endpoints and proxies, {stores} stopped sessions; others were already."
    )
    if lost or locked:
        raise click.ClickException(
            f"{lost} endpoints or proxies and {locked} sessions cannot be read: their key is neither in "
            f"WAREST_SECRETS_KEY nor in {kept.path(current)}. Put it there and run `warest secrets seal` again, or "
            "rotate the secrets of these endpoints, give these proxies again and link these sessions anew."
        )

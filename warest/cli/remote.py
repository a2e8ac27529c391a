"""Which server a command speaks to, and with whose key."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from warest.client import Client, is_local
from warest.config import secrets, settings
from warest.errors import SetupError

P = ParamSpec("P")

PORT = click.IntRange(1, 65535)

PATH = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--url", metavar="URL", help="Address of the server, if it is another one.  [WAREST_BASE_URL]"),
    click.option("--port", type=PORT, metavar="N", help="Port of the server on this machine.  [PORT]"),
    click.option("--data", type=PATH, metavar="DIR", help="Folder that has the key.  [WAREST_DATA_DIR]"),
    click.option("--key-file", type=PATH, metavar="FILE", help="File that has the key.  [WAREST_API_KEY]"),
)


def with_client(command: Callable[Concatenate[Client, P], None]) -> Callable[..., None]:
    """Options that say which server and whose key; the command gets a Client as its first argument."""

    @functools.wraps(command)
    def connected(
        *args: Any, url: str | None, port: int | None, data: Path | None, key_file: Path | None, **kwargs: Any
    ) -> None:
        if url and port:
            raise click.UsageError("--url has a port of its own: give it or --port.")
        current = local(port, data)
        with Client(url or current.origin, _key(current, url, key_file)) as client:
            command(client, *args, **kwargs)

    for option in reversed(_OPTIONS):
        connected = option(connected)
    return connected


def local(port: int | None, data: Path | None) -> settings.Settings:
    """The settings, as `warest up` has them with these options."""
    current = settings.from_env()
    given = {"port": port, "base_url": "" if port else None, "data_dir": data}
    return current.model_copy(update={name: value for name, value in given.items() if value is not None})


def _key(current: settings.Settings, url: str | None, key_file: Path | None) -> str:
    """The first admin's key is for the server of the settings, and goes to no other machine."""
    if key_file:
        return _content(key_file)
    if current.api_key:
        return current.api_key
    if url and url.rstrip("/") != current.origin and not is_local(url):
        raise SetupError(f"Which key is for {url}? Give it by WAREST_API_KEY or --key-file.")
    return secrets.find_admin_key(current)


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The key in {file} cannot be read: {error}") from error

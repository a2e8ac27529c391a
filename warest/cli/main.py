"""The `warest` command."""

import importlib
import sys

import click

from warest.errors import WarestError

#: Command -> its module, in the order in which they are shown.
_MODULES = {
    "up": "up",
    "doctor": "doctor",
    "session": "session",
    "send": "send",
    "web": "web",
    "sessions": "processes",
    "worker": "processes",
    "sandbox": "sandbox",
    "db": "db",
    "secrets": "vault",
    "user": "user",
    "key": "key",
    "queues": "queues",
}


class _Lazy(click.Group):
    """Imports a command when somebody wants it: no process pays for what only another one needs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _MODULES:
            return None
        command: click.Command = getattr(importlib.import_module(f"warest.cli.{_MODULES[name]}"), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="warest")
def cli() -> None:
    """A self-hosted WhatsApp REST gateway.

    `warest up` runs everything from one terminal, `warest session` and `warest send` speak to it. `web`, `sessions`,
    `worker` and `sandbox` are the processes of a larger installation. All read their settings from the environment and
    from .env.
    """


def main() -> None:
    """Entry point: an error of ours is a sentence for people, not a traceback."""
    try:
        cli()
    except WarestError as error:
        click.echo(f"warest: {error}", err=True)
        sys.exit(1)

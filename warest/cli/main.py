"""The `warest` command."""

import sys

import click

from warest.cli import db, doctor, processes, queues, send, session, up
from warest.errors import WarestError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="warest")
def cli() -> None:
    """A self-hosted WhatsApp REST gateway.

    `warest up` runs everything from one terminal, `warest session` and `warest send` speak to it. `web`, `sessions`,
    `worker` and `sandbox` are the processes of a larger installation. All read their settings from the environment and
    from .env.
    """


cli.add_command(up.up)
cli.add_command(doctor.doctor)
cli.add_command(session.session)
cli.add_command(send.send)
cli.add_command(processes.web)
cli.add_command(processes.sessions)
cli.add_command(processes.worker)
cli.add_command(processes.sandbox)
cli.add_command(db.db)
cli.add_command(queues.queues)


def main() -> None:
    """Entry point: an error of ours is a sentence for people, not a traceback."""
    try:
        cli()
    except WarestError as error:
        click.echo(f"warest: {error}", err=True)
        sys.exit(1)

"""The process of a WhatsApp network of our own."""

from pathlib import Path

import click

from warest.config import logs, settings
from warest.sandbox import server


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the network's state.")
@click.option("--port", default=7309, show_default=True, help="Port of the control API and of the sessions' proxy.")
def sandbox(data: Path | None, port: int) -> None:
    """Run a WhatsApp network on this machine, to try and to test without a phone."""
    current = settings.from_env()
    logs.configure(current, "sandbox")
    server.run(data or current.data_dir / "sandbox", "127.0.0.1", port)

"""The process that answers HTTP."""

import os
import sys

import click

from warest.config import folders, house, settings


@click.command()
def web() -> None:
    """Serve the HTTP API (gunicorn)."""
    current = settings.from_env()  # what is wrong with them is better said here than by gunicorn
    folders.join(current, house.connect(current).redis, "web").leave()
    arguments = ["gunicorn", "-c", "python:warest.config.gunicorn_conf", "warest.http.app:from_env()"]
    os.execv(sys.executable, [sys.executable, "-m", *arguments])

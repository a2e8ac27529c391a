"""`warest send`: messages from the command line, over the API of a running server."""

import sys

import click

from warest.cli import tables
from warest.cli.remote import with_client
from warest.client import Client


@click.group()
def send() -> None:
    """Send a message with a session of a running server, over its API."""


@send.command("text")
@click.argument("session")
@click.argument("to")
@click.argument("text")
@with_client
def text_to(client: Client, session: str, to: str, text: str) -> None:
    """Send TEXT to a number, or to several with commas between them; `-` sends what comes from stdin."""
    said = sys.stdin.read().removesuffix("\n") if text == "-" else text
    tables.show((sent.to, sent.message_id) for sent in client.messages.send_text(session, to, said))

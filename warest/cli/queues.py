"""`warest queues`: what waits, what has died, and giving that another chance."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from dramatiq.errors import DecodeError

from warest.broker import DeadLetter, StreamsBroker
from warest.cli import embedded_redis
from warest.config import house, settings

_PAGE = 100


@click.group()
def queues() -> None:
    """Look after the queues of Dramatiq messages."""


@queues.command("list")
def show() -> None:
    """List every queue: how many messages are not done yet, and how many have died."""
    for name, (waiting, dead) in _broker().depths().items():
        click.echo(f"{waiting:>8} waiting {dead:>8} dead  {name}")


@queues.command("dead")
@click.argument("queue")
@click.option("--count", default=20, show_default=True, help="At most so many, the newest first.")
def list_dead(queue: str, count: int) -> None:
    """Show the dead letters of QUEUE: id, time, actor, and why no retry will deliver it."""
    for letter in _broker().dead_letters(queue, count=count):
        died_at = datetime.fromtimestamp(letter.died_at / 1000, UTC).isoformat(timespec="seconds")
        lines = letter.reason.strip().splitlines()
        click.echo(f"{letter.id}  {died_at}  {_actor(letter)}  {lines[-1] if lines else ''}")


@queues.command()
@click.argument("queue")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that there are now.")
def redrive(queue: str, ids: tuple[str, ...], everything: bool) -> None:
    """Put dead letters of QUEUE back to its end, by their IDS or --all."""
    if bool(ids) == everything:
        raise click.UsageError("Name the dead letters by their ids, or say --all.")
    broker, done, wanted = _broker(), 0, set(ids)
    for letter in list(_letters(broker, queue)):
        if everything or letter.id in wanted:
            done += _redriven(broker, letter)
            wanted.discard(letter.id)
    for missing in sorted(wanted):
        click.echo(f"{missing}: no such dead letter", err=True)
    click.echo(f"{done} put back.")


def _redriven(broker: StreamsBroker, letter: DeadLetter) -> bool:
    try:
        return broker.redrive(letter)
    except DecodeError:
        click.echo(f"{letter.id}: not a Dramatiq message, stays where it is", err=True)
        return False


def _letters(broker: StreamsBroker, queue: str) -> Iterator[DeadLetter]:
    before = None
    while page := broker.dead_letters(queue, count=_PAGE, before=before):
        yield from page
        before = page[-1].id


def _actor(letter: DeadLetter) -> str:
    try:
        return str(json.loads(letter.message)["actor_name"])
    except (ValueError, KeyError, TypeError):
        return "?"


def _broker() -> StreamsBroker:
    current = settings.from_env()
    return house.connect(current.model_copy(update={"redis_url": embedded_redis.url_of(current)})).broker

"""`warest doctor`: everything that an installation needs is looked at, and what is amiss comes with its remedy.

A chain of checks ends with its first one when that is not fine: what Redis says, say, can only be asked of a Redis
that answers. Nothing is made or changed, but for a file that is written and deleted at once.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from warest.cli.doctor import folders, machine, network, redis_server, services
from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.cli.remote import PATH, PORT, local
from warest.config.settings import Settings

_COLOURS = {OK: "green", WARN: "yellow", FAIL: "red"}

Checks = tuple[tuple[str, Callable[[Settings], Finding]], ...]

#: These need no settings.
_MACHINE: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("python", machine.python),
    ("platform", machine.platform_),
    ("engine", machine.engine),
    ("libmagic", machine.libmagic),
    ("variables", machine.variables),
)

_CHAINS: tuple[Checks, ...] = (
    (("ffmpeg", machine.ffmpeg),),
    (("secrets", services.no_samples),),
    (
        ("data folder", folders.is_writable),
        ("private files", folders.are_private),
        ("disk space", folders.has_space),
        ("storage", folders.storage_works),
    ),
    (
        ("redis", redis_server.answers),
        ("redis persistence", redis_server.persists),
        ("redis memory", redis_server.evicts_nothing),
        ("clock", redis_server.agrees_on_time),
    ),
    (("database", services.database_answers), ("migrations", services.is_migrated)),
    (("port", network.port),),
    (("whatsapp", network.whatsapp),),
    (("proxies", network.proxies),),
)


@dataclasses.dataclass(frozen=True)
class Checked:
    """A finding under the name of its check, as `--json` shows it."""

    name: str
    status: str
    said: str
    remedy: str


@click.command()
@click.option("--port", type=PORT, metavar="N", help="Port to listen on.  [PORT]")
@click.option("--data", type=PATH, metavar="DIR", help="Folder of everything kept.  [WAREST_DATA_DIR]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(port: int | None, data: Path | None, as_json: bool) -> None:
    """Look at everything that WAREST needs, and say how to mend what is amiss. Fails if something has to be mended."""
    found = list(examine(port, data))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
    else:
        width = max(len(each.name) for each in found)
        for each in found:
            remedy = f"  → {each.remedy}" if each.remedy else ""
            status = click.style(f"{each.status:<4}", fg=_COLOURS[each.status])
            click.echo(f"{status}  {each.name:<{width}}  {each.said}{remedy}")
    sys.exit(1 if any(each.status == FAIL for each in found) else 0)


def examine(port: int | None = None, data: Path | None = None) -> Iterator[Checked]:
    """All findings, in the order of the checks."""
    for name, look in _MACHINE:
        yield _checked(name, look)
    settings: list[Settings] = []

    def settings_are_right() -> Finding:
        settings.append(local(port, data))
        return Finding(OK, f"from the environment and {Path('.env').absolute()}")

    yield _checked("settings", settings_are_right, remedy="Mend them; what needs them has not been looked at.")
    for chain in _CHAINS if settings else ():
        yield from _along(chain, settings[0])


def _along(chain: Checks, settings: Settings) -> Iterator[Checked]:
    (first, look), *others = chain
    yield (found := _checked(first, lambda: look(settings)))
    if found.status == OK:
        for name, check in others:
            yield _checked(name, lambda check=check: check(settings))  # type: ignore[misc]


def _checked(name: str, look: Callable[[], Finding], remedy: str = "") -> Checked:
    """A check that raises has failed; its error says why."""
    try:
        found = look()
    except Exception as error:
        found = Finding(FAIL, str(error) or type(error).__name__, remedy)
    said = "; ".join(found.said.split("\n")).replace(":; ", ":")  # each check is one line
    return Checked(name, found.status, said, found.remedy)

"""The commands as a document, written from the code: `python -m warest.cli.reference` mends docs/cli.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from warest.cli.main import cli

_ROOT = Path(__file__).resolve().parent.parent.parent

_INTRODUCTION = """# The command line

`warest COMMAND --help` says the same. Settings come from the environment and from `.env`
([configuration.md](configuration.md)); where an option names a variable in brackets, it wins over that variable. Exit
status: 0 is done, 1 went wrong, 2 was not understood. Colours, and pictures that change in place, are for terminals; a
pipe gets plain lines. Written by `python -m warest.cli.reference`.

`warest session` and `warest send` speak to a running server over its HTTP API. Without options that is the one of the
settings, with the first admin's key from its data folder. Elsewhere give `--url`, and the key by `WAREST_API_KEY` or
`--key-file`: the admin's key of this installation goes to no other machine. Nothing is sent twice by itself.

`warest queues` and `warest doctor` look at Redis, the database and the data folder themselves: run them where the
server runs, in the same folder or with `WAREST_DATA_DIR`.
"""

_TABLE = "\n| option | does |\n|---|---|\n"


def markdown() -> str:
    """docs/cli.md."""
    return _INTRODUCTION + "".join(_chapter(path, command) for path, command in _commands("warest", cli))


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            child = command.get_command(context, name)
            assert child
            yield from _commands(f"{path} {name}", child)
    else:
        yield path, command


def _chapter(path: str, command: click.Command) -> str:
    arguments = [_metavar(each) for each in command.params if isinstance(each, click.Argument)]
    rows = [_row(each) for each in command.params if isinstance(each, click.Option)]
    title = " ".join([path, *arguments])
    return "".join([f"\n## `{title}`\n\n{_one_line(command.help or '')}\n", *([_TABLE, *rows] if rows else [])])


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _row(option: click.Option) -> str:
    with click.Context(click.Command("warest")) as context:
        record = option.get_help_record(context)
    assert record, option.name
    written, does = (_one_line(part).replace("|", r"\|") for part in record)
    return f"| `{written}` | {does} |\n"


def _metavar(argument: click.Argument) -> str:
    with click.Context(click.Command("warest")) as context:
        return argument.make_metavar(context)


if __name__ == "__main__":
    (_ROOT / "docs" / "cli.md").write_text(markdown())

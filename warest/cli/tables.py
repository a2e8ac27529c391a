"""Rows for people: aligned columns, and nothing that a terminal would obey."""

from collections.abc import Iterable, Sequence

import click


def show(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as their longest cell; the last one is as long as it likes."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def plain(text: str) -> str:
    """Names come from elsewhere: without line breaks and escape sequences."""
    return "".join(char if char.isprintable() else " " for char in text)

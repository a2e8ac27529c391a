"""Where settings stand: files named by `X_FILE`, the process environment, `.env`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from warest.errors import SetupError


def read(
    settings: Iterable[list[str]], process: Mapping[str, str], file: Mapping[str, str | None]
) -> tuple[dict[str, str], list[str]]:
    """The settings that are set, by the variable that set each, and the files that cannot be read.

    `settings`: the variables of each, the preferred one first.
    """
    values: dict[str, str] = {}
    faults: list[str] = []
    for names in settings:
        try:
            values |= next(({name: text.strip()} for name, text in _given(names, process, file) if text.strip()), {})
        except SetupError as error:
            faults.append(error.message)
    return values, faults


def _given(names: list[str], process: Mapping[str, str], file: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """All that is said of one setting, what counts first first."""
    for name in names:
        if path := process.get(f"{name}_FILE") or file.get(f"{name}_FILE"):
            yield name, _content(f"{name}_FILE", Path(path))
    for source in (process, file):
        yield from ((name, source.get(name) or "") for name in names)


def _content(variable: str, path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{variable}: cannot read {path}: {error}") from error

"""The settings as documents, written from the code: `python -m warest.config.reference` mends both files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warest.config.settings import Settings, names_of

_ROOT = Path(__file__).resolve().parent.parent

_INTRODUCTION = """# Configuration

Every setting is an environment variable. `X_FILE` names a file whose content is the value of `X`; `.env` in the working
folder is read too; the process environment wins over `.env`, and `X_FILE` over both. An empty variable counts as unset.
Booleans are true, 1, yes, on and false, 0, no, off. Wrong settings stop the start, all of them named at once.

Where several names stand in a row, the first that is set counts. Written by `python -m warest.config.reference`.

| variable | default | what it does |
|---|---|---|
"""


def markdown() -> str:
    """docs/configuration.md."""
    rows = (f"| {', '.join(f'`{name}`' for name in names)} | {shown} | {help} |" for names, shown, help in _settings())
    return _INTRODUCTION + "\n".join(rows) + "\n"


def example() -> str:
    """.env.example: everything commented out, since nothing has to be set."""
    parts = (f"# {help}\n#{names[0]}={shown.strip('`').replace('none', '')}\n" for names, shown, help in _settings())
    return "# Copy to .env and uncomment what you need; docs/configuration.md explains.\n\n" + "\n".join(parts)


def _settings() -> Iterator[tuple[list[str], str, str]]:
    """Variables, default and help of each setting."""
    for field in Settings.model_fields.values():
        yield names_of(field), _default(field.default), str(field.description)


def _default(value: Any) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
    return f"`{shown}`" if shown else "none"


if __name__ == "__main__":
    (_ROOT / "docs" / "configuration.md").write_text(markdown())
    (_ROOT / ".env.example").write_text(example())

"""The documents say what the code does, all of it, and nothing else."""

import re
from pathlib import Path

import pytest

from warest import events, lifecycle
from warest.cli import reference as cli_reference
from warest.config import reference
from warest.config.settings import Settings
from warest.http import openapi
from warest.http.codes import Code
from warest.http.resources import capabilities

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def test_configuration_is_written_from_the_code() -> None:
    """`python -m warest.config.reference` has been run since the last change of a setting."""
    assert (ROOT / "docs/configuration.md").read_text() == reference.markdown()
    assert (ROOT / ".env.example").read_text() == reference.example()


def test_every_command_is_documented() -> None:
    """`python -m warest.cli.reference` has been run since the last change of a command or an option."""
    assert (ROOT / "docs/cli.md").read_text() == cli_reference.markdown()


def test_every_route_is_documented(routes: dict[str, object]) -> None:
    """The overview lists each route of the code, and no other."""
    listed = set(re.findall(r"^\| `(\w+) (/\S+)` \|", (ROOT / "docs/api.md").read_text(), re.MULTILINE))
    described = openapi.document(Settings(), routes)["paths"]
    assert listed == {(method.upper(), path) for path, methods in described.items() for method in methods}


def test_the_readme_says_what_is_limited(routes: dict[str, object]) -> None:
    """`python -m warest.http.resources.capabilities` has been run since the last change of a route or a limit."""
    assert capabilities.in_readme((ROOT / "README.md").read_text()) == capabilities.markdown(routes)


def test_every_event_is_documented() -> None:
    """Each event of the code has a chapter, and each chapter an event."""
    chapters = set(re.findall(r"^## ([a-z_]+)$", (ROOT / "docs/events.md").read_text(), re.MULTILINE))
    assert chapters == {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}


def test_every_state_is_documented() -> None:
    """docs/sessions.md has the table of the code, word for word."""
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+?) \|$", (ROOT / "docs/sessions.md").read_text(), re.MULTILINE
    )
    states = [(each.name, each.status, each.meaning, each.advice) for each in lifecycle.STATES.values()]
    assert rows == states


def test_documented_codes_exist() -> None:
    """Number and HTTP status of each documented code are those of the table."""
    rows = re.findall(r"^\| (\d{4}) \| (\d{3}) \|", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert {(int(number), int(http)) for number, http in rows} <= {(code.number, code.http) for code in Code}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link names a file of the repository."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_each_weakness_has_its_test() -> None:
    """SECURITY.md names a test for each of S1 to S19, and the test names the weakness."""
    rows = re.findall(r"^\| (S\d+) \|.*\| `(tests/\S+)::(\w+)` \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert [number for number, _, _ in rows] == [f"S{number}" for number in range(1, 20)]
    for number, file, name in rows:
        written = (ROOT / file).read_text()
        assert f"def {name}(" in written and re.search(rf"quirks? (S\d+ and )?{number}\b", written), (number, file)

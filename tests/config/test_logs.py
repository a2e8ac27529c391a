"""Logs: one line an entry, and no keys in it."""

import json
import logging
from collections.abc import Iterator

import pytest

from warest.config import logs
from warest.config.settings import Settings

SECRET = "s3cr3t-0123456789abcdef"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(
    "text",
    [
        f"GET /api/v1/session/list?api_key={SECRET}&x=1", f"GET /?apiKey={SECRET}", f"?a=1&APIKEY={SECRET}",
        f"X-WAREST-API-KEY: {SECRET}", f"Api-Key: {SECRET}", f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Token {SECRET}'}}", f'{{"webhookSecret": "{SECRET}", "a": 1}}', f"password={SECRET}",
        f"cannot reach redis://user:{SECRET}@redis:6379/0", f"redis://:{SECRET}@redis", f"?token={SECRET}",
    ],
)  # fmt: skip
def test_secrets_never_get_in(text: str) -> None:
    """Not from queries, headers, bodies or URLs; the words around them stay."""
    shown = logs.redact(f"before {text} after")
    assert SECRET not in shown and shown.startswith("before ") and shown.endswith(" after")


def test_generated_keys_are_known_by_their_shape() -> None:
    """Wherever one stands, its secret half is cut."""
    assert (
        logs.redact("key admin_01M81KRQ11HV0TERHR7SE3Y1NT_0123456789abcdef!")
        == "key admin_01M81KRQ11HV0TERHR7SE3Y1NT_…!"
    )


@pytest.mark.parametrize(
    "text", ["session a ended with 64", "a token is missing", "http://127.0.0.1:7308/x@y", "50% done"]
)
def test_other_lines_stay_what_they_are(text: str) -> None:
    """Redaction must not eat what operators need."""
    assert logs.redact(text) == text


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, in UTC, with the exception, whatever the text holds."""
    logs.configure(Settings(), "web")
    try:
        raise RuntimeError(f"api_key={SECRET}")
    except RuntimeError:
        logging.getLogger("x").exception("two\nlines \ud800 password=%s", SECRET)
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["process"], entry["logger"]) == ("error", "web", "x")
    assert entry["message"].startswith("two\nlines") and entry["time"].endswith("Z")
    assert "RuntimeError" in entry["exception"] and SECRET not in line


def test_pretty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """For people; without keys, too, also those in tracebacks."""
    logs.configure(Settings(log_pretty=True, log_level="warn"), "web")
    logging.getLogger("x").info("not shown")
    try:
        raise RuntimeError(f"api_key={SECRET}")
    except RuntimeError:
        logging.getLogger("x").warning("shown %s", f"token={SECRET}", exc_info=True)
    shown = capsys.readouterr().err
    assert "not shown" not in shown and "shown token=…" in shown
    assert "RuntimeError" in shown and SECRET not in shown

"""The list of routes with the outcomes that the tests have seen, written at the end of a run to build/outcomes.md.

A run of the whole suite fails when a route has never succeeded on the running product, or has never refused.
"""

from pathlib import Path
from typing import Any

import pytest

from support import conformity
from warest.http.codes import Code

_HEAD = """# Answers that the tests have seen

Numeric codes, or the HTTP status where there is none, and how often. `e2e`: from the running product.

| route | e2e | http |
|---|---|---|
"""

_STATUS = {code.number: code.http for code in Code}

_lacking: list[str] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several processes, which tells the first
        output["seen"] = [[*outcome, count] for outcome, count in conformity.seen.items()]
        output["routes"] = conformity.routes()
        return
    _lacking.extend(route for route in conformity.routes() if not _is_tested(*route.split(" ")))
    _write(session.config.rootpath / "build" / "outcomes.md")
    if _lacking and _is_whole(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})
    conformity.learn_routes(output.get("routes", []))
    for ring, method, template, code, count in output.get("seen", []):
        conformity.seen[ring, method, template, code] += count


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _lacking and _is_whole(config):
        terminalreporter.section("routes without a tested success and refusal (build/outcomes.md)")
        terminalreporter.write_line("\n".join(_lacking))


def _is_whole(config: pytest.Config) -> bool:
    chosen = (config.option.file_or_dir, config.option.keyword, config.option.collectonly)
    return not any(chosen) and "slow" in config.option.markexpr and config.option.markexpr.startswith("not")


def _is_tested(method: str, template: str) -> bool:
    """What the engine cannot do at all has its 501 for a success."""
    done = [_status(code) for code in _codes("e2e", method, template)]
    succeeded = any(status < 300 or status == Code.NOT_IMPLEMENTED.http for status in done)
    refused = any(_status(code) >= 300 for ring in ("e2e", "http") for code in _codes(ring, method, template))
    return succeeded and refused


def _status(code: int) -> int:
    return _STATUS.get(code, code)


def _codes(ring: str, method: str, template: str) -> dict[int, int]:
    return {code: count for (*key, code), count in sorted(conformity.seen.items()) if key == [ring, method, template]}


def _write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = []
    for route in conformity.routes():
        found = [_codes(ring, *route.split(" ")) for ring in ("e2e", "http")]
        told = (", ".join(f"{code} x{count}" for code, count in codes.items()) for codes in found)
        rows.append(f"| {route} | {' | '.join(told)} |")
    if rows:
        path.write_text(_HEAD + "\n".join(rows) + "\n")

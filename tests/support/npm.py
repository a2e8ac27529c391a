"""Packages of npm's that tests run under Node; they stay in pytest's cache."""

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(config: pytest.Config, folder: str, package: str) -> Path:
    """The folder whose `node_modules` has it: `name@version`. Skips the test, and says why, where that cannot be."""
    if missing := [tool for tool in ("node", "npm") if not shutil.which(tool)]:
        pytest.skip(f"{package} is NOT tested: {' and '.join(missing)} not found on PATH; install Node.js")
    kept: Path = config.cache.mkdir(folder)
    if not (kept / "node_modules" / package.rpartition("@")[0]).exists():
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", package]
        try:
            subprocess.run(install, cwd=kept, check=True, capture_output=True, text=True, timeout=60)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{package} is NOT tested: npm cannot install it: {error}")
    return kept

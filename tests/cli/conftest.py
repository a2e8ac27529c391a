import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.product import Product, running
from warest.cli.main import cli

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """One for all tests of this folder: each uses sessions and phones of its own."""
    folder = Path(tempfile.mkdtemp(prefix="warest-test-"))
    with running(folder) as product:
        yield product
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def warest(product: Product) -> Run:
    """Runs a command that speaks to the product's server; its own errors are raised."""

    def run(*arguments: str, stdin: str | None = None) -> Result:
        options = ["--port", str(product.port), "--data", str(product.data)]
        return CliRunner().invoke(cli, [*arguments, *options], input=stdin, catch_exceptions=False)

    return run

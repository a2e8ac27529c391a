import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import Product
from tests.support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a unix socket will lie in it."""
    path = Path(tempfile.mkdtemp(prefix="warest-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def product(folder: Path) -> Iterator[Product]:
    """A product that runs. At the end nobody has seen anything on the wire that WhatsApp does not know."""
    product = Product(folder)
    try:
        product.start()
        yield product
        assert product.violations() == []
    finally:
        if product.process and product.process.poll() is None:
            product.stop()
        product.http.close()
        if os.environ.get("WAREST_TEST_LOGS"):
            print(product.log.read_text())

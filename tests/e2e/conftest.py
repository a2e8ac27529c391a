import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.product import Product
from support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


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

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.product import Product, running
from support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def product(folder: Path) -> Iterator[Product]:
    with running(folder) as product:
        yield product

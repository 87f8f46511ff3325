"""What tests of the engine can ask for."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def time_stands() -> Iterator[None]:
    """Rows are stamped with the real time, which would pass beside the world's: what is due first would be chance."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield

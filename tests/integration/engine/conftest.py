"""What tests of the engine can ask for."""

import pytest

from tidegate.services import drain


@pytest.fixture
def time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's heart beats by the world's clock, which moves whenever somebody sleeps by it: how often is chance."""
    monkeypatch.setattr(drain, "BEAT_SECONDS", 0.0)

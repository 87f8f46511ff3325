"""On what tokens are spent is told before each batch: the reserve holds for transfers and never for live sync."""

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.ports import Feature
from tidegate.services.engine import Engine

pytestmark = pytest.mark.django_db


def test_a_transfer_spends_as_a_transfer_and_live_sync_as_live(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Feature] = []
    made = Engine.__init__

    def listening(self: Engine, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)  # type: ignore[arg-type]
        self.spend_as = told.append

    monkeypatch.setattr(Engine, "__init__", listening)
    world = World()
    world.outreach.add(prospect())
    world.drain()
    live = list(told)
    told.clear()
    world.transfer()

    assert set(live) == {Feature.LIVE}
    assert told[0] is Feature.TRANSFER

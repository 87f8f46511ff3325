"""The fake the other tests use has the real actions' signatures."""

import inspect
from typing import get_type_hints

import pytest

from tests.integration.api.fake_actions import FakeActions
from tidegate.wiring import actions

NAMES = [
    name
    for name, found in vars(FakeActions).items()
    if inspect.isfunction(found) and not name.startswith("_") and name != "before_each"
]


@pytest.mark.parametrize("name", NAMES)
def test_the_fake_is_called_as_the_real_one_is(name: str) -> None:
    real, fake = getattr(actions, name), getattr(FakeActions, name)

    wanted = list(inspect.signature(real).parameters.values())
    offered = list(inspect.signature(fake).parameters.values())[1:]
    assert [(p.name, p.kind, p.default) for p in offered] == [(p.name, p.kind, p.default) for p in wanted]
    assert get_type_hints(fake) == get_type_hints(real)

"""What the page says of a constant's value must be true of it."""

import pytest

from tests.pairs import make_field
from tidegate.core.fitting import fit
from tidegate.core.operations import Refusal
from tidegate.core.parsing import value_from_text
from tidegate.core.records import Side
from tidegate.core.values import Kind, Unreadable
from tidegate.web.setup.constants import EXAMPLES


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_on_the_page_is_taken_as_it_stands(kind: Kind) -> None:
    target = make_field(kind)

    value = value_from_text(target, EXAMPLES[kind])

    assert not isinstance(value, Unreadable), value
    assert not isinstance(fit(value, target, Side.OUTREACH), Refusal)

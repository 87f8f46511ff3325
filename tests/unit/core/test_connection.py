"""The states of a connection."""

import pytest

from tidegate.core.connection import MOVES, Status, may_move


@pytest.mark.parametrize("status", Status)
def test_every_status_may_stay_and_names_only_others(status):
    assert may_move(status, status)
    assert status not in MOVES[status]


def test_every_status_can_be_reached_and_left():
    assert {after for moves in MOVES.values() for after in moves} == set(Status)
    assert all(MOVES[status] for status in Status)

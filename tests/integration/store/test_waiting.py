"""What waits in the inbox, told by kind: each record once, by what happened to it last (L6)."""

import pytest
from django.utils import timezone

from tests.builders import make_change, make_connection, make_link, make_workspace
from tidegate.core.records import Side
from tidegate.store.queries import Waiting, WaitingKind, waiting_by_kind

pytestmark = pytest.mark.django_db


def test_a_record_counts_once_by_what_happened_to_it_last() -> None:
    connection = make_connection(make_workspace())
    make_link(connection, 1, 10)
    make_link(connection, 2, 20)
    for record, action in [
        (1, "change"),
        (1, "change"),
        (2, "change"),
        (2, "delete"),
        (3, "create"),
        (3, "change"),
    ]:
        make_change(connection, record, action=action)
    for record in (10, 20, 30, 40):
        make_change(connection, record, side=Side.PIPEDRIVE)
    make_change(connection, 7, side=Side.PIPEDRIVE, entity="organization")
    make_change(connection, 8, side=Side.PIPEDRIVE, entity="stage")

    assert waiting_by_kind(connection) == [
        Waiting(Side.OUTREACH, WaitingKind.NEW, 1),
        Waiting(Side.OUTREACH, WaitingKind.CHANGED, 1),
        Waiting(Side.OUTREACH, WaitingKind.DELETED, 1),
        Waiting(Side.PIPEDRIVE, WaitingKind.NEW, 2),
        Waiting(Side.PIPEDRIVE, WaitingKind.CHANGED, 2),
        Waiting(Side.PIPEDRIVE, WaitingKind.ORGANIZATION, 1),
        Waiting(Side.PIPEDRIVE, WaitingKind.OTHER, 1),
    ]


def test_what_is_done_and_what_others_wait_for_does_not_count() -> None:
    workspace = make_workspace()
    connection, other = make_connection(workspace), make_connection(workspace)
    make_link(other, 1, 10)
    make_change(other, 1)
    make_change(connection, 1)
    make_change(connection, 2, done_at=timezone.now())

    assert waiting_by_kind(connection) == [Waiting(Side.OUTREACH, WaitingKind.NEW, 1)]

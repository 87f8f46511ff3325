"""Rows of the inbox that are written by one statement are those that would have been written one by one."""

import pytest
from django.forms.models import model_to_dict

from tests.builders import make_connection, make_workspace
from tidegate.core.records import Side
from tidegate.store.inbox import News, add_campaign_events, add_changes
from tidegate.store.models import Change, Connection

pytestmark = pytest.mark.django_db


def rows(connection: Connection) -> list[dict[str, object]]:
    found = Change.objects.filter(connection=connection).order_by("id")
    return [
        {**model_to_dict(row, exclude=["id"]), "received_at": row.received_at, "due_at": row.due_at}
        for row in found
    ]


def test_events_of_campaigns_come_in_as_any_other_news_and_keep_their_order() -> None:
    workspace = make_workspace()
    one_by_one, at_once = make_connection(workspace), make_connection(workspace)
    ids = [7, 3, 12]
    news = [
        News(Side.OUTREACH, "campaign_event", str(i), action="create", source="campaign", actor="A" * 300)
        for i in ids
    ]

    add_changes(one_by_one, news)
    add_campaign_events(at_once, ids, actor="A" * 300)

    told = [
        {**row, "connection": 0, "lane": 0, "received_at": 0, "due_at": 0}
        for row in (*rows(one_by_one), *rows(at_once))
    ]
    assert told[:3] == told[3:]
    assert [row["record_id"] for row in rows(at_once)] == ["7", "3", "12"]
    assert all(row["received_at"] == row["due_at"] for row in rows(at_once))

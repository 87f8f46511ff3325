"""What is done is kept for the time that docs/architecture.md gives, and no longer; what waits is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.builders import make_change, make_connection, make_log_entry, make_workspace
from tidegate.store.models import Change, LogEntry
from tidegate.wiring.sweep import LOG_KEPT, _delete_old_rows

pytestmark = pytest.mark.django_db


def test_what_is_done_long_ago_goes_and_what_waits_stays() -> None:
    connection = make_connection(make_workspace())
    now = timezone.now()
    old, recent = now - timedelta(days=31), now - timedelta(days=29)
    make_change(connection, "1", received_at=old, done_at=old)
    make_change(connection, "2", received_at=old, done_at=recent)
    make_change(connection, "3", received_at=old)
    for at in (now - LOG_KEPT - timedelta(days=1), now - LOG_KEPT + timedelta(days=1)):
        entry = make_log_entry(connection)
        LogEntry.objects.filter(pk=entry.pk).update(at=at)

    _delete_old_rows()

    assert sorted(Change.objects.values_list("record_id", flat=True)) == ["2", "3"]
    assert LogEntry.objects.count() == 1

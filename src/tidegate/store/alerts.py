"""Which alerts are open: begun and ended by what the connections' rows tell now."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tidegate.core.alerts import MAIL_EVERY, alerts_of
from tidegate.core.connection import Reason, Status
from tidegate.store.models import Alert, Change, Connection, Membership, Role

log = logging.getLogger(__name__)


def look_for_alerts() -> None:
    """Begin what is new, end what is over; each beginning is a line of the log."""
    now = timezone.now()
    connections = Connection.objects.filter(disconnected_at=None).exclude(launched_at=None)
    for connection in connections.select_related("lane", "workspace"):
        _look(connection, now)
    Alert.objects.filter(ended_at=None, connection__disconnected_at__isnull=False).update(ended_at=now)


def _look(connection: Connection, now: datetime) -> None:
    found = alerts_of(
        status=Status(connection.status),
        reason=Reason(connection.reason),
        reason_text=connection.reason_text,
        oldest_due_at=_oldest_due_at(connection, now),
        wait_until=connection.lane.wait_until,
        now=now,
    )
    with transaction.atomic():
        rows = Alert.objects.filter(connection=connection, ended_at=None)
        rows.exclude(kind__in=[alert.kind.value for alert in found]).update(ended_at=now)
        known = set(rows.values_list("kind", flat=True))
        for alert in found:
            if alert.kind.value not in known:
                Alert.objects.create(
                    connection=connection, kind=alert.kind.value, text=alert.text, began_at=now
                )
                log.warning("Alert %s, %s: %s", alert.kind.value, connection.company_name, alert.text)


def _oldest_due_at(connection: Connection, now: datetime) -> datetime | None:
    waiting = Change.objects.filter(connection=connection, done_at=None, due_at__lte=now)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def alerts_to_mail() -> list[Alert]:
    """Open ones whose kind no e-mail told of lately."""
    lately = Alert.objects.filter(
        connection=OuterRef("connection"),
        kind=OuterRef("kind"),
        mailed_at__gt=timezone.now() - MAIL_EVERY,
    )
    rows = Alert.objects.filter(ended_at=None).exclude(Exists(lately)).order_by("began_at")
    return list(rows.select_related("connection__workspace"))


def who_is_told(alert: Alert) -> list[str]:
    """The addresses of those who can do something about it: the workspace's owners and admins."""
    members = Membership.objects.filter(
        workspace=alert.connection.workspace, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    )
    return list(members.exclude(user__email="").order_by("pk").values_list("user__email", flat=True))


def mark_mailed(alert: Alert) -> None:
    alert.mailed_at = timezone.now()
    alert.save(update_fields=["mailed_at"])
